"""One notebook as scrapbook's API shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from msgspec import UNSET

from scrapdb.encoders.json import NAME as JSON
from scrapdb.encoders.json import payload
from scrapdb.encoders.payload import scrap_to_payload
from scrapdb.encoders.scrap import Scrap
from scrapdb.encoders.scrap import Scraps
from scrapdb.encoders.text import NAME as TEXT
from scrapdb.errors import ScrapbookException
from scrapdb.errors import ScrapbookMissingEncoder
from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks import edit
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import parameters
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.wire import scrapbook
from scrapdb.scrapbook import gluing
from scrapdb.scrapbook import outputs
from scrapdb.scrapbook.document import document
from scrapdb.text import spelling

if TYPE_CHECKING:
    import pandas as pd

OLD_READING = "SCRAPDB_OLD_READING"
_DECODED_AT_ONCE = frozenset({JSON, TEXT})  # cheap, unlike a DataFrame
_NOTES = frozenset({"papermill", "scrapbook"})  # keys of metadata that make a scrap of a display


class Notebook:
    """A notebook and its scraps.

    Args:
        node_or_path: the path or URL of an .ipynb file, or a notebook of nbformat.
        strict: whether a scrap that cannot be read is an error; else it is one of `problems`.
        old_reading: whether a display replaces the value that was glued with it, as in scrapbook 0.5; by default only
            where the environment variable SCRAPDB_OLD_READING is set.

    Raises:
        NotebookNameError: the path does not end in .ipynb.
        OSError: the file cannot be read.
        ScrapbookException: it is not a notebook; or, if strict, a scrap cannot be read.
        NotebookChangedError, at any question: it was read among so many others that it had to be read again, and its
            file was changed in between.
    """

    def __init__(self, node_or_path: Any, *, strict: bool = False, old_reading: bool | None = None) -> None:
        self.strict = strict
        self.old_reading = is_old(old_reading)
        self._document = document(node_or_path)
        if strict:
            for scrap in self._glued_scraps.values():
                outputs.value(scrap.found.glued)

    @property
    def path(self) -> str:
        """The path or URL that was read; empty for a node."""
        return self._document.path

    @path.setter
    def path(self, path: str) -> None:
        self._document.path = path

    @property
    def node(self) -> Any:
        """The notebook as nbformat has it. It may be changed, until `set` or `unset` gives a new one."""
        return self._document.node

    @node.setter
    def node(self, node: Any) -> None:
        self._document.node = node

    @property
    def metadata(self) -> Any:
        """The notebook's metadata."""
        return self.node.metadata

    @property
    def nbformat(self) -> Any:
        """The version of the notebook's format."""
        return self.node.nbformat

    @property
    def nbformat_minor(self) -> Any:
        """The minor version of the notebook's format."""
        return self.node.nbformat_minor

    @property
    def cells(self) -> Any:
        """The notebook's cells."""
        return self.node.cells

    @property
    def filename(self) -> str:
        """The name of the file, without its directory."""
        return os.path.basename(self.path)  # noqa: PTH119 - of a URL, too

    @property
    def directory(self) -> str:
        """The directory of the file."""
        return os.path.dirname(self.path)  # noqa: PTH120 - of a URL, too

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that papermill recorded in the notebook's metadata."""
        return self._document.read(parameters.recorded)

    @property
    def scraps(self) -> Scraps:
        """The scraps by name. A DataFrame, or what a user's encoder wrote, is decoded when its `data` is asked for."""
        return self._document.once("scraps", self._scraps)

    @property
    def problems(self) -> list[Problem]:
        """What cannot be read, or is suspicious. Everything is decoded to find out."""
        notebook = read_facts(self._document.content)
        return [*notebook.problems, *(self._undecodable() if notebook.status != "unreadable" else ())]

    @property
    def cell_timing(self) -> list[float | None]:
        """How long each cell ran, in seconds, as papermill recorded it; None for a cell that did not run."""
        return [
            cell.metadata.papermill.get("duration", 0.0) if cell.execution_count else None
            for cell in self._document.read(ipynb.read).cells
        ]

    @property
    def execution_counts(self) -> list[int | None]:
        """The execution count of each cell."""
        return [cell.execution_count for cell in self._document.read(ipynb.read).cells]

    @property
    def metrics(self) -> pd.DataFrame:
        """A row for each cell that ran: filename, cell, value, type."""
        import pandas as pd

        counts = enumerate(zip(self.execution_counts, self.cell_timing, strict=True))
        ran = {index: (count, seconds) for index, (count, seconds) in counts if count}
        rows = [(self.filename, f"Out [{count}]", seconds, "time (s)") for count, seconds in ran.values()]
        return pd.DataFrame(rows, index=list(ran) or None, columns=["filename", "cell", "value", "type"])

    @property
    def papermill_metrics(self) -> pd.DataFrame:
        """The same as `metrics`; deprecated in scrapbook."""
        return self.metrics

    @property
    def parameter_dataframe(self) -> pd.DataFrame:
        """A row for each parameter: name, value, type, filename."""
        return self._dataframe("parameter", self.parameters)

    @property
    def scrap_dataframe(self) -> pd.DataFrame:
        """A row for each scrap: name, data, encoder, display, filename."""
        return self.scraps.dataframe.assign(filename=self.filename)

    @property
    def papermill_record_dataframe(self) -> pd.DataFrame:
        """A row for each scrap that has a value: name, value, type, filename; deprecated in scrapbook."""
        return self._dataframe("record", self.scraps.data_dict)

    @property
    def papermill_dataframe(self) -> pd.DataFrame:
        """The rows of `parameter_dataframe` and `papermill_record_dataframe`; deprecated in scrapbook."""
        import pandas as pd

        parts = [part for part in (self.parameter_dataframe, self.papermill_record_dataframe) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else self.parameter_dataframe

    def copy(self) -> Notebook:
        """Return a copy, which may be changed without changing this one."""
        return Notebook(self._document.copy(), strict=self.strict, old_reading=self.old_reading)

    def set(
        self, name: str, data: Any, encoder: str | None = None, *, cell: int | None = None, new: bool = True
    ) -> None:
        """Set a scrap, as if `glue` had been called so; `save` writes it.

        Args:
            name: its name, which stays as the notebook spells it. The output that counts is replaced; a display that
                was glued with it stays. What is new becomes the last output of the cell that glued last, or else of the
                last one with code.
            data: the value.
            encoder: as for `glue`.
            cell: the cell to write to, counted as in `problems`.
            new: whether a scrap that is not there is added.

        Raises:
            ScrapNotFoundError: there is no such scrap, and `new` is false.
            EditError: the notebook is not of format 4, has no code cell, or the output holds other scraps too.
            UsageError: there is no such cell.
            NotImplementedError, ScrapbookException: as `glue`; and a display cannot be set.
        """
        if not name.isascii():
            name = spelling(name, self._glued_scraps)
        output_ = gluing.output(name, data, encoder)
        self._document.edit(partial(edit.put, name=name, output=output_, cell=cell, may_add=new))

    def unset(self, name: str, *, cell: int | None = None) -> None:
        """Take a scrap out: its value, what was shown for it, and all repetitions; `save` writes that.

        Args:
            name: its name.
            cell: the cell to look in, counted as in `problems`; by default all.

        Raises:
            ScrapNotFoundError: there is no such scrap.
            EditError: the notebook is not of format 4, or an output holds other scraps too.
            UsageError: there is no such cell.
        """
        self._document.edit(partial(edit.remove, name=name, cell=cell))

    def save(self, path: str | os.PathLike[str] | None = None) -> bool:
        """Write the notebook to its file: what was set and unset, and not a byte else, unless `node` was changed.

        Args:
            path: another file to write to, over what is there; by default the one that was read.

        Returns:
            Whether there was anything to write.

        Raises:
            NotebookChangedError: the file is not what was read, or is being edited; nothing was written.
            EditError: the file cannot be written.
            UsageError: there is no path.
        """
        return self._document.save(None if path is None else os.fspath(path))

    @gluing.kernel_required
    def reglue(
        self,
        name: str,
        new_name: str | None = None,
        raise_on_missing: bool = True,  # noqa: FBT001, FBT002 - scrapbook's signature
        unattached: bool = False,  # noqa: FBT001, FBT002 - scrapbook's signature
    ) -> None:
        """Glue a scrap into the notebook that runs, payload and display as they are.

        Args:
            name: the scrap.
            new_name: its name there.
            raise_on_missing: whether a missing scrap is an error; else a sentence is displayed.
            unattached: show only, and leave no scrap behind; a scrap without a display leaves nothing at all.

        Raises:
            ScrapbookException: there is no such scrap.
        """
        name = spelling(name, self._glued_scraps)
        scrap = self._glued_scraps.get(name)
        if scrap is None:
            if raise_on_missing:
                raise ScrapbookException(f"Scrap '{name}' is not available in this notebook.")
            from IPython.display import display

            display(f"No scrap found with name '{name}' in this notebook")  # type: ignore[no-untyped-call]
            return
        glued_as = new_name or name
        if scrap.found.glued.data is not UNSET and not unattached:
            gluing.publish(*scrapbook.data_output(_payload(scrap.found.glued, glued_as)))
        if scrap.display:
            metadata = {key: part for key, part in scrap.display["metadata"].items() if key not in _NOTES}
            bundle = scrap.display["data"]
            shown = (bundle, metadata) if unattached else scrapbook.display_output(glued_as, bundle, metadata)
            gluing.publish(*shown)

    def __repr__(self) -> str:
        return f"<Notebook {self.path or 'without a path'}: {len(self.scraps)} scraps>"

    def _repr_html_(self) -> str:
        from html import escape

        from scrapdb.formats.html import NO_MATH

        return f"<b {NO_MATH}>{escape(self.path)}</b>{self.scraps._repr_html_()}"

    def _scraps(self) -> Scraps:
        return Scraps((name, self._scrap(scrap)) for name, scrap in self._glued_scraps.items())

    @property
    def _glued_scraps(self) -> dict[str, outputs.GluedScrap]:
        return self._document.once("glued", self._find_scraps)

    def _find_scraps(self) -> dict[str, outputs.GluedScrap]:
        find = partial(outputs.glued_scraps, strict=self.strict, old_reading=self.old_reading)
        try:
            return find(self._document.read(ipynb.read))
        except msgspec.MsgspecError:  # in a part that the fast reader had left undecoded
            notebook = self._document.read(ipynb.read_careful)
            if self.strict and notebook.problems:
                raise ScrapbookException(f"{self.path} cannot be read. {notebook.problems[0].message}") from None
            return find(notebook)

    def _scrap(self, scrap: outputs.GluedScrap) -> Scrap:
        glued = scrap.found.glued
        if glued.data is UNSET:
            return Scrap(glued.name, None, gluing.DISPLAY, scrap.display)
        decode = partial(outputs.value_or_payload, glued, strict=self.strict)
        if glued.encoder in _DECODED_AT_ONCE:
            return Scrap(glued.name, decode(), glued.encoder, scrap.display)
        return outputs.LazyScrap(glued.name, decode, glued.encoder, scrap.display)

    def _undecodable(self) -> Iterator[Problem]:
        for name, scrap in self._glued_scraps.items():
            try:
                outputs.value(scrap.found.glued)
            except ScrapbookMissingEncoder as error:
                yield Problem("encoder", str(error), name, scrap.found.place.cell)
            except ScrapbookException as error:
                yield Problem("payload", str(error), name, scrap.found.place.cell)

    def _dataframe(self, kind: str, values: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        rows = [[name, values[name], kind, self.filename] for name in sorted(values)]
        return pd.DataFrame(rows, columns=["name", "value", "type", "filename"])


def is_old(old_reading: bool | None) -> bool:  # noqa: FBT001 - it is the only argument
    """Return whether the old reading holds: as was asked for, or if nothing was, as the environment says."""
    return bool(os.environ.get(OLD_READING)) if old_reading is None else old_reading


def _payload(glued: Glued, name: str) -> dict[str, Any]:
    """Write a payload again, as it was; only what a payload must not hold is mended."""
    data = glued.data if isinstance(glued.data, str) else payload(glued.data)
    return scrap_to_payload(Scrap(name, data, glued.encoder), glued.types)
