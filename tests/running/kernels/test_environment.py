"""Notebooks with `#ENVIRONMENT` cells, made ready and executed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

import scrapdb
from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.kernels import prepared
from scrapdb.running.task import Task

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
TOKEN = "t0k3n-of-this-report"  # noqa: S105 - it is none
TALK = (
    "import json, os",
    """#Environment
asset_id = "$ASSET_ID"
from_day = "$FROM_DAY"
to_day = "$TO_DAY"
language = "$LANGUAGE"
token = "$TOKEN\"""",
    """#NoExecute
# For work without the host
asset_id = "5"
from_day = to_day = "2025-01-01"
language, token = "en", "none\"""",
    "title = f'{asset_id} from {from_day} to {to_day}'\nheaders = {'Authorization': token}\nprint(title, token)",
    """output = {"title": title, "asset_id": asset_id, "language": language, "length": len(token)}
with open("output.json", "w") as f:
    f.write(json.dumps(output))""",
    "#noexecute\nprint(undefined)",
)


def made(*cells: Any) -> bytes:
    """A notebook of these sources; a pair is a source and a tag."""
    sources = [(cell, []) if isinstance(cell, str) else (cell[0], [cell[1]]) for cell in cells]
    nodes = [nbformat.v4.new_code_cell(source, metadata={"tags": tags}) for source, tags in sources]
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=nodes, metadata=PYTHON))
    return text.encode()


def ready(content: bytes, parameters: Any = None, **secrets: str) -> Any:
    """The notebook of a run, and in which order secrets are told and cells executed, as sources."""
    task = Task(
        id="1", batch="2", notebook="a", output="b", content=content, parameters=parameters or {}, secrets=secrets
    )
    return prepared.notebook(task)


def sources(node: Any) -> list[str]:
    return [cell.source for cell in node.cells]


def test_the_notebook_of_the_talk_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "talk.ipynb").write_bytes(made(*TALK))
    runs = [
        scrapdb.run(
            tmp_path / "talk.ipynb",
            tmp_path / name,
            {"ASSET_ID": asset, "from_day": dt.date(2025, 1, 1), "to_day": "2025-02-01", "language": "ca"},
            secrets={"TOKEN": TOKEN},
            keep_files=["output.json"],
            db=tmp_path / "scraps.db",
        )[0]
        for name, asset in (("one", 'it\'s "$FROM_DAY"\n\\'), ("two", 7))
    ]

    assert [run.state for run in runs] == ["completed", "completed"]
    said = [json.loads((tmp_path / name / "talk.files/output.json").read_text()) for name in ("one", "two")]
    text = {"language": "ca", "length": len(TOKEN)}
    assert said[0] == {"title": 'it\'s "$FROM_DAY"\n\\ from 2025-01-01 to 2025-02-01', **text} | {
        "asset_id": 'it\'s "$FROM_DAY"\n\\'
    }
    assert said[1]["asset_id"] == 7
    node = nbformat.read(tmp_path / "one/talk.ipynb", as_version=4)
    assert node.cells[1].source.split("\n")[1:] == [
        "asset_id = 'it\\'s \"$FROM_DAY\"\\n\\\\'",
        "from_day = '2025-01-01'",
        "to_day = '2025-02-01'",
        "language = 'ca'",
        "token = TOKEN",
    ]
    assert [cell.execution_count for cell in node.cells] == [1, 2, None, 3, 4, None]
    given = {"asset_id": 7, "from_day": "2025-01-01", "to_day": "2025-02-01", "language": "ca"}
    assert Database(tmp_path / "scraps.db").notebook("two/talk.ipynb").parameters == given
    assert len({read_facts((tmp_path / name / "talk.ipynb").read_bytes()).code_hash for name in ("one", "two")}) == 1
    everything = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [content for content in everything if TOKEN.encode() in content]
    again = scrapdb.run(
        tmp_path / "talk.ipynb",
        tmp_path / "two",
        given,
        secrets={"token": TOKEN},
        db=tmp_path / "scraps.db",
        resume=True,
    )
    assert not again


