"""Many notebooks as scrapbook's API shows them."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import MutableMapping
from collections.abc import ValuesView
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn

from scrapdb.encoders.scrap import Scraps
from scrapdb.errors import ScrapbookException
from scrapdb.facts import Problem
from scrapdb.notebooks.ipynb import UnreadableError
from scrapdb.scrapbook.notebook import Notebook

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_VALUE = 100  # characters, as in scrapbook's report


class Scrapbook(MutableMapping[str, Notebook]):
    """Notebooks by name; a path that is assigned is read.

    Args:
        listed: how to read further notebooks, by name. Each is read when it is come to, or counted; one that cannot be
            read then is no longer in the mapping, but in `problems`.
    """

    def __init__(self, listed: Mapping[str, Callable[[], Notebook]] | None = None) -> None:
        self._notebooks: OrderedDict[str, Notebook | Callable[[], Notebook]] = OrderedDict(listed or {})
        self._unreadable: dict[str, Problem] = {}

    def __setitem__(self, key: str, notebook: Notebook | str | os.PathLike[str]) -> None:
        self._notebooks[key] = notebook if isinstance(notebook, Notebook) else Notebook(notebook)

    def __getitem__(self, key: str) -> Notebook:
        entry = self._notebooks.get(key) or self._missing(key)
        return entry if isinstance(entry, Notebook) else self._read(key, entry)

    def __delitem__(self, key: str) -> None:
        _ = self[key]  # what cannot be read is not there
        del self._notebooks[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key in list(self._notebooks) if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def unreadable(self) -> dict[str, Problem]:
        """Why a notebook could not be read at all, by its name. All that were only listed are read to find out."""
        len(self)
        return self._unreadable

    @property
    def notebooks(self) -> ValuesView[Notebook]:
        """The notebooks, in the order of their names."""
        return self.values()

    @property
    def notebook_scraps(self) -> OrderedDict[str, Scraps]:
        """The scraps of each notebook, by its name."""
        return OrderedDict((key, notebook.scraps) for key, notebook in self.items())

    @property
    def scraps(self) -> Scraps:
        """The scraps of all notebooks; of those with the same name, the last notebook's."""
        merged = Scraps()
        for notebook in self.notebooks:
            merged.update(notebook.scraps)
        return merged

    @property
    def problems(self) -> dict[str, list[Problem]]:
        """What cannot be read, by notebook; those that could not be read at all are not in the mapping itself."""
        unreadable = {key: [problem] for key, problem in self.unreadable.items()}
        return unreadable | {key: problems for key, notebook in self.items() if (problems := notebook.problems)}

    @property
    def metrics(self) -> pd.DataFrame:
        """The rows of every notebook's `metrics`, with its name as `key`."""
        return self._concatenated("metrics", ["filename", "cell", "value", "type"])

    @property
    def papermill_metrics(self) -> pd.DataFrame:
        """The same as `metrics`; deprecated in scrapbook."""
        return self.metrics

    @property
    def papermill_dataframe(self) -> pd.DataFrame:
        """The rows of every notebook's `papermill_dataframe`, with its name as `key`; deprecated in scrapbook."""
        return self._concatenated("papermill_dataframe", ["name", "value", "type", "filename"])

    def scraps_report(
        self,
        scrap_names: str | Iterable[str] | None = None,
        notebook_names: str | Iterable[str] | None = None,
        include_data: bool = False,  # noqa: FBT001, FBT002 - scrapbook's signature
        headers: bool | None = True,  # noqa: FBT001, FBT002 - scrapbook's signature
    ) -> None:
        """Show the displays of scraps, notebook by notebook.

        Args:
            scrap_names: the scraps; by default all.
            notebook_names: the notebooks; by default all.
            include_data: whether to show the values of scraps that have no display.
            headers: whether to put names above.
        """
        names = list(self) if notebook_names is None else _listed(notebook_names)
        for index, name in enumerate(names):
            if headers:
                _headers(["<hr>"] if index else [], f"### {name}")
            self._report(self[name], _listed(scrap_names or ()), include_data=include_data, headers=bool(headers))

    def __repr__(self) -> str:
        return f"<Scrapbook of {len(self)} notebooks>"

    def _read(self, key: str, read: Callable[[], Notebook]) -> Notebook:
        try:
            self._notebooks[key] = notebook = read()
            return notebook
        except (OSError, ScrapbookException) as error:
            self._unreadable[key] = _problem(error)
            self._notebooks.pop(key, None)
            self._missing(key)

    def _missing(self, key: str) -> NoReturn:
        problem = self._unreadable.get(key)
        raise KeyError(f"{key} cannot be read. {problem.message}" if problem else key) from None

    def _report(self, notebook: Notebook, names: list[str], *, include_data: bool, headers: bool) -> None:
        scraps = notebook.scraps
        only_data = {name for name, scrap in scraps.items() if scrap.display is None}
        for name in names or scraps:
            if name not in only_data:
                if headers:
                    _headers([], f"#### {name}")
                notebook.reglue(name, raise_on_missing=False, unattached=True)
        for name in names or scraps:
            if include_data and name in only_data and scraps[name].data is not None:
                _show_value(name, scraps[name].data, headers=headers)

    def _concatenated(self, attribute: str, columns: list[str]) -> pd.DataFrame:
        import pandas as pd

        frames = {key: getattr(notebook, attribute) for key, notebook in self.items()}
        parts = [frame.assign(key=key) for key, frame in frames.items() if len(frame)]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns, "key"])


def _problem(error: OSError | ScrapbookException) -> Problem:
    cause = error.__cause__
    return cause.problem if isinstance(cause, UnreadableError) else Problem("permission", str(error))


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _headers(above: list[str], title: str) -> None:
    from IPython.display import Markdown
    from IPython.display import display

    for text in (*above, title):
        display(Markdown(text))  # type: ignore[no-untyped-call]


def _show_value(name: str, value: Any, *, headers: bool) -> None:
    from IPython.display import display

    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}..."
    if headers:
        _headers([], f"#### {name}")
    display(text if headers else f"{name}: {text}")  # type: ignore[no-untyped-call]
