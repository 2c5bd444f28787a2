"""A plot as one page of HTML that loads nothing: the picture, what it leaves out, and its points as a table. Pure."""

from __future__ import annotations

from html import escape

from scrapdb.charts.points import Points
from scrapdb.formats.html import table
from scrapdb.formats.values import escaped
from scrapdb.formats.values import short

SHOWN = 100  # points in the table
_GROUNDS = {False: ("#1d2939", "#fff", "#eaecf0"), True: ("#e4e7ec", "#161b22", "#344054")}
_STYLE = (
    "body{{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:{};background:{}}}"
    "figure{{margin:1em 0;overflow-x:auto}}svg{{max-width:100%;height:auto}}"
    "div{{overflow-x:auto}}table{{border-collapse:collapse;font-size:13px}}"
    "th,td{{text-align:left;padding:.2em 1em .2em 0;border-bottom:1px solid {};font-variant-numeric:tabular-nums}}"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
<figure role="img" aria-label="{alternative}">{svg}</figure>
<p>{head}</p>
<div tabindex="0" role="region" aria-label="Points">{table}</div>
</body>
</html>
"""


def page(points: Points, title: str, alternative: str, svg: str, *, dark: bool) -> str:
    """Make a page of a picture and its points."""
    rows = [list(map(short, row)) for row in points.rows[:SHOWN]]
    more = len(points.rows) > SHOWN
    return _PAGE.format(
        title=escape(escaped(title)),
        style=_STYLE.format(*_GROUNDS[dark]),
        summary=escape(escaped(points.summary)),
        alternative=escape(escaped(alternative)),
        svg=svg,
        head=f"The first {SHOWN} of those drawn:" if more else "All points:",
        table=table(["notebook", *map(escaped, points.labels)], rows),
    )
