"""A notebook's bytes with one scrap set or taken out. Pure.

An output is written, replaced or cut out where it stands in the text, in the layout of its surroundings; every other
byte stays. The result is read again: it must be the notebook that is expected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from scrapdb import errors
from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import wire
from scrapdb.notebooks.extract import PAPERMILL_MARK
from scrapdb.notebooks.layout import Layout
from scrapdb.notebooks.layout import layout
from scrapdb.notebooks.spans import Container
from scrapdb.notebooks.spans import container
from scrapdb.text import composed


class _Spot(NamedTuple):
    """An output that holds scraps: the index of its cell in the file, its own in the cell, and the scraps."""

    cell: int
    output: int
    items: Sequence[Glued | Problem]

    def of(self, name: str) -> list[Glued]:
        """Return those of a name, however its accents are written."""
        wanted = composed(name)
        return [item for item in self.items if isinstance(item, Glued) and composed(item.name) == wanted]


class _Source(NamedTuple):
    """A notebook as it is before the change."""

    text: str
    encoding: str
    cells: Sequence[ipynb.Cell]
    spots: Sequence[_Spot]


def put(
    content: bytes, name: str, output: Mapping[str, Any], *, cell: int | None = None, may_add: bool = True
) -> bytes:
    """Write the output of a scrap in place of the one that counts; a new one behind all others of a cell.

    Args:
        content: the notebook.
        name: name of the scrap.
        output: what is to stand there, a JSON object.
        cell: the cell to write to, counted as in `Place`; by default the one that has the scrap that counts, else the
            one that glued last, else the last one with code.
        may_add: whether a scrap that is not there is added.

    Raises:
        ScrapNotFoundError: there is no such scrap, and none may be added.
        EditError: the notebook is not of format 4, the output holds other scraps too, or there is no cell to write to.
        UsageError: it has no such cell.
        ScrapbookDataException: JSON cannot hold the output.
        UnreadableError: it is no notebook.
    """
    source = _read(content)
    spots, expected = _spots_of(source, name, cell), _parsed(source.text)
    if spots:
        spot = _counting(spots, name)
        _refuse_shared([spot], name)
        text, written = _replaced(source.text, spot, output)
        expected["cells"][spot.cell]["outputs"][spot.output] = _parsed(written)
    elif not may_add:
        raise _unknown(source, name, cell)
    else:
        index = _index_for_new(source) if cell is None else _index_of(source, cell)
        text, written = _appended(source.text, index, output)
        expected["cells"][index]["outputs"].append(_parsed(written))
    return _encoded(source, text, expected)


def remove(content: bytes, name: str, *, cell: int | None = None) -> bytes:
    """Take out the outputs of a scrap: its value, what was shown for it, and all repetitions.

    Args:
        content: the notebook.
        name: name of the scrap.
        cell: the cell to look in, counted as in `Place`; by default all.

    Raises:
        As `put`.
    """
    source = _read(content)
    spots = _spots_of(source, name, cell)
    if not spots:
        raise _unknown(source, name, cell)
    _refuse_shared(spots, name)
    text, expected = source.text, _parsed(source.text)
    for index in sorted({spot.cell for spot in spots}, reverse=True):  # from the end, so that no offset moves
        gone = {spot.output for spot in spots if spot.cell == index}
        text = _without(text, _outputs(source.text, index)[1], gone)
        outputs = expected["cells"][index]["outputs"]
        outputs[:] = [output for number, output in enumerate(outputs) if number not in gone]
    return _encoded(source, text, expected)


def _read(content: bytes) -> _Source:
    notebook = ipynb.read(content)
    try:
        spots = list(_spots(notebook))
    except (msgspec.MsgspecError, RecursionError):  # in a part that the fast reader had left undecoded
        notebook = ipynb.read_careful(content)
        spots = list(_spots(notebook))
    if notebook.nbformat != ipynb.FORMAT:
        what = f"It is of notebook format {notebook.nbformat}, and only format {ipynb.FORMAT} can be edited"
        raise errors.EditError(f"{what}; convert it with `jupyter nbconvert --to notebook`.")
    encoding = json.detect_encoding(content)
    text = content.decode(encoding, "surrogatepass")
    if text.encode(encoding, "surrogatepass") != content:
        raise errors.EditError(f"Its encoding, {encoding}, cannot be written as it is; save it as UTF-8.")
    return _Source(text, encoding, notebook.cells, spots)


def _spots(notebook: ipynb.Notebook) -> Iterator[_Spot]:
    for index, cell in enumerate(notebook.cells):
        for number, output in enumerate(cell.outputs if cell.cell_type == "code" else ()):
            if items := wire.read(output.data, output.metadata, ipynb.value):
                yield _Spot(index, number, items)


def _spots_of(source: _Source, name: str, cell: int | None) -> list[_Spot]:
    index = None if cell is None else _index_of(source, cell)
    return [spot for spot in source.spots if spot.of(name) and index in {None, spot.cell}]


def _index_of(source: _Source, cell: int) -> int:
    """Return the index in the file of a cell that is counted as in `Place`."""
    indexes = [index for index, part in enumerate(source.cells) if PAPERMILL_MARK not in part.metadata.tags]
    if not 0 <= cell < len(indexes) or source.cells[indexes[cell]].cell_type != "code":
        raise errors.UsageError(f"Its cell {cell} is no code cell.")
    return indexes[cell]


def _counting(spots: Sequence[_Spot], name: str) -> _Spot:
    """Return the output that counts when it is read: the last, but for a display that was glued right after a value."""
    current, is_shown = spots[0], any(item.display is not None for item in spots[0].of(name))
    for spot in spots[1:]:
        has_value = any(item.data is not UNSET for item in spot.of(name))
        belongs = not has_value and not is_shown and spot.cell == current.cell
        is_shown = belongs or any(item.display is not None for item in spot.of(name))
        current = current if belongs else spot
    return current


def _refuse_shared(spots: Sequence[_Spot], name: str) -> None:
    for spot in spots:
        others = [item.name or "something malformed" for item in spot.items if item not in spot.of(name)]
        if others:
            raise errors.EditError(
                f"{name!r} stands in one output with {', '.join(others)}; it cannot be edited alone."
            )


def _index_for_new(source: _Source) -> int:
    """Return the index in the file of the cell for a new scrap: that which glued last, else the last with code."""
    if source.spots:
        return source.spots[-1].cell
    code = [index for index, cell in enumerate(source.cells) if cell.cell_type == "code"]
    if not code:
        raise errors.EditError("It has no code cell, and only a code cell has outputs.")
    return code[-1]


def _unknown(source: _Source, name: str, cell: int | None) -> errors.ScrapNotFoundError:
    names = list(dict.fromkeys(item.name for spot in source.spots for item in spot.items if item.name))
    where = "" if cell is None else f" in cell {cell}"
    return errors.ScrapNotFoundError(f"It has no scrap {name!r}{where}; {errors.suggestion(name, names, owner='it')}")


def _outputs(text: str, index: int) -> tuple[Container, Container]:
    """Find a cell and its outputs."""
    try:
        cells = container(text, container(text).member("cells"))
        cell = container(text, cells.parts[index].value)
        return cell, container(text, cell.member("outputs"))
    except KeyError:
        raise errors.EditError("A cell of it has no list of outputs.") from None


def _replaced(text: str, spot: _Spot, output: Mapping[str, Any]) -> tuple[str, str]:
    """Write an output in place of another; return the whole text, and what was written."""
    old = container(text, _outputs(text, spot.cell)[1].parts[spot.output].value)
    written = _written(output, layout(text, old))
    return text[: old.start] + written + text[old.end :], written


def _appended(text: str, index: int, output: Mapping[str, Any]) -> tuple[str, str]:
    """Write an output behind all others of a cell; return the whole text, and what was written."""
    cell, outputs = _outputs(text, index)
    look = layout(text, cell)  # in which the list of outputs is one level deeper, and an output two
    if not outputs.parts:
        written = _written(output, look.inside(2))
        lines = f"{look.inside(2).line_break}{written}{look.inside(1).line_break}"
        return text[: outputs.start + 1] + lines + text[outputs.end - 1 :], written
    last = outputs.parts[-1]
    is_object = text[last.value] == "{" and container(text, last.value).parts
    look = layout(text, container(text, last.value)) if is_object else look.inside(2)
    written = _written(output, look)
    return text[: last.end] + _separator(text, outputs, look) + written + text[last.end :], written


def _separator(text: str, outputs: Container, look: Layout) -> str:
    """Return what stands between two outputs of a cell, or would if it had two."""
    parts = outputs.parts
    if len(parts) > 1:
        return text[parts[-2].end : parts[-1].start]
    before = text[outputs.start + 1 : parts[0].start]
    return look.comma + before if "\n" in before else look.comma


def _written(output: Mapping[str, Any], look: Layout) -> str:
    try:
        return look.write(output)
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.ScrapbookDataException(f"JSON cannot hold what the encoder wrote: {error}.") from error


def _without(text: str, outputs: Container, gone: set[int]) -> str:
    """Cut outputs out, each with one of the commas beside it."""
    parts = outputs.parts
    kept = [number for number in range(len(parts)) if number not in gone]
    if not kept:
        return text[: outputs.start + 1] + text[outputs.end - 1 :]
    pieces, at = [], 0
    for number in sorted(gone):
        behind = number > kept[0]
        pieces.append(text[at : parts[number - 1].end if behind else parts[number].start])
        at = parts[number].end if behind else parts[number + 1].start
    return "".join([*pieces, text[at:]])


def _encoded(source: _Source, text: str, expected: Any) -> bytes:
    """Return the bytes of a changed text, if they say what is expected and nothing else."""
    if _parsed(text) != expected:
        raise errors.EditError("It cannot be edited safely: its JSON repeats a name, or is unusual otherwise.")
    return text.encode(source.encoding, "surrogatepass")


def _parsed(text: str) -> Any:
    """Read JSON; numbers stay as they are written, so that all of them can be compared."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise errors.EditError(ipynb.TOO_DEEP) from None
