"""What a template is given of a run: what the notebook wrote to output.json, and what it glued."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from msgspec import UNSET

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Decoded
from scrapdb.facts import Frame
from scrapdb.formats import dataframe
from scrapdb.formats import html
from scrapdb.formats.values import size
from scrapdb.reporting import frames
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Table
from scrapdb.text import has_surrogates
from scrapdb.text import is_deep
from scrapdb.text import valid_text

NAME, STATIC = "output.json", "static"
MOST_FILES = 1_000  # in static/, as in a bundle
MOST_ROWS = 20_000  # of a frame; a page that shows more is not read, and a chart of more is not drawn
_CAST = "Write it by `json.dump` of a dict, in the last cell."


class OutputError(ScrapdbError):
    """What the notebook wrote for the template cannot be used."""


class Output(NamedTuple):
    """What a template is given, by name; contents of `static/` by path; and what is to be remarked."""

    context: dict[str, Any]
    files: dict[str, bytes] = {}  # noqa: RUF012 - never changed
    warnings: tuple[str, ...] = ()


def read(directory: Path, scraps: Sequence[Decoded], most: int, in_all: int) -> Output:
    """Read what a run has left; output.json counts where a scrap has the same name.

    Args:
        directory: of the report, with what was kept of the run.
        scraps: of its notebook.
        most: bytes that output.json may have, and each file of `static/`.
        in_all: bytes that those files may have together.

    Raises:
        OutputError: it cannot be used.
    """
    warnings: list[str] = []
    context = _glued(scraps, warnings)
    path = directory / NAME
    if path.exists():
        context |= of_json(_content(path, most), warnings)
    elif not context:
        warnings.append(f"The notebook wrote no {NAME} and glued nothing, so that its page has nothing to show.")
    return Output(context, _static(directory / STATIC, most, in_all), tuple(warnings))


def of_json(content: bytes, warnings: list[str]) -> dict[str, Any]:
    """Read output.json; NaN and infinities, for which JSON has no word, are null, and it is said that they are.

    Raises:
        OutputError: it is no JSON, no object, names something twice, is nested too deeply, or holds half a character.
    """
    lost: list[str] = []

    def number(text: str) -> float | None:
        value = float(text)
        if math.isfinite(value):
            return value
        lost.append(text)
        return None

    try:
        text = content.decode("utf-8-sig")
        said = json.loads(text, object_pairs_hook=_unique, parse_float=number, parse_constant=number)
    except UnicodeDecodeError as error:
        raise OutputError(f"{NAME} is not UTF-8 at byte {error.start:,}. {_CAST}") from error
    except RecursionError as error:
        raise OutputError(f"{NAME} is nested too deeply.") from error
    except ValueError as error:
        raise OutputError(f"{NAME} is no JSON: {str(error).rstrip('.')}. {_CAST}") from error
    if not isinstance(said, dict):
        raise OutputError(f"{NAME} has to hold an object, whose names the template uses; it holds {_kind(said)}.")
    if is_deep(said, text):
        raise OutputError(f"{NAME} is nested too deeply.")
    if "\\u" in text and has_surrogates(json.dumps(said, ensure_ascii=False)):
        raise OutputError(f"{NAME} holds half a character (a lone surrogate), which no page can show.")
    if lost:
        warnings.append(f"{NAME} has {', '.join(dict.fromkeys(lost))} in {len(lost):,} places; they are null.")
    return said


def table(frame: Frame, most: int = MOST_ROWS) -> Table:
    """Read the first rows of a DataFrame, columns of its index first."""
    import pyarrow as pa

    file = dataframe.open_file(pa.BufferReader(frame.parquet))
    return frames.table(dataframe.read(file, dataframe.columns(file), first=most), most, frame.rows)


def image(displays: Mapping[str, bytes]) -> Image | None:
    """Return the picture among what was shown of something; None if there is none."""
    mime = html.best(displays.keys() & set(html.PICTURES))
    return Image(mime=mime, content=displays[mime]) if mime else None


def _glued(scraps: Sequence[Decoded], warnings: list[str]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for scrap in scraps:
        context[valid_text(scrap.name)] = value = _value(scrap, warnings)
        if isinstance(value, Table) and value.total > len(value.rows):
            warnings.append(f"Of {scrap.name} the first {len(value.rows):,} of {value.total:,} rows are used.")
    return context


def _value(scrap: Decoded, warnings: list[str]) -> Any:
    if isinstance(scrap.value, Frame):
        return table(scrap.value)
    if scrap.value is not UNSET:
        return scrap.value
    if picture := image(scrap.displays):
        return picture
    warnings.append(f"{scrap.name} was glued as a display without a picture, and is shown as text.")
    mime = "text/plain" if "text/plain" in scrap.displays else html.best(scrap.displays.keys())
    return html.text(scrap.displays[mime]) if mime else None


def _content(path: Path, most: int) -> bytes:
    if not path.is_file() or path.is_symlink():
        raise OutputError(f"{path.name} is a directory or a link; it has to be a file. {_CAST}")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        found = size(path.stat().st_size, 1024)
        raise OutputError(f"{path.name} has {found}, more than the {size(most, 1024)} that `limits.output` allows.")
    return content


def _static(directory: Path, most: int, in_all: int) -> dict[str, bytes]:
    """Read the files that the notebook has written for its page."""
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted(directory.rglob("*")) if directory.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            files[f"{STATIC}/{path.relative_to(directory).as_posix()}"] = content = _content(path, most)
            total += len(content)
        if len(files) > MOST_FILES:
            raise OutputError(f"There are more than {MOST_FILES:,} files in {STATIC}/, the most that a page may have.")
        if total > in_all:
            raise OutputError(
                f"The files in {STATIC}/ have more than the {size(in_all, 1024)} that `limits.page` allows."
            )
    return files


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object names {next(name for name in names if names.count(name) > 1)!r} twice")
    return members


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else f"only {json.dumps(value)[:40]}"
