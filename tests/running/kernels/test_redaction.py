"""Secrets are found as everyday tools write them: each is written by its library, and found in what that gave."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable

import markupsafe
import nbformat
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from scrapdb.running.kernels import redaction

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
TOKENS = (JWT, "0123456789abcdef0123456789abcdef", "aB3+/xY9/+zz==", "s3cr3t+/\u00c4\"x'y\\z&<>", "tok en&=%+#")
Way = Callable[[str], bytes]


def png(text: str, *, key: str = "Comment", zipped: bool = False) -> bytes:
    about, buffer = PngInfo(), io.BytesIO()
    about.add_itxt(key, text, zip=zipped)
    Image.new("L", (64, 64)).save(buffer, "png", pnginfo=about)
    return buffer.getvalue()


def xlsx(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/sheet.xml", f"<v>{'x' * 300}</v>")
        archive.writestr("b.xml", f"<v>{html.escape(text)}</v>" * 9)
    return buffer.getvalue()


def parquet(text: str) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"a": [text] * 100}).to_parquet(buffer, compression="gzip")
    return buffer.getvalue()


ONCE: dict[str, Way] = {
    "text": str.encode,
    "repr": lambda text: repr({"a": text}).encode(),
    "json": lambda text: json.dumps([text]).encode(),
    "json in utf-8": lambda text: json.dumps([text], ensure_ascii=False).encode(),
    "pandas' json": lambda text: pd.DataFrame({"a": [text]}).to_json().encode(),
    "html": lambda text: html.escape(text).encode(),
    "jinja's html": lambda text: str(markupsafe.escape(text)).encode(),
    "pandas' html": lambda text: pd.DataFrame({"a": [text]}).to_html().encode(),
    "url": lambda text: urllib.parse.quote(text).encode(),
    "form": lambda text: urllib.parse.urlencode({"a": text}).encode(),
    "small url": lambda text: re.sub("%..", lambda x: x[0].lower(), urllib.parse.quote_plus(text)).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 of a login": lambda text: base64.b64encode(f"me:{text}:".encode()),
    "url's base64": lambda text: base64.urlsafe_b64encode(f"{{{text}".encode()),
    "wrapped base64": lambda text: base64.encodebytes(b"x" * 40 + text.encode() + b"y" * 40),
    "wrapped base64 in json": lambda text: json.dumps(base64.encodebytes(b"x" * 40 + text.encode()).decode()).encode(),
    "quoted base64": lambda text: urllib.parse.quote(base64.b64encode(text.encode()), safe="").encode(),
    "base64 of a url": lambda text: base64.b64encode(urllib.parse.urlencode({"a": text}).encode()),
    "base64 of base64": lambda text: base64.b64encode(b"a" + base64.b64encode(b"b" + text.encode())),
    "base64 of a picture": lambda text: base64.b64encode(png(text)),
    "base64 of a picture with base64": lambda text: base64.b64encode(png(base64.b64encode(text.encode()).decode())),
    "lines": lambda text: "\n".join([text[:5], text[5:]]).encode(),
}
BINARY: dict[str, Way] = {
    "utf-16": lambda text: base64.b64encode(text.encode()).decode().encode("utf-16"),
    "picture": png,
    "compressed text of a picture": lambda text: png(text, zipped=True),
    "base64 of that": lambda text: base64.b64encode(png(text, zipped=True)),
    "that in json": lambda text: json.dumps({"a": base64.encodebytes(png(text, zipped=True)).decode()}).encode(),
    "that in html": lambda text: b'<img src="data:image/png;base64,%s">' % base64.b64encode(png(text, zipped=True)),
    "gzip": lambda text: gzip.compress(text.encode() * 20),
    "zlib in the middle": lambda text: b"%PDF stream " + zlib.compress(text.encode() * 20) + b" endstream",
    "sheet": xlsx,
    "parquet": parquet,
    "base64 of parquet": lambda text: base64.b64encode(parquet(text)),
}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("way", [*ONCE, *BINARY])
def test_bytes_hold_a_secret_as_tools_write_it(way: str, token: str) -> None:
    content = {**ONCE, **BINARY}[way](token)

    assert redaction.holds(content, redaction.forms([token]))
    assert redaction.holds(b"before " + content + b" after", redaction.forms([token])) or way.endswith("parquet")
    assert not redaction.holds({**ONCE, **BINARY}[way]("another text"), redaction.forms([token]))


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("way", ONCE)
def test_a_secret_is_taken_out_of_text_as_tools_write_it(way: str, token: str) -> None:
    hidden = redaction.forms([token])
    text = f"before <{ONCE[way](token).decode()}> after"
    clean = redaction.redacted({"a": [text]}, hidden)["a"][0]

    assert not redaction.holds(clean.encode(), hidden)
    assert "[secret]" in clean
    assert clean.startswith("before <")
    assert clean.endswith("> after")


@given(st.text(min_size=8), st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 100))
def test_base64_is_found_at_any_place(token: str, before: bytes, after: bytes, wrapped: int) -> None:
    hidden = redaction.forms([token.encode("utf-8", "replace").decode()])
    content = before + token.encode("utf-8", "replace") + after
    once = base64.b64encode(content).decode()
    lines = "\n".join(once[start : start + wrapped] for start in range(0, len(once), wrapped)) if wrapped else once

    assert redaction.holds(lines.encode(), hidden)
    assert redaction.holds(base64.b64encode(b"-" + once.encode()), hidden)


def test_colours_do_not_hide_a_secret() -> None:
    """As IPython's traces have them, of code in which a secret stands."""
    shown = "x = tok\x1b[38;5;241m-\x1b[39m\x1b[38;5;66m12\x1b[39m\x1b[38;5;241;43m+\x1b[39;49mab\x1b[0m.if"

    assert redaction.redacted(shown, redaction.forms(["tok-12+ab.if"])) == "x = [secret]"


def test_other_text_stays_as_it_is() -> None:
    hidden = redaction.forms([JWT, "cells", "a1"])
    text = "a\nb\\n \x1b[31mred\x1b[0m c e l l s\n" * 50 + base64.encodebytes(bytes(range(256))).decode()

    assert redaction.redacted(text, hidden) == text
    assert not redaction.holds(text.encode(), hidden)
    assert redaction.redacted({"x": ["y\n", 1, None]}, []) == {"x": ["y\n", 1, None]}


@pytest.mark.parametrize("way", BINARY)
def test_an_output_with_a_secret_inside_is_left_out(way: str) -> None:
    """A picture, a scrap and what was printed; what is beside it stays."""
    content = BINARY[way](JWT)
    text = content.decode() if content.isascii() else base64.encodebytes(content).decode()
    cell = nbformat.v4.new_code_cell("1")
    scrap = {"name": "it", "data": {"a": [text]}, "encoder": "json", "version": 1}
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"image/png": text}),
        nbformat.v4.new_output("display_data", {"application/scrapbook.scrap.json+json": scrap}),
        nbformat.v4.new_output("stream", name="stdout", text=f"see {text}"),
        nbformat.v4.new_output("stream", name="stdout", text="well\n"),
    ]
    node = nbformat.v4.new_notebook(cells=[cell])
    clean = redaction.notebook(node, redaction.forms([JWT]))

    assert not redaction.holds(nbformat.writes(clean).encode(), redaction.forms([JWT]))
    assert clean.cells[0].outputs[3].text == "well\n"
