"""`%scrapdb`, read as a line, and in a real kernel."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database.magic import Request
from scrapdb.database.magic import answer
from scrapdb.database.magic import read_request
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import StoreNotFoundError
from scrapdb.errors import UsageError
from scrapdb.indexing.loop import index
from tests import notebook_builder as nb
from tests.formats.test_sandbox import Elements

REQUESTS = {
    "": Request(None),
    "distance < 0.1": Request("distance < 0.1"),
    "distance < 0.1 -c symbol --limit 3": Request("distance < 0.1", 3, columns="symbol"),
    "--sort -distance --sort=symbol last - first > -1": Request("last - first > -1", sort="-distance, symbol"),
    "-c symbol, distance a = 1": Request("a = 1", columns="symbol, distance"),
    "--columns 'distance * 100 as pct'": Request(None, columns="distance * 100 as pct"),
    'symbol = "a -c b" --scrap "the chart"': Request('symbol = "a -c b"', scrap="the chart"),
    "`odd --name` > 1 and text = 'x  y'": Request("`odd --name` > 1 and text = 'x  y'"),
    "symbol ~ '^A{2}$' --db ../other.db": Request("symbol ~ '^A{2}$'", db="../other.db"),
    "--by a, b -c 'count()' --having 'count() > 1' --by=c x = 1": Request(
        "x = 1", columns="count()", by="a, b, c", having="count() > 1"
    ),
    "text = 'it''s' and x-c>1": Request("text = 'it''s' and x-c>1"),
}
MISTAKES = {
    "--lmit 3": "There is no option --lmit; there are -c, --columns, --by, --having, --sort, --limit, --scrap, --db.",
    "--limit x": "--limit needs a number, not 'x'.",
    "--limit -1": "--limit needs a number, not '-1'.",
    "--limit 3,": "--limit needs a number, not '3,'.",
    f"--limit {2**64}": f"--limit needs a number, not '{2**64}'.",
    "x < 1 --sort": "--sort needs a value.",
}


@pytest.mark.parametrize("line", REQUESTS)
def test_a_line_is_a_request(line: str) -> None:
    assert read_request(line) == REQUESTS[line]


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_in_a_line_is_named(line: str) -> None:
    with pytest.raises(UsageError) as mistake:
        read_request(line)
    assert str(mistake.value) == MISTAKES[line]


def test_a_cell_is_a_request_as_it_stands() -> None:
    expression = "distance\n  < 0.1 --limit 3"
    assert read_request("--sort distance", f"{expression}\n") == Request(expression, sort="distance")
    assert read_request("sql --db other.db", "select 1\n") == Request("select 1", is_sql=True, db="other.db")
    with pytest.raises(UsageError, match=r"^`distance < 1` belongs in the lines below"):
        read_request("distance < 1", "and x")
    for options in ("sql --limit 3", "sql --scrap x"):
        with pytest.raises(UsageError, match="SQL takes no option but --db"):
            read_request(options, "select 1")


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of twenty notebooks that have shown a picture each, two of which are more than a page should hold."""
    directory = tmp_path_factory.mktemp("twenty")
    for number in range(20):
        png = base64.b64encode(b"\x89PNG" + bytes(5_000_000)).decode() if number in {3, 4} else nb.PNG
        outputs = [
            nb.scrap("n", number),
            nb.display("plot", {"image/png": png, "text/plain": "plot"}),
            nb.display("<i>page", {"text/html": f"<h1>{number}</h1>"}),
        ]
        nb.write(directory / "runs" / f"{number:02}.ipynb", nb.notebook(nb.code("glue()", *outputs)))
    index(directory / "scraps.db", [str(directory / "runs")])
    return str(directory / "scraps.db")


def shown(request: Request) -> Elements:
    return Elements(answer(request)._repr_html_())


def captions(request: Request) -> list[str]:
    document = answer(request)._repr_html_().replace("<figcaption", "\n<figcaption")
    return [Elements(line).text for line in document.splitlines() if line.startswith("<figcaption")]


def test_the_store_is_the_one_that_the_command_line_takes(twenty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(twenty).parent / "runs")
    assert len(answer(Request("n < 3"))) == 3
    monkeypatch.setenv("SCRAPDB_DB", "elsewhere.db")
    with pytest.raises(StoreNotFoundError, match=r"elsewhere\.db"):
        answer(Request("n < 3"))
    assert len(answer(Request("n < 3", db="../scraps.db"))) == 3


