"""Nothing but the output of one scrap changes. The referees are `json` and the bytes that others wrote."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import reject
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import EditError
from scrapdb.errors import ScrapbookDataException
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import UsageError
from scrapdb.facts import Glued
from scrapdb.notebooks import extract
from scrapdb.notebooks import ipynb
from scrapdb.notebooks.edit import put
from scrapdb.notebooks.edit import remove
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.ipynb import TOO_DEEP
from scrapdb.notebooks.ipynb import UnreadableError
from tests import corpora
from tests import executed
from tests import notebook_builder as nb
from tests.notebooks import test_hostile

STYLES = {
    "nbformat": {"indent": 1, "ensure_ascii": False, "sort_keys": True},
    "json": {},
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "tabs": {"indent": "\t", "ensure_ascii": False},
    "Python 2": {"indent": 1, "separators": (", ", ": "), "ensure_ascii": False},
}
OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [], "metadata": {}}]}
DEEP = nb.content(nb.notebook(nb.code("1"))).replace(
    b'"source"', b'"x": %s, "source"' % (b"[" * 99_999 + b"]" * 99_999)
)
NAMES = st.text(min_size=1, max_size=9)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@functools.cache
def real() -> list[bytes]:
    """What others wrote, and what was really executed: notebooks of format 4 with a code cell."""
    paths = [*corpora.fetch().rglob("*.ipynb"), *executed.tickers().glob("*.ipynb")]
    paths += [executed.notebook(name) for name in ("encoders", "fails", "is_killed")]
    return [path.read_bytes() for path in sorted(paths) if has_code(path)]


def has_code(path: Path) -> bool:
    try:
        document = json.loads(path.read_bytes())
        return document["nbformat"] == 4 and any(cell["cell_type"] == "code" for cell in document["cells"])
    except (ValueError, KeyError):
        return False


REAL = st.deferred(lambda: st.sampled_from(real()))
GLUING = st.deferred(lambda: st.sampled_from([content for content in real() if glued(content)]))


def outputs(content: bytes) -> list[Any]:
    return [output for cell in json.loads(content)["cells"] for output in cell.get("outputs", [])]


def glued(content: bytes) -> dict[str, Glued]:
    code = [(index, cell) for index, cell in enumerate(ipynb.read_careful(content).cells) if cell.cell_type == "code"]
    return {found.glued.name: found.glued for found in extract.glued(code)[0]}


def cells(*all_outputs: list[Any], **options: Any) -> bytes:
    """Write a notebook whose keys are not sorted, and one of whose characters may be escaped."""
    code = [nb.code("glue('é')", *outputs) for outputs in all_outputs]
    return json.dumps(nb.notebook(*(dict(reversed(cell.items())) for cell in code)), **options).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=REAL, name=NAMES, value=VALUES)
def test_a_new_scrap_comes_and_goes_and_no_other_byte_changes(content: bytes, name: str, value: Any) -> None:
    assume(name not in glued(content))
    after = put(content, name, nb.scrap(name, value))
    start = next(at for at, (one, other) in enumerate(zip(content, after, strict=False)) if one != other)
    assert after.endswith(content[start:])
    before = outputs(content)
    assert [output for output in outputs(after) if output not in before] == [nb.scrap(name, value)]
    assert len(outputs(after)) == len(before) + 1
    assert remove(after, name) == content


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=GLUING, value=VALUES, data=st.data())
def test_a_value_that_is_set_and_set_back_leaves_the_notebook_as_it_was(
    content: bytes, value: Any, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(glued(content))))
    output = nb.scrap(name, value)
    try:
        after = put(content, name, output)
    except EditError:
        reject()
    assert glued(after)[name].data == value
    pairs = zip(outputs(content), outputs(after), strict=True)
    ((old, new),) = [pair for pair in pairs if pair[0] != pair[1]] or [(output, output)]
    assert new == output
    back = put(after, name, old)
    assert json.loads(back) == json.loads(content)
    by_nbformat = json.dumps(json.loads(content), indent=1, ensure_ascii=False, sort_keys=True).encode()
    assert back == content or content.rstrip() != by_nbformat


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=GLUING, data=st.data())
def test_what_is_taken_out_is_gone_and_nothing_else(content: bytes, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(glued(content))))
    try:
        after = remove(content, name)
    except EditError:
        reject()
    kept, gone = outputs(after), [output for output in outputs(content) if output not in outputs(after)]
    assert gone
    assert all(json.dumps(name) in json.dumps(output) for output in gone)
    assert len(kept) + len(gone) == len(outputs(content))
    assert glued(after).keys() == glued(content).keys() - {name}


@pytest.mark.parametrize("options", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-be"])
@pytest.mark.parametrize("held", [[], [nb.scrap("a", 1)], [nb.scrap("a", 1), nb.scrap("é", "b")]], ids=len)
def test_every_style_is_kept(options: dict[str, Any], ends: str, encoding: str, held: list[Any]) -> None:
    def styled(*held: Any) -> bytes:
        return cells([nb.scrap("z", 0)], [*held], **options).decode().replace("\n", ends).encode(encoding)

    assert put(styled(*held), "x", nb.scrap("x", "ü"), cell=1) == styled(*held, nb.scrap("x", "ü"))
    assert remove(styled(*held, nb.scrap("x", 1)), "x") == styled(*held)
    assert remove(styled(nb.scrap("x", 1), *held), "x") == styled(*held)
    assert put(styled(*held, nb.scrap("x", 1)), "x", nb.scrap("x", 2)) == styled(*held, nb.scrap("x", 2))


def test_what_json_does_not_keep_stays_outside_of_the_output() -> None:
    odd = b'{ "a":1.0E+2 ,"n":NaN,"big":1e999, "u":"\\u00e9\\/\\ud800" }'
    content = cells([nb.scrap("x", 1)]).replace(b'"metadata": {}, "id"', b'"metadata": %s, "id"' % odd)
    assert odd in content
    assert put(content, "x", nb.scrap("x", 2)) == content.replace(b'"data": 1,', b'"data": 2,')


def test_the_last_of_a_repeated_name_is_set_unless_a_cell_is_named() -> None:
    content = cells([nb.scrap("x", 1), nb.scrap("x", 2)], [nb.scrap("x", 3), nb.scrap("y", 0)])
    new = nb.scrap("x", 9)
    assert put(content, "x", new) == cells([nb.scrap("x", 1), nb.scrap("x", 2)], [new, nb.scrap("y", 0)])
    assert put(content, "x", new, cell=0) == cells([nb.scrap("x", 1), new], [nb.scrap("x", 3), nb.scrap("y", 0)])


def test_all_repetitions_are_taken_out_unless_a_cell_is_named() -> None:
    plot = nb.display("x", {"text/plain": "1"})
    content = cells([nb.scrap("x", 1), plot, nb.scrap("y", 0), nb.scrap("x", 2)], [plot])
    assert remove(content, "x") == cells([nb.scrap("y", 0)], [])
    assert remove(content, "x", cell=1) == cells([nb.scrap("x", 1), plot, nb.scrap("y", 0), nb.scrap("x", 2)], [])


@pytest.mark.parametrize(
    ("held", "index"),
    [
        ([nb.scrap("x", 1), nb.display("x", {"text/plain": "1"})], 0),  # the display belongs to the value
        ([nb.scrap("x", 1), nb.display("x", {}), nb.display("x", {})], 2),  # the second does not
        ([nb.display("x", {"text/plain": "1"})], 0),
        ([nb.display("x", {"text/plain": "1"}), nb.scrap("x", 1)], 1),
    ],
)
def test_the_output_that_counts_is_set(held: list[Any], index: int) -> None:
    expected = [*held[:index], nb.scrap("x", 9), *held[index + 1 :]]
    after = put(cells(held), "x", nb.scrap("x", 9))
    assert after == cells(expected)
    assert glued(after)["x"].data == 9


def test_a_display_in_another_cell_does_not_belong_to_the_value() -> None:
    content = cells([nb.scrap("x", 1)], [nb.display("x", {"text/plain": "1"})])
    after = put(content, "x", nb.scrap("x", 9))
    assert after == cells([nb.scrap("x", 1)], [nb.scrap("x", 9)])
    assert glued(after)["x"].data == 9


def test_a_new_scrap_goes_where_others_were_glued_last() -> None:
    new = nb.scrap("new", 1)
    first, second = nb.scrap("x", 1), nb.scrap("y", 1)
    assert put(cells([first], [second], []), "new", new) == cells([first], [second, new], [])
    assert put(cells([], []), "new", new) == cells([], [new])
    assert put(cells([], []), "new", new, cell=0) == cells([new], [])


def test_cells_are_counted_as_in_the_notebook_that_ran() -> None:
    mark = nb.markdown("An error", "papermill-error-cell-tag")
    content = nb.content(nb.notebook(mark, nb.code("1"), nb.markdown("text")))
    assert read_facts(put(content, "x", nb.scrap("x", 1), cell=0)).scraps[0].place.cell == 0
    for cell in (1, 2, -1):
        with pytest.raises(UsageError, match=f"cell {cell} is no code cell"):
            put(content, "x", nb.scrap("x", 1), cell=cell)


@pytest.mark.parametrize(
    "other",
    [
        nb.output({"application/papermill.record+json": {"x": 1}}),
        nb.output({"application/scrapbook.scrap+json": {"x": 1}}),
        nb.output({"application/papermill.record/text/plain": "1"}, {"scrapbook": {"name": "x", "mime_prefix": ""}}),
        nb.output(
            {"application/notebook_utils.json+json": {"name": "x", "data": 1, "encoder": "json"}, "text/plain": "1"},
            {"notebook_utils": {"name": "x", "data": True, "display": True}},
        ),
    ],
    ids=["papermill", "scrapbook 0.1", "myst-nb", "notebook_utils"],
)
def test_other_formats_are_replaced_by_scrapbooks(other: Any) -> None:
    assert put(cells([other]), "x", nb.scrap("x", 2)) == cells([nb.scrap("x", 2)])
    assert remove(cells([other]), "x") == cells([])


def test_an_output_of_several_scraps_is_not_edited() -> None:
    content = cells([nb.output({"application/papermill.record+json": {"x": 1, "y": 2}})])
    message = "'x' stands in one output with y"
    with pytest.raises(EditError, match=message):
        put(content, "x", nb.scrap("x", 1))
    with pytest.raises(EditError, match=message):
        remove(content, "x")


def test_an_unknown_name_is_told_with_its_neighbours() -> None:
    content = cells([nb.scrap("distance", 1), nb.scrap("x", 2)])
    with pytest.raises(ScrapNotFoundError, match="no scrap 'distanse'; did you mean distance"):
        remove(content, "distanse")
    with pytest.raises(ScrapNotFoundError, match="no scrap 'new'; it has distance, x"):
        put(content, "new", nb.scrap("new", 1), may_add=False)
    with pytest.raises(ScrapNotFoundError, match="no scrap 'x' in cell 0; it has none"):
        remove(cells([]), "x", cell=0)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", UnreadableError, "is empty"),
        (b'{"cells": [', UnreadableError, "half-written"),
        (nb.content(nb.notebook()), EditError, "no code cell"),
        (nb.content(nb.notebook(nb.markdown())), EditError, "no code cell"),
        (cells([]).replace(b'"outputs": []', b'"x": 1'), EditError, "no list of outputs"),
        (nb.content(OLD), EditError, "notebook format 3"),
        (b"\xfe\xff" + cells([]).decode().encode("utf-16-be"), EditError, "encoding"),
        (DEEP, (EditError, UnreadableError), "nested"),
    ],
)
def test_what_cannot_be_edited_is_told(content: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        put(content, "x", nb.scrap("x", 1))


def test_any_depth_can_be_edited_or_is_told() -> None:
    shallow = cells([nb.scrap("x", 1)]).replace(b'"metadata": {}, "id"', b'"metadata": {"x": "DEEP"}, "id"')
    told = set()
    for levels in range(100, 1100):
        content = shallow.replace(b'"DEEP"', b"[" * levels + b"]" * levels)
        try:
            assert put(content, "x", nb.scrap("x", 2)) == content.replace(b'"data": 1,', b'"data": 2,')
        except (EditError, UnreadableError) as error:
            told.add(str(error))
    assert told <= {TOO_DEEP}


def test_what_json_cannot_hold_is_told() -> None:
    with pytest.raises(ScrapbookDataException, match="JSON cannot hold"):
        put(cells([]), "x", nb.scrap("x", float("nan")))


def test_a_notebook_that_repeats_a_key_is_edited_where_readers_look() -> None:
    content = cells([nb.scrap("x", 1)]).replace(b'"outputs": [', b'"outputs": [null], "outputs": [')
    assert put(content, "x", nb.scrap("x", 2)) == content.replace(b'"data": 1,', b'"data": 2,')


@pytest.mark.parametrize("name", ["encoders", "fails"])
def test_an_edited_notebook_is_valid(executed: Callable[[str], Path], name: str) -> None:
    content = put(executed(name).read_bytes(), "new", nb.scrap("new", {"a": [1]}))
    nbformat.validate(nbformat.reads(content.decode(), as_version=4))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_of_a_notebook_where_anything_may_be_anything_only_one_output_changes(data: st.DataObject) -> None:
    document, places = data.draw(st.sampled_from(test_hostile.real()))
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(test_hostile.ANYTHING)
        with suppress(KeyError, IndexError, TypeError):  # the place went with a part that was replaced before
            document = test_hostile.replaced(document, data.draw(st.sampled_from(places)), value)
    content = json.dumps(document, indent=data.draw(st.none() | st.integers(0, 2))).encode()
    name = data.draw(st.sampled_from(["new", "text", "float"]))
    try:
        after = put(content, name, nb.scrap(name, 77))
        without = remove(after, name)
    except (EditError, UnreadableError):
        return
    assert glued(after)[name].data == 77
    assert name not in glued(without)
    assert after == put(after, name, nb.scrap(name, 77))
    assert without == content or name in glued(content)


@pytest.mark.parametrize("name", ["\u00e9", "e\u0301"])
def test_a_scrap_is_found_by_either_spelling_of_its_name(name: str) -> None:
    content = cells([nb.scrap("e\u0301", 1), nb.scrap("x", 2), nb.scrap("\u00e9", 3)])
    new = nb.scrap("\u00e9", 4)
    assert put(content, name, new) == cells([nb.scrap("e\u0301", 1), nb.scrap("x", 2), new])
    assert remove(content, name) == cells([nb.scrap("x", 2)])