def test_papermills_cell_sets_what_the_cell_of_parameters_declares() -> None:
    content = made(("n = 1\nday = None", "parameters"), "#ENVIRONMENT\nfirst = '$DAY'\nother = '$OTHER'", "n")
    node = ready(content, {"n": 2, "day": dt.date(2025, 1, 1), "other": [1]})

    assert sources(node) == [
        "n = 1\nday = None",
        '# Parameters\nn = 2\nday = __import__("datetime").date.fromisoformat("2025-01-01")\n',
        "#ENVIRONMENT\nfirst = '2025-01-01'\nother = [1]",
        "n",
    ]
    assert node.metadata.papermill.parameters == {"n": 2, "day": "2025-01-01", "other": [1]}


def test_what_is_not_given_is_what_the_cell_of_parameters_says() -> None:
    content = made(
        ("n = 'it\\'s'\nday = date.today()", "parameters"), "# environment\nx = '$N'\nday = '$DAY'\no = '$O'"
    )

    assert sources(ready(content, {"o": 1}))[-1] == '# environment\nx = "it\'s"\nday = day\no = 1'


def test_all_are_set_as_ever_in_a_notebook_without_such_a_cell() -> None:
    node = ready(made("x = '$N'", ("#ENVIRONMENT\ny = '$M'", "skip-execution")), {"n": 1})

    assert sources(node) == ["# Parameters\nn = 1\n", "x = '$N'", "#ENVIRONMENT\ny = '$M'"]


def test_other_names_are_recorded_and_set_nowhere() -> None:
    node = ready(made("#ENVIRONMENT\nx = '$N'"), {"n": 1, "language": "ca"})

    assert sources(node) == ["#ENVIRONMENT\nx = 1"]
    assert node.metadata.papermill.parameters == {"n": 1, "language": "ca"}


def test_secrets_are_told_before_each_cell_that_takes_them() -> None:
    content = made(
        "1", "#ENVIRONMENT of the host\nt = '$Token'", ("token = None", "parameters"), "#ENVIRONMENT\nu = '$TOKEN'", "2"
    )
    node = ready(content, token="x")  # noqa: S106

    assert sources(node)[1::2] == ["#ENVIRONMENT of the host\nt = token", "#ENVIRONMENT\nu = token"]
    assert prepared.telling(node) == {1, 3}
    assert prepared.telling(ready(made("1", ("token = None", "parameters"), "2"))) == {2}
    assert prepared.telling(ready(made("1", "2"))) == {0}


@pytest.mark.parametrize(
    ("source", "given", "told"),
    [
        (
            "\nx = 1\ny = '$FROM_DAY'",
            {"form_day": 1},
            "Nothing fills $FROM_DAY in line 4 of cell 1: did you mean form_day?",
        ),
        ("\nx = '$Nobody'", {}, "Nothing fills $Nobody in line 3 of cell 1: no parameter is given."),
        ("x = ", {}, "Cell 1 begins with `#ENVIRONMENT` and is no Python: invalid syntax in line 2."),
    ],
)
def test_what_nothing_fills_is_told_with_its_place(source: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ScrapdbError) as caught:
        ready(made("0", f"#ENVIRONMENT\n{source}"), given)

    assert str(caught.value) == told


def test_runs_of_the_same_code_have_the_same_hash_whatever_was_filled() -> None:
    code = ("#ENVIRONMENT\nx = '$N'", "print(x)")
    hashes = [read_facts(nbformat.writes(ready(made(*code), {"n": n})).encode()).code_hash for n in (1, 2)]
    other = read_facts(nbformat.writes(ready(made(code[0], "print(x + 1)"), {"n": 1})).encode()).code_hash

    assert hashes[0] == hashes[1] != other