def test_a_dozen_pictures_are_drawn_and_the_rest_counted(twenty: str) -> None:
    request = Request("n >= 5", sort="-n", db=twenty)
    assert [tag for tag, _ in shown(request).found].count("img") == 12
    assert shown(request).text.endswith("3 more; --limit 15 shows them.")
    assert [tag for tag, _ in shown(request._replace(limit=15)).found].count("img") == 15
    assert "more" not in shown(request._replace(limit=15)).text


def test_pictures_come_in_the_order_of_the_rows(twenty: str) -> None:
    request = Request("n in (7, 9)", sort="-n", columns="n", db=twenty)
    assert [row["n"] for row in answer(request)] == [9, 7]
    assert captions(request) == ["runs/09.ipynb: plot", "runs/07.ipynb: plot"]
    assert Elements(answer(request._replace(expression="n < 0"))._repr_html_()).text == "n"


def test_a_large_picture_is_only_named(twenty: str) -> None:
    request = Request("n in (2, 3)", db=twenty)
    assert [tag for tag, _ in shown(request).found].count("img") == 1
    assert shown(request).text.endswith("runs/03.ipynb: plot is too large to be shown here.")


def test_a_named_scrap_is_shown_whatever_it_is(twenty: str) -> None:
    request = Request("n = 7", scrap="<i>page", db=twenty)
    elements = shown(request)
    assert [attributes["sandbox"] for tag, attributes in elements.found if tag == "iframe"] == [""]
    assert not {"i", "h1"} & {tag for tag, _ in elements.found}
    assert elements.text.endswith("runs/07.ipynb: <i>page")
    with pytest.raises(ScrapNotFoundError, match=r"^No notebook has shown anything for 'plt'; did you mean plot\?$"):
        answer(request._replace(scrap="plt"))


def test_groups_are_rows_without_pictures(twenty: str) -> None:
    request = Request(
        "n < 9", by="n % 2 as odd", columns="count(), sum(n)", sort="-sum(n)", having="odd >= 0", db=twenty
    )
    found = answer(request)
    assert [*found.rows()] == [(0, 5, 20), (1, 4, 16)]
    assert "img" not in [tag for tag, _ in Elements(found._repr_html_()).found]
    with pytest.raises(UsageError, match="--scrap shows what each notebook has glued"):
        answer(request._replace(scrap="plot"))


def test_an_answer_is_printed_as_a_table_and_stays_as_it_was(twenty: str, tmp_path: Path) -> None:
    copy = str(shutil.copy(twenty, tmp_path))
    found = answer(Request("n < 2", columns="n, nb.status", db=copy))
    Path(copy).unlink()
    assert repr(found) == "n  nb.status\n0  completed\n1  completed"
    assert len(found) == 2
    assert found.to_pandas()["n"].tolist() == [0, 1]


def test_only_the_first_hundred_rows_are_printed(twenty: str) -> None:
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1234) SELECT x FROM n"
    printed = repr(answer(Request(sql, is_sql=True, db=twenty))).splitlines()
    assert [line.strip() for line in printed[99:]] == ["99", "100", "… 1,134 more rows"]


CELLS = {
    "load": "%load_ext scrapdb",
    "line": "%scrapdb distance < 0.1 -c symbol,distance --sort distance",
    "last": "[row['symbol'] for row in _]",
    "assigned": "rows = %scrapdb symbol ~ '^A{2}' -c symbol\nrows.to_pandas().to_dict('list')",
    "sql": "%%scrapdb sql\nselect symbol,\n  length from runs where symbol = 'BCD'",
    "scrap": "import scrapdb\nscrapdb.open('scraps.db').notebook('BCD').scraps['chart']",
    "scrapbook": "scrapdb.read_notebook('tickers/BCD.ipynb').scraps['chart']",
    "completion": "[get_ipython().complete(word, f'%scrapdb {word}')[1] for word in ('dist', '--so')]",
    "expression": "%scrapdb symbol = 'BCD' and distnace < 0.1",
    "write": "%%scrapdb sql\ndelete from notebooks",
    "store": "%scrapdb --db nowhere.db",
}
FAILING = ("expression", "write", "store")


