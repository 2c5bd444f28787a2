from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from scrapdb.errors import UsageError
from scrapdb.running.batches import batch_file
from scrapdb.running.batches.batch_file import Batch
from scrapdb.running.batches.batch_file import BatchLimits
from scrapdb.running.batches.settings import Settings
from scrapdb.running.rows import grid
from scrapdb.running.rows import parameters
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import notebook

PUBLISHED = Path(__file__).parents[3] / "docs" / "batch.schema.json"
YAML = """\
notebook: source.ipynb
output: runs
parameters:
  symbol: [AAA, no, 007, 1e5]
  length: 100
  day: 2026-01-31
  items: [[1, 2]]
zip: no
name: "{symbol}.ipynb"
jobs: 4
resume: yes
limits: {memory: 2GB, timeout: 1h30m, cell_timeout: 90, grace:}
network: on
read: [data, /usr/share/data, s3://bucket/x]
with: [helpers.py]
env: [LANG, NO]
secrets: [api_key]
retries: 2
retry_on: [lost, timed out]
kernel: ~
"""
AS_JSON = {
    "notebook": "source.ipynb",
    "output": "runs",
    "parameters": {"symbol": ["AAA", "no", "007", "1e5"], "length": 100, "day": "2026-01-31", "items": [[1, 2]]},
    "zip": False,
    "name": "{symbol}.ipynb",
    "jobs": 4,
    "resume": True,
    "limits": {"memory": "2GB", "timeout": "1h30m", "cell_timeout": 90, "grace": None},
    "network": True,
    "read": ["data", "/usr/share/data", "s3://bucket/x"],
    "with": ["helpers.py"],
    "env": ["LANG", "NO"],
    "secrets": ["api_key"],
    "retries": 2,
    "retry_on": ["lost", "timed out"],
}
TOML = """\
notebook = "source.ipynb"
output = "runs"
zip = false
name = "{symbol}.ipynb"
jobs = 4
resume = true
network = true
read = ["data", "/usr/share/data", "s3://bucket/x"]
with = ["helpers.py"]
env = ["LANG", "NO"]
secrets = ["api_key"]
retries = 2
retry_on = ["lost", "timed out"]
[parameters]
symbol = ["AAA", "no", "007", "1e5"]
length = 100
day = 2026-01-31
items = [[1, 2]]
[limits]
memory = "2GB"
timeout = "1h30m"
cell_timeout = 90
"""


def read(path: Path, said: str) -> Batch:
    path.write_text(said)
    return batch_file.read(path)


@pytest.mark.parametrize(
    ("name", "said"), [("a.yaml", YAML), ("a.yml", YAML), ("a.json", json.dumps(AS_JSON)), ("a.TOML", TOML)]
)
def test_a_batch_is_the_same_in_every_format(tmp_path: Path, name: str, said: str) -> None:
    batch = read(tmp_path / name, said)
    source = content(notebook(code("symbol: str\nlength = 1\nday: date\nitems: list[int]", tags=("parameters",))))
    signature = parameters.of(source)
    assert [signature.typed(row) for row in grid.rows(batch.values, batch.table(), zipped=batch.zip)] == [
        {"symbol": symbol, "length": 100, "day": dt.date(2026, 1, 31), "items": [1, 2]}
        for symbol in ("AAA", "no", "007", "1e5")
    ]
    assert batch.notebook == str(tmp_path / "source.ipynb")
    assert batch.output == str(tmp_path / "runs")
    assert batch.secrets == ("api_key",)
    assert batch.settings.pop("cell_timeout") in (90, "90")
    assert {key: value for key, value in batch.settings.items() if key != "cell_timeout"} == {
        "name": "{symbol}.ipynb",
        "jobs": 4,
        "resume": True,
        "memory": "2GB",
        "timeout": "1h30m",
        "network": True,
        "read": (str(tmp_path / "data"), "/usr/share/data", "s3://bucket/x"),
        "beside": (str(tmp_path / "helpers.py"),),
        "env": ("LANG", "NO"),
        "retries": 2,
        "retry_on": ["lost", "timed out"],
    }
    assert Settings(**batch.settings)._limits().memory == 2**31


def test_what_is_said_is_what_can_be_set() -> None:
    ways = {*batch_file.Way.__struct_fields__, *BatchLimits.__struct_fields__} - {"limits"}
    assert ways | {*batch_file._SETTINGS} == {*Settings.__struct_fields__}
    assert {*batch_file._SETTINGS} <= {*Batch.__struct_fields__}


