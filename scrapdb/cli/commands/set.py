"""scrapdb set: one scrap of a notebook, in its file and in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli import options
from scrapdb.cli.edited import edited
from scrapdb.encoders.json import NAME as JSON
from scrapdb.encoders.pandas import NAME as PANDAS
from scrapdb.encoders.python_types import is_frame
from scrapdb.encoders.text import NAME as TEXT
from scrapdb.errors import ScrapdbError
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.scrapbook.notebook import Notebook

_SUFFIXES = (".parquet", ".csv", ".json")


def command(
    notebook: options.NotebookName,
    name: options.ScrapName,
    value: Annotated[str, typer.Argument(metavar="VALUE", hidden=True)],
    *,
    encoder: Annotated[
        str | None,
        typer.Option(metavar="ENCODER", help="text, json, pandas or one's own.  [default: as `glue` chooses]"),
    ] = None,
    cell: options.Cell = None,
    new: Annotated[bool, typer.Option("--new", help="Add NAME if it is not there.")] = False,
    settings: options.Settings,
) -> None:
    """Set the scrap NAME of NOTEBOOK to VALUE, in its file and in the store.

    VALUE is JSON, and text if it is not JSON or with `--encoder text`. @FILE.parquet and @FILE.csv give a DataFrame,
    @FILE.json a JSON value. NOTEBOOK is a path, or as much of its end as tells it from others in the store.

    Of the file, only the output of this scrap changes. If the name was glued repeatedly, it is the last one.

    \b
    scrapdb set BCD distance 0.02
    scrapdb set BCD account 007 --encoder text --new
    scrapdb set BCD prices @prices.csv
    """
    with edited(notebook, settings) as found:
        _set(found, name, _value(value, encoder), encoder, cell, new=new)
        if found.scraps[name].display:
            settings.say(f"What was shown for {name} is not changed.")


def _set(notebook: Notebook, name: str, value: Any, encoder: str | None, cell: int | None, *, new: bool) -> None:
    try:
        notebook.set(name, value, encoder, cell=cell, new=new)
    except ScrapNotFoundError as error:
        raise ScrapNotFoundError(f"{error} To add a new one, say --new.") from error
    except ScrapdbError:
        raise
    except Exception as error:  # an encoder may be anybody's
        raise ScrapdbError(f"The encoder {encoder or 'of the value'} cannot write it: {error}") from error


def _value(text: str, encoder: str | None) -> Any:
    if encoder == TEXT:
        return text
    if text.startswith("@"):
        value = _content(Path(text[1:]))
    else:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            if encoder == JSON:
                raise UsageError("VALUE is not JSON; text stands in double quotes there.") from None
            value = text
    if encoder == PANDAS and not is_frame(value):
        raise UsageError("VALUE is no DataFrame; that is @FILE.parquet or @FILE.csv.")
    return json.dumps(value) if encoder == JSON and isinstance(value, str) else value  # it takes text for JSON


def _content(path: Path) -> Any:
    """Read a file of a DataFrame or of a JSON value."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise UsageError(f"@{path} is not a file that is read ({known}); for the text itself, say --encoder text.")
    with path.open("rb") as file:
        try:
            if suffix == ".json":
                return json.load(file)
            import pandas as pd
            import pyarrow as pa

            return pd.read_csv(file) if suffix == ".csv" else pd.read_parquet(pa.OSFile(str(path)))
        except Exception as error:  # pandas and pyarrow raise what they like
            raise ScrapdbError(f"{path} cannot be read as {suffix[1:]}: {str(error).strip()}") from error
