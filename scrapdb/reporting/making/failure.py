"""The page of a report that failed: what went wrong, for whoever asked for it. Nothing of a bundle acts in it."""

from __future__ import annotations

from html import escape

from scrapdb.reporting.making.record import Record

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
.state { border-left: .4rem solid #c0392b; padding: .5rem 1rem; background: color-mix(in srgb, #c0392b 10%, Canvas); }
pre { overflow-x: auto; padding: .75rem; background: color-mix(in srgb, CanvasText 7%, Canvas); }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
@media print { pre { white-space: pre-wrap; } }
"""


def page(record: Record) -> bytes:
    """Make the page of a report that has none of its own."""
    trace = record.trace
    facts = {
        "Report": record.id,
        "Bundle": f"{record.bundle.name} {record.bundle.version}",
        "Parameters": ", ".join(f"{name}={value}" for name, value in record.parameters.items()),
        "Language": record.language,
        "Began": record.started_at,
        "Ended": record.ended_at,
    }
    parts = {
        f"Cell {trace.cell}" if trace and trace.cell is not None else "Template": trace.source if trace else None,
        "Trace": trace.traceback if trace else None,
        "The end of the log": trace.log if trace else None,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)
    shown = "".join(f"<h2>{name}</h2><pre>{escape(text)}</pre>" for name, text in parts.items() if text)
    title = escape(record.title)
    html = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}: {record.state}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><h1>{title}</h1><p class="state"><strong>{record.state}</strong> '
        f"{escape(record.reason or '')}</p><dl>{listed}</dl>{shown}</main></body></html>\n"
    )
    return html.encode("utf-8", "backslashreplace")