@pytest.fixture(scope="module")
def outputs(ticker_store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What a kernel put below each cell of a notebook that lies below the store's directory."""
    directory = tmp_path_factory.mktemp("magic")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        nb.code(source, count=None, tags=("raises-exception",) * (name in FAILING)) for name, source in CELLS.items()
    ]
    for name, cell in zip(CELLS, cells, strict=True):
        cell["id"] = name
    nb.write(directory / "asks.ipynb", nb.notebook(*cells, kernelspec=kernel))
    papermill = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "papermill",
        "--no-progress-bar",
        "--cwd",
        str(ticker_store.parent),
    ]
    command = [*papermill, str(directory / "asks.ipynb"), str(directory / "done.ipynb")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    done = json.loads((directory / "done.ipynb").read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell["outputs"] for cell in done if cell["id"] in CELLS}


def data(outputs: list[dict[str, Any]]) -> dict[str, str]:
    (output,) = outputs
    return {mime: "".join(part) for mime, part in output["data"].items()}


def test_a_kernel_shows_rows_and_their_pictures(outputs: dict[str, list[dict[str, Any]]], tickers: Path) -> None:
    assert outputs["load"] == []
    shown = data(outputs["line"])
    rows = [line.split() for line in shown["text/plain"].splitlines()]
    assert [row[0] for row in rows] == ["symbol", "BCD", "MNO"]
    elements = Elements(shown["text/html"]).found
    pictures = [attributes["src"] for tag, attributes in elements if tag == "img"]
    assert pictures == [f"data:image/png;base64,{chart(tickers / f'{symbol}.ipynb')}" for symbol in ("BCD", "MNO")]


def chart(notebook: Path) -> str:
    """Read the picture that a ticker glued, without scrapdb."""
    found = [
        output["data"]["image/png"]
        for cell in json.loads(notebook.read_bytes())["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output["data"]
    ]
    return str(found[0]).replace("\n", "")


def test_a_kernel_gives_rows_to_python(outputs: dict[str, list[dict[str, Any]]]) -> None:
    assert data(outputs["last"])["text/plain"] == "['BCD', 'MNO']"
    assert data(outputs["assigned"])["text/plain"] == "{'symbol': ['AAA']}"
    assert [line.split() for line in data(outputs["sql"])["text/plain"].splitlines()] == [
        ["symbol", "length"],
        ["BCD", "1000"],
    ]


def test_a_kernel_shows_a_scrap_as_its_picture(outputs: dict[str, list[dict[str, Any]]], tickers: Path) -> None:
    for name in ("scrap", "scrapbook"):
        shown = data(outputs[name])
        assert shown["image/png"].replace("\n", "") == chart(tickers / "BCD.ipynb")
        assert "text/html" not in shown


def test_a_kernel_completes_fields_and_options(outputs: dict[str, list[dict[str, Any]]]) -> None:
    assert data(outputs["completion"])["text/plain"] == "[['distance'], ['--sort']]"


def test_a_kernel_says_what_is_wrong_in_a_sentence(outputs: dict[str, list[dict[str, Any]]]) -> None:
    said = {name: "".join(output["text"] for output in map(joined, outputs[name])) for name in FAILING}
    assert said["expression"].splitlines() == [
        "UsageError: No notebook has a field `distnace`; did you mean `distance`?",
        "  symbol = 'BCD' and distnace < 0.1",
        "                     ^^^^^^^^",
    ]
    assert said["write"] == "UsageError: `sql` only reads: not authorized.\n"
    assert said["store"] == "UsageError: There is no store nowhere.db; make one with `scrapdb index DIR`.\n"


def joined(output: dict[str, Any]) -> dict[str, Any]:
    assert (output["output_type"], output["name"]) == ("stream", "stderr")
    return output | {"text": "".join(output["text"])}


def test_who_compares_an_expression_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, cell in {"a": "limit = 60 * minutes()", "b": "limit = 7"}.items():
        nb.write(tmp_path / f"{name}.ipynb", nb.notebook(nb.code(cell, tags=("parameters",))))
    store = str(tmp_path / "scraps.db")
    index(tmp_path / "scraps.db", [str(tmp_path)])
    capsys.readouterr()
    assert repr(answer(Request("limit > 5", columns="limit", db=store))) == "limit\n    7"
    said = capsys.readouterr()
    assert (said.out, said.err.count("1 notebook has an expression for `limit`")) == ("", 1)
    assert repr(answer(Request(None, columns="limit", db=store))).splitlines()[1:] == ["60 * minutes()", "7"]
    assert capsys.readouterr().err == ""
