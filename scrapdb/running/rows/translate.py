"""How values get into a notebook: papermill's translators write the cell; dates and times, which they cannot, we do.

For papermill a date is a text. Here it is an expression that needs no import, and in the metadata the ISO 8601 text;
in other languages than Python it is that text.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.running.rows.parameters import plain

_CLASSES = {dt.date: "date", dt.datetime: "datetime", dt.time: "time"}
_PYTHONS = ("python", "pysparkkernel")  # for which papermill has its PythonTranslator


def parameterized(
    notebook: Any, parameters: Mapping[str, Any], kernel: str | None = None, language: str | None = None
) -> Any:
    """Put papermill's cell of parameters into a notebook, and their JSON values into its metadata.

    Args:
        notebook: nbformat's node.
        parameters: what `Signature.typed` gave.
        kernel: name of the kernel that runs it, if it is not its own.
        language: of that kernel.

    Raises:
        papermill.exceptions.PapermillException: papermill cannot write cells of that language.
        UsageError: it can, but not such a value.
        ValueError: neither the notebook nor the arguments tell kernel and language.
    """
    from nbformat import NotebookNode
    from papermill import utils
    from papermill.parameterize import parameterize_notebook
    from papermill.translators import papermill_translators

    register()
    notebook.metadata.setdefault("papermill", NotebookNode())
    for cell in notebook.cells:  # as papermill's own loader
        cell.metadata.setdefault("tags", [])
    names = utils.nb_kernel_name(notebook, kernel), utils.nb_language(notebook, language)
    has_times = papermill_translators.find_translator(*names) is _translator()
    values = dict(parameters) if has_times else plain(parameters)
    try:
        with _without_remark():
            made = parameterize_notebook(notebook, values, kernel_name=names[0], language=names[1])
    except NotImplementedError as error:
        raise UsageError(f"papermill cannot write these parameters in {names[1]}: {error}.") from error
    made.metadata.papermill["parameters"] = plain(parameters)
    return made


def register() -> None:
    """Have papermill write dates and times as Python's values, unless somebody has put in a translator of their own."""
    from papermill.translators import PythonTranslator
    from papermill.translators import papermill_translators

    for name in _PYTHONS:
        if papermill_translators.find_translator(name, name) is PythonTranslator:
            papermill_translators.register(name, _translator())


@contextmanager
def _without_remark() -> Iterator[None]:
    """Keep papermill from saying in the log of each run that there is no cell, which `Signature.warnings` say once."""

    def wanted(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Input notebook does not contain a cell with tag")

    logger = logging.getLogger("papermill")
    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)


@functools.cache
def _translator() -> Any:
    from papermill.translators import PythonTranslator

    class TimesTranslator(PythonTranslator):  # type: ignore[misc] # papermill comes without types
        @classmethod
        def translate(cls, value: Any) -> str:
            if type(value) in _CLASSES:
                return f'__import__("datetime").{_CLASSES[type(value)]}.fromisoformat("{value.isoformat()}")'
            return str(super().translate(value))

    return TimesTranslator
