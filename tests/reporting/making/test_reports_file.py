"""Lists of reports in files, and their published schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from scrapdb.errors import UsageError
from scrapdb.reporting.making import reports_file
from scrapdb.reporting.making.batch import Entry
from scrapdb.running.batches.settings import Settings

PUBLISHED = Path(__file__).parents[3] / "docs" / "reports.schema.json"
LIST = """
output: made
languages: [en, ca]
name: "{site}-{lang}"
pdf: yes
jobs: 3
limits: {timeout: 5m}
reports:
- bundle: voltage
  parameters: {site: [north, south], no: no}
  push: "s3://bucket/{site}.html"
- bundle: https://example.org/other.zip
  languages: [de]
  name: other
  pdf: no
  rows: [{day: 2026-02-01}, {day: 2026-02-02}]
"""


def read(directory: Path, text: str, name: str = "reports.yaml") -> reports_file.List:
    path = directory / name
    path.write_text(text)
    return reports_file.read(path)


def test_a_list_is_entries_and_how_they_are_made(tmp_path: Path) -> None:
    found = read(tmp_path, LIST)
    assert found.entries(tmp_path / "scraps.db", {}) == [
        Entry(
            bundle=str(tmp_path / "voltage"),
            rows=({"site": "north", "no": "no"}, {"site": "south", "no": "no"}),
            languages=("en", "ca"),
            name="{site}-{lang}",
            pages=("pdf",),
            push="s3://bucket/{site}.html",
        ),
        Entry(
            bundle="https://example.org/other.zip",
            rows=({"day": "2026-02-01"}, {"day": "2026-02-02"}),
            languages=("de",),
            name="other",
        ),
    ]
    assert found.output == str(tmp_path / "made")
    assert Settings(**found.settings)._limits().timeout == 300
    assert found.settings["jobs"] == 3
    assert all(type(name) is str for name in found.entries(tmp_path / "scraps.db", {})[0].languages)


def test_json_says_the_same_as_yaml(tmp_path: Path) -> None:
    said = {"reports": [{"bundle": "/v", "parameters": {"n": [1, 2]}, "pdf": True}]}
    (entry,) = read(tmp_path, json.dumps(said), "reports.json").entries(tmp_path / "scraps.db", {})
    assert entry == Entry(bundle="/v", rows=({"n": 1}, {"n": 2}), pages=("pdf",))


def test_what_is_typed_comes_first(tmp_path: Path) -> None:
    typed = {"languages": ("fr",), "name": None, "push": "out/{n}", "pages": None}
    entries = read(tmp_path, LIST).entries(tmp_path / "scraps.db", typed)
    assert [(each.languages, each.name, each.push) for each in entries] == [
        (("fr",), "{site}-{lang}", "out/{n}"),
        (("fr",), "other", "out/{n}"),
    ]


def test_pages_are_pushed_below_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, 'push: "out/{id}.html"\nreports: [{bundle: v}]')
    assert found.entries(tmp_path, {})[0].push == str(tmp_path / "out/{id}.html")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("reports: [{bundel: v}]", "reports[0].bundel is no option: did you mean bundle?"),
        ("reports: [{parameters: {}}]", "reports[0].bundle is missing."),
        ("reports: v", "reports has to be a list"),
        ("output: x", "reports is missing."),
        ("reports: []\nlangs: [en]", "langs is no option"),
        ("reports: []\nlimits: {timeout: soon}", "limits.timeout: 'soon' is no duration"),
        ("reports: []\nlimits: {time: 5}", "limits.time is no option: did you mean timeout"),
        ("reports: [{bundle: v, pdf: perhaps}]", "reports[0].pdf has to be true or false"),
        ("- bundle: v", "the file has to be an object"),
        ("reports: [", "it is no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, said: str, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, said)
    assert sentence in str(error.value)


def test_the_published_schema_is_in_step() -> None:
    made = json.dumps(reports_file.schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SESSIONS"):
        PUBLISHED.write_text(made)
    assert PUBLISHED.read_text() == made
    jsonschema.Draft202012Validator.check_schema(reports_file.schema())


def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    validator = jsonschema.Draft202012Validator(reports_file.schema())
    said: Any = yaml.safe_load(LIST.replace("2026-02-0", "day-"))
    assert validator.is_valid(said)
    assert not validator.is_valid({**said, "langs": ["en"]})
    assert not validator.is_valid({"reports": [{"bundel": "v"}]})
