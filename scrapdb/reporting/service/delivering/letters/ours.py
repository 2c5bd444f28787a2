"""A letter in our words: as text, and as HTML that mail programs show, with its styles where they are used. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import msgspec

from scrapdb.reporting.service.delivering.letters import words
from scrapdb.reporting.service.delivering.letters.letter import File

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_BODY = f"margin:0;padding:24px 12px;background:#f4f5f7;color:#1d2939;font-size:16px;line-height:1.5;{_FONT}"
_SHEET = "width:100%;max-width:600px;background:#ffffff;border:1px solid #e4e7ec;border-radius:8px"
_HEAD, _LINE = "margin:0 0 12px;font-size:22px;line-height:1.3", "margin:0 0 16px"
_HEADING = "margin:0 0 8px;font-size:16px"
_BUTTON = (
    "display:inline-block;padding:10px 18px;background:#276890;color:#ffffff;text-decoration:none;border-radius:6px"
)
_CELL = "padding:4px 16px 4px 0;vertical-align:top;text-align:start"
_NAME = f"{_CELL};color:#475467;font-weight:400"
_FAULT = "margin:0 0 16px;padding:8px 14px;border-inline-start:4px solid #c0392b;background:#fdf2f1"
_PICTURE = "display:block;width:100%;max-width:552px;height:auto;border:0;margin:0 0 16px"
_PRE = (
    "margin:0 0 16px;padding:12px;background:#f4f5f7;font-size:13px;line-height:1.4;white-space:pre-wrap;"
    "overflow-wrap:anywhere;font-family:ui-monospace,Menlo,Consolas,monospace"
)
_FOOT = "margin:0;color:#667085;font-size:13px"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter says.

    Args:
        title: of the report, or what went wrong.
        language: of all.
        opening: a sentence.
        fault: why there is no report.
        facts: what was asked for, by label.
        figures: what was found.
        others: further reports of which it tells.
        parts: texts that stand as they are, under their headings.
        remarks: what is to be said beside.
        link: to the report.
        foot: of which report, in small print.
    """

    title: str
    language: str
    opening: str = ""
    fault: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    link: str | None = None
    foot: str = ""


def text(told: Told) -> str:
    """Write a letter as text."""
    parts = [told.title, told.opening, told.fault]
    parts += ["\n".join(f"{name}: {value}" for name, value in rows) for rows in (told.facts, told.figures)]
    parts += ["\n".join(told.others)]
    parts += [f"{heading}:\n{content.rstrip()}" for heading, content in told.parts]
    parts += [*told.remarks, f"{words.said(words.OPEN, told.language)}: {told.link}" if told.link else "", told.foot]
    return "\n\n".join(part for part in parts if part) + "\n"


def html(told: Told, pictures: tuple[File, ...] = ()) -> str:
    """Write a letter as HTML."""
    tag, side = escape(told.language.replace("_", "-")), words.direction(told.language)
    inner = "\n".join(_inner(told, pictures))
    return (
        f'<!doctype html>\n<html lang="{tag}" dir="{side}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(told.title)}</title></head>"
        f'<body style="{_BODY}"><table role="presentation" align="center" cellpadding="0" cellspacing="0"'
        f' style="{_SHEET}"><tr><td style="padding:24px">\n{inner}\n</td></tr></table></body></html>\n'
    )


def _inner(told: Told, pictures: tuple[File, ...]) -> Iterator[str]:
    yield f'<h1 style="{_HEAD}">{escape(told.title)}</h1>'
    if told.opening:
        yield f'<p style="{_LINE}">{escape(told.opening)}</p>'
    if told.fault:
        yield f'<p style="{_FAULT}">{escape(told.fault)}</p>'
    yield from _table(told.facts, "500")
    yield from _table(told.figures, "600")
    for picture in pictures:
        yield f'<img src="cid:{picture.name}" alt="{escape(picture.alt)}" style="{_PICTURE}">'
    if told.others:
        yield f'<ul style="{_LINE}">{"".join(f"<li>{escape(each)}</li>" for each in told.others)}</ul>'
    for heading, content in told.parts:
        yield f'<h2 style="{_HEADING}">{escape(heading)}</h2><pre style="{_PRE}">{escape(content)}</pre>'
    for remark in told.remarks:
        yield f'<p style="{_LINE}">{escape(remark)}</p>'
    if told.link:
        label = words.said(words.OPEN, told.language)
        yield f'<p style="{_LINE}"><a href="{escape(told.link)}" style="{_BUTTON}">{escape(label)}</a></p>'
    if told.foot:
        yield f'<p style="{_FOOT}">{escape(told.foot)}</p>'


def _table(rows: tuple[tuple[str, str], ...], weight: str) -> Iterator[str]:
    if rows:
        value = f"{_CELL};font-weight:{weight}"
        cells = (
            f'<tr><th scope="row" style="{_NAME}">{escape(name)}</th><td style="{value}">{escape(shown)}</td></tr>'
            for name, shown in rows
        )
        yield f'<table cellpadding="0" cellspacing="0" style="{_LINE}">{"".join(cells)}</table>'