def test_the_published_schema_is_in_step() -> None:
    made = json.dumps(batch_file.schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SESSIONS"):
        PUBLISHED.write_text(made)
    assert PUBLISHED.read_text() == made
    jsonschema.Draft202012Validator.check_schema(batch_file.schema())


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"limits": {"memroy": 1}}, "limits.memroy is no option: did you mean memory?"),
        ({"job": 1}, "job is no option: did you mean jobs?"),
        ({"jobs": "4"}, "jobs has to be an integer, not a text."),
        ({"jobs": 0}, "jobs has to be an integer >= 1."),
        ({"retries": -1}, "retries has to be an integer >= 0."),
        ({"limits": []}, "limits has to be an object, not a list."),
        ({"limits": {"memory": []}}, "limits.memory has to be an integer or a number or a text, not a list."),
        ({"read": "data"}, "read has to be a list, not a text."),
        ({"env": ["A", 5]}, "env[1] has to be a text, not an integer."),
        ({"resume": "yes"}, "resume has to be true or false, not a text."),
        ({"rows": [5]}, "rows[0] has to be an object, not an integer."),
        ({"rows": 5}, "rows has to be a text or a list, not an integer."),
        ({"notebook": None}, "notebook has to be a text, not nothing."),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(tmp_path: Path, said: dict[str, Any], sentence: str) -> None:
    document = {"notebook": "source.ipynb", **said}
    assert not jsonschema.Draft202012Validator(batch_file.schema()).is_valid(document)
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "a.json", json.dumps(document))
    assert str(caught.value) == f"{tmp_path / 'a.json'}: {sentence}"


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("a.yaml", "output: runs", "a.yaml: notebook is missing."),
        ("a.yaml", "", "the file has to be an object, not nothing."),
        ("a.yaml", "- a", "the file has to be an object, not a list."),
        ("a.yaml", "a: [", "it is no YAML"),
        ("a.yaml", "notebook: a\njobs: four", "jobs has to be an integer, not a text."),
        ("a.yaml", "notebook: a\nfresh: maybe", "fresh has to be true or false, not a text."),
        ("a.yaml", "notebook: a\nnotebook: b", "notebook stands twice"),
        ("a.yaml", "notebook: a\nparameters: {x: 1, x: 2}", "x stands twice"),
        ("a.json", '{"notebook": "a", "notebook": "b"}', "notebook stands twice"),
        ("a.json", "{", "cannot be read"),
        ("a.toml", "x", "cannot be read"),
        ("a.yaml", "notebook: a\nlimits: {memory: 2 apples}", "limits.memory: '2 apples' is no size"),
        ("a.yaml", "notebook: a\nlimits: {timeout: soon}", "limits.timeout: 'soon' is no duration"),
        ("a.yaml", "notebook: a\nfor_each: x\nrows: []", "name one"),
        ("a.txt", "notebook: a", r"is read from .yaml, .yml, .json, .toml; not from"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, name: str, said: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path / name, said)
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: No such file"):
        batch_file.read(tmp_path / "none.yaml")


def test_rows_stand_in_the_batch_or_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("symbol\n007\n")
    for rows in ("rows.csv", "[{symbol: 007}]"):
        batch = read(tmp_path / "a.yaml", f"notebook: a.ipynb\nrows: {rows}\n")
        assert batch.table() == [{"symbol": "007"}]
        assert type((batch.table() or [])[0]["symbol"]).__name__ == "Text"
    assert read(tmp_path / "a.yaml", "notebook: s3://b/a.ipynb\nrows: sql:SELECT 1").rows == "sql:SELECT 1"
    assert read(tmp_path / "a.yaml", "notebook: s3://b/a.ipynb").notebook == "s3://b/a.ipynb"


def test_a_batch_is_told_from_a_notebook() -> None:
    assert [name for name in ("a.yaml", "b.YML", "c.json", "d.toml", "e.ipynb", "f") if batch_file.is_batch(name)] == [
        "a.yaml",
        "b.YML",
        "c.json",
        "d.toml",
    ]


def test_every_option_says_what_it_is() -> None:
    for definition in batch_file.schema()["$defs"].values():
        assert definition["description"]
        for name, option in definition["properties"].items():
            assert option.get("description"), name
    assert msgspec.convert(AS_JSON, Batch).jobs == 4
