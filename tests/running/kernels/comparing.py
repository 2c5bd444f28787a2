"""Comparing executed notebooks: what two executions of the same code may differ in is left out, and nothing else."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode

from scrapdb.facts import Execution
from scrapdb.running.kernels.execute import execute
from scrapdb.running.kernels.walls.bubblewrap import HOME
from scrapdb.running.task import Confines
from scrapdb.running.task import Task

_OF_PAPERMILL = {"start_time", "end_time", "duration", "version", "input_path", "output_path"}
_RANDOM = (
    (re.compile(r"0x[0-9a-f]+"), "0x…"),
    (re.compile(r"/tmp/ipykernel_\d+/\d+\.py"), "/tmp/ipykernel/cell.py"),  # noqa: S108 - what is shown, not used
    (re.compile(r"/tmp/scrapdb-\w+(?:/\w+)?/files"), HOME),  # noqa: S108 - where a run is that has no wall
    (re.compile(r"/tmp/"), "~/"),  # noqa: S108 - behind the wall it is the home
    (re.compile(r"[\d.]+it/s"), "…it/s"),  # of tqdm
    (re.compile(r"<dc:date>.*?</dc:date>"), "<dc:date>…</dc:date>"),
    (re.compile(r"\b[\d.e+-]+ (?:[mµμn]?s)\b"), "… s"),  # of %time
)
_IDENTITY = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_WIDGETS = "application/vnd.jupyter.widget-state+json"


def cells(*sources: str, tags: Sequence[str] = (), kernel: str = "python3") -> NotebookNode:
    """Make a notebook.

    Args:
        sources: of its code cells.
        tags: of all of them.
        kernel: what executes them.
    """
    made = [
        nbformat.v4.new_code_cell(source, id=f"cell-{index}", metadata={"tags": list(tags)} if tags else {})
        for index, source in enumerate(sources)
    ]
    spec = {"name": kernel, "display_name": kernel, "language": "python" if "python" in kernel else kernel}
    node: NotebookNode = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": spec})
    return node


def by_papermill(node: NotebookNode, directory: Path, **parameters: Any) -> Any:
    """Return what papermill makes of a notebook in a copy of a directory, comparable."""
    source, output = directory.parent / "source.ipynb", directory.parent / "papermill.ipynb"
    nbformat.write(node, source)
    shutil.copytree(directory, copy := directory.parent / "papermill")
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # for whose sake ipykernel would pass over what processes write
    with suppress(papermill.PapermillExecutionError):  # it is in the output
        papermill.execute_notebook(source, output, parameters, cwd=copy, progress_bar=False)
    return comparable(nbformat.read(output, 4), copy)


def by_scrapdb(
    node: NotebookNode, directory: Path, *, parameters: dict[str, Any] | None = None, **more: Any
) -> tuple[Any, Execution]:
    """Return what scrapdb makes of a notebook, comparable, with what is in a directory beside it; and its record.

    Args:
        node: the notebook.
        directory: has what is to be beside it.
        parameters: are injected.
        more: of the task, or of its confines.
    """
    output = directory.parent / "scrapdb.ipynb"
    found = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []  # by which our modules are found
    seen = {
        "env": tuple(("PYTHONPATH", each) for each in found),
        "read": tuple(path for each in found for path in each.split(os.pathsep) if path),
    }
    confines = {**seen, **{name: more.pop(name) for name in {*more} & {*Confines.__struct_fields__}}}
    beside = tuple(str(path) for path in sorted(directory.iterdir()))
    task = Task(
        id="a0",
        batch="b0",
        notebook="source.ipynb",
        content=nbformat.writes(node).encode(),
        output=str(output),
        parameters=parameters or {},
        confines=Confines(beside=beside, **confines),
        **more,
    )
    record = execute(task)
    return comparable(nbformat.read(output, 4), directory), record


def comparable(node: NotebookNode, directory: Path) -> Any:
    """Return an executed notebook without what is another each time it is executed.

    That are times, versions, addresses, random names, and the paths of the notebook and of its directory.

    Args:
        node: the notebook.
        directory: in which papermill executed it.
    """
    plain = json.loads(json.dumps(node))
    plain["metadata"].pop("scrapdb", None)
    _without_times(plain["metadata"]["papermill"])
    for cell in plain["cells"]:
        cell["metadata"].pop("execution", None)
        _without_times(cell["metadata"].get("papermill", {}))
        if {"injected-parameters", "papermill-error-cell-tag"} & {*cell["metadata"].get("tags", ())}:
            del cell["id"]
        if "outputs" in cell:
            cell["outputs"] = list(_joined(cell["outputs"]))
    return _alike(plain, directory, _names(plain))


def _names(node: dict[str, Any]) -> dict[str, str]:
    """Number what has a random name: in the order in which it is shown, then as widgets name each other."""
    states = node["metadata"].get("widgets", {}).get(_WIDGETS, {}).get("state", {})
    waiting = _IDENTITY.findall(json.dumps(node["cells"]))
    waiting += sorted(states, key=lambda name: _IDENTITY.sub("", json.dumps(states[name], sort_keys=True)))
    names: dict[str, str] = {}
    while waiting:
        if (name := waiting.pop(0)) not in names:
            names[name] = f"name {len(names)}"
            waiting[:0] = _IDENTITY.findall(json.dumps(states.get(name), sort_keys=True))
    return names


def _joined(outputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Join streams of the same name, which come in as many parts as the kernel's clock makes of them."""
    for alike, parts in itertools.groupby(outputs, lambda output: output.get("name") or id(output)):
        first, *rest = parts
        yield {**first, "text": "".join(part["text"] for part in (first, *rest))} if isinstance(alike, str) else first


def _without_times(metadata: dict[str, Any]) -> None:
    for name in _OF_PAPERMILL & {*metadata}:
        del metadata[name]


def _alike(value: Any, directory: Path, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_alike(key, directory, names): _alike(each, directory, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_alike(each, directory, names) for each in value]
    if not isinstance(value, str):
        return value
    for path in (os.path.realpath(directory), str(directory)):
        value = value.replace(path, HOME)
    for pattern, instead in _RANDOM:
        value = pattern.sub(instead, value)
    return _IDENTITY.sub(lambda found: names.get(found[0], found[0]), value)


def differences(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Yield where two comparable notebooks differ, and in what."""
    if type(one) is not type(other):
        yield f"{at}: {one!r} / {other!r}"
    elif isinstance(one, dict):
        for key in sorted({*one, *other}):
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}: {one.get(key, '(absent)')!r} / {other.get(key, '(absent)')!r}"
    elif isinstance(one, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{at}[{index}]")
    elif one != other:
        yield f"{at}: {one!r} / {other!r}"
