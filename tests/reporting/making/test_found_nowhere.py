"""A report's token is found nowhere: not in its directory, the archive, the store, or what is printed and told."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import nbformat
import pytest

from scrapdb.reporting import report
from scrapdb.reporting.making.tokens import Wish
from scrapdb.running.kernels import redaction
from tests.running.kernels.telling import CASES
from tests.running.kernels.telling import ENDS
from tests.running.kernels.telling import ENVIRONMENT
from tests.running.kernels.telling import PNG
from tests.running.kernels.telling import PYTHON
from tests.running.kernels.telling import TOKEN
from tests.running.kernels.telling import WAYS

TEMPLATE = "<title>t</title>{{ parameters }}{% for name in (a, b, c) %}<p>{{ name }}</p>{% endfor %}"
LAST = """import json, os
if not os.path.exists('output.json'):
    json.dump({'a': 1, 'b': site, 'c': len(token)}, open('output.json', 'w'))"""
HIDDEN = redaction.forms([TOKEN])
IN_PIECES = {
    "joined": ("a, b = token[:9], token[9:]", "{{ a }}{{ b }}"),
    "joined in a comment": ("a, b = token[:9], token[9:]", "<!-- {{ a ~ b }} -->"),
    "turned round": ("a, b = token[::-1], ''", "{{ a | reverse }}{{ b }}"),
    "in an attribute": ("a, b = [*token], ''", "<p title='{{ a | join }}'>{{ b }}</p>"),
    "quoted": ("a, b = token[:9], token[9:]", "<a href='https://x/?t={{ (a ~ b) | urlencode }}'>x</a>"),
    "in lines": ("a, b = token[:9], token[9:]", "{{ a }}\n{{ b }}"),
}


class Issuer:
    """Issues the token that the notebooks tell of, and takes down what was asked of it."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        self.revoked: list[str] = []

    def issue(self, wish: Wish) -> str:
        self.wishes.append(wish)
        return TOKEN

    def revoke(self, token: str) -> None:
        self.revoked.append(token)


def bundle(where: Path, *sources: str, template: str = TEMPLATE) -> Path:
    made = where / "voltage"
    made.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), made / "report.ipynb")
    (made / "template.html").write_text(template)
    parameters = {"site": {"type": "text"}}
    (made / "config.json").write_text(json.dumps({"title": "Voltage", "parameters": parameters}))
    return made


def places(where: Path) -> list[bytes]:
    """All bytes below a directory, and all names."""
    files = [path.read_bytes() for path in where.rglob("*") if path.is_file()]
    return files + [str(path).encode() for path in where.rglob("*")]


def built(where: Path, *sources: str, template: str = TEMPLATE, **more: Any) -> tuple[Any, Issuer]:
    issuer = Issuer()
    made = bundle(where, *sources, template=template)
    reports = report.build(made, {"site": "north"}, "reports", token=issuer, db=where / "scraps.db", jobs=1, **more)
    return reports[0], issuer


@pytest.mark.parametrize("way", CASES)
def test_a_token_is_found_nowhere(
    way: str, where: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one, issuer = built(where, "import os", ENVIRONMENT, PNG, WAYS[way], LAST)

    printed = capfd.readouterr()
    told = [text.encode() for text in (printed.out, printed.err, caplog.text, repr(one))]
    assert not [place[:300] for place in [*places(where), *told] if redaction.holds(place, HIDDEN)]
    assert issuer.revoked == [TOKEN]
    assert [wish.parameters for wish in issuer.wishes] == [{"site": "north"}]
    refused = way.startswith("output.json") or way == "environment"
    assert one.state == ("error" if refused else {"failed": "error"}.get(ENDS.get(way, ""), ENDS.get(way, "completed")))
    if refused:
        assert one.reason.startswith("output.json holds a secret, and is not kept.")


@pytest.mark.parametrize("way", IN_PIECES)
def test_a_page_that_would_hold_the_token_is_not_written(way: str, where: Path) -> None:
    code, template = IN_PIECES[way]
    last = f"import json\n{code}\njson.dump({{'a': a, 'b': b}}, open('output.json', 'w'))"
    one, issuer = built(where, ENVIRONMENT, last, template=f"<title>t</title>{template}", pdf=True)

    assert one.state == "error"
    assert "token" in one.reason
    assert issuer.revoked == [TOKEN]
    assert not [place[:300] for place in places(where) if redaction.holds(place, HIDDEN)]
