from __future__ import annotations

import time
import uuid

import pytest

from scrapdb.errors import ExpressionError
from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import Meaning
from scrapdb.query.nodes import Name
from scrapdb.query.parser import parse_columns
from tests.query.stores import build

FIELDS = Fields.of(
    [
        (1, "distance", "scrap", "float", 3),
        (1, "distance", "scrap", "null", 1),
        (2, "symbol", "parameter", "text", 4),
        (3, "both", "scrap", "integer", 2),
        (3, "both", "parameter", "text", 4),
        (4, "dj", "scrap", "json", 1),
        (5, "dj.a", "scrap", "integer", 1),
        (6, "model.rate", "parameter", "float", 1),
        (7, "a-b", "scrap", "integer", 1),
        (8, "gone", "scrap", "integer", 0),
        (9, "Straße", "scrap", "integer", 1),
    ],
)


def meaning(text: str) -> Meaning:
    (column,) = parse_columns(text)
    assert isinstance(column.node, Name)
    return FIELDS.meaning(column.node)


@pytest.mark.parametrize(
    ("text", "name_id", "types", "path"),
    [
        ("distance", 1, {"float", "null"}, ()),
        ("scrap.distance", 1, {"float", "null"}, ()),
        ("symbol", 2, {"text"}, ()),
        ("both", 3, {"integer", "text"}, ()),
        ("scrap.both", 3, {"integer"}, ()),
        ("param.both", 3, {"text"}, ()),
        ("dj.b", 4, {"json"}, ("b",)),
        ("dj.b.c[0]", 4, {"json"}, ("b", "c", 0)),
        ('dj["a"]', 4, {"json"}, ("a",)),
        ("`dj`.a", 4, {"json"}, ("a",)),
        ("`dj.a`", 5, {"integer"}, ()),
        ("model.rate", 6, {"float"}, ()),
        ("param.model.rate[1]", 6, {"float"}, (1,)),
        ("`a-b`", 7, {"integer"}, ()),
    ],
)
def test_names(text: str, name_id: int, types: set[str], path: tuple[object, ...]) -> None:
    found = meaning(text)
    assert isinstance(found.field, Field)
    assert (found.field.name_id, set(found.field.types), found.path) == (name_id, types, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distnce", "No notebook has a field `distnce`; did you mean `distance`?"),
        ("DISTANCE", "No notebook has a field `DISTANCE`; did you mean `distance`?"),
        ("STRASSE", "No notebook has a field `STRASSE`; did you mean `Straße`?"),
        ("status", "No notebook has a field `status`; did you mean `nb.status`?"),
        ("gone", "No notebook has a field `gone`; `scrapdb fields` lists what there is"),
        ("symbl.x", "No notebook has a field `symbl.x`; did you mean `symbol`?"),
        ("param.distance", "`distance` is no parameter; did you mean `scrap.distance`?"),
        ("scrap.symbol", "`symbol` is no scrap; did you mean `param.symbol`?"),
        ("exec.stat", "There is no `exec.stat`; did you mean `exec.state`?"),
        ("report.stat", "There is no `report.stat`; did you mean `report.state`?"),
        ("nb.report.stat", "There is no `report.stat`; did you mean `report.state`?"),
        ("report.title.x", "`report.title` is no dict or list: nothing can be looked up in it"),
        ("bundle_version", "No notebook has a field `bundle_version`; did you mean `report.bundle_version`?"),
        ("exec.path", "There is no `exec.path`; did you mean `exec.batch`?"),
        ("exec.reason.x", "`exec.reason` is no dict or list: nothing can be looked up in it"),
        ("peak_memory", "No notebook has a field `peak_memory`; did you mean `exec.peak_memory`?"),
        ("nb.statu", "There is no `nb.statu`; did you mean `nb.status`?"),
        ("nb.status.x", "`nb.status` is no dict or list: nothing can be looked up in it"),
        (
            "dj.a",
            (
                "`dj.a` is a name, and also a path into `dj`: "
                'write `dj.a` with backticks for the name, dj["a"] for the path'
            ),
        ),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        meaning(text)
    assert raised.value.message == message
    assert (raised.value.start, raised.value.end) == (0, len(text))


def test_attributes_are_columns_of_the_schema() -> None:
    prefixes = {"notebooks": "nb", "versions": "nb", "records": "exec", "reports": "report"}
    kept = {
        "notebooks": {"id", "os_path", "mtime_ns", "etag"},
        "versions": {"id", "path", "notebook_id", "previous"},
        "records": {"notebook_id", "execution", "started_at", "ended_at", "code_hash", "parameters_hash"},
        "reports": {"notebook_id"},
    }
    for table in prefixes:
        columns = {row[1] for row in build([]).execute("SELECT * FROM pragma_table_info(?)", (table,))}
        assert columns - {attribute.column for attribute in ATTRIBUTES if attribute.table == table} == kept[table]
    names = {attribute.name: f"{prefixes[attribute.table]}.{attribute.column}" for attribute in ATTRIBUTES}
    assert (names.pop("notebook"), names.pop("nb.commit")) == ("nb.path", "nb.commit_hash")
    assert list(names) == list(names.values())


def test_a_hundred_thousand_names_are_only_read_for_a_suggestion() -> None:
    names = [f"event-{uuid.uuid5(uuid.NAMESPACE_URL, str(number))}" for number in range(100_000)]
    asked: list[str] = []

    def lookup(name: str) -> list[object]:
        asked.append(name)
        return []

    fields = Fields(lookup, lambda: names)  # type: ignore[arg-type]
    wrong = names[7][:-1] + "x"
    start = time.perf_counter()
    with pytest.raises(ExpressionError, match=f"did you mean `{names[7]}`"):
        fields.meaning(Name("", wrong))
    assert asked == [wrong]
    assert time.perf_counter() - start < 10
