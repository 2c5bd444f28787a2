from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from msgspec import UNSET
from pandas.testing import assert_frame_equal

from scrapdb.facts import Facts
from scrapdb.facts import Place
from scrapdb.notebooks.extract import PAPERMILL_MARK
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.extract import sources
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import markdown
from tests.notebook_builder import notebook
from tests.notebook_builder import output
from tests.notebook_builder import scrap

SHOWN = {"text/plain": "1"}
OTHER = {"image/png": PNG}
TEXT = {"text/plain": b"1"}
PICTURE = {"image/png": base64.b64decode(PNG)}


def glued(found: Facts) -> list[tuple[Any, ...]]:
    return [(scrap.name, scrap.value, scrap.displays, scrap.place.cell, scrap.place.output) for scrap in found.scraps]


@pytest.mark.parametrize(
    ("cells", "expected", "repeated"),
    [
        # a value glued with its display
        ([code("", scrap("x", 1), display("x", SHOWN))], [("x", 1, TEXT, 0, 0)], []),
        # two of them
        (
            [code("", scrap("x", 1), display("x", SHOWN), scrap("y", 2), display("y", OTHER))],
            [("x", 1, TEXT, 0, 0), ("y", 2, PICTURE, 0, 2)],
            [],
        ),
        # values first, displays after
        (
            [code("", scrap("x", 1), scrap("y", 2), display("x", SHOWN), display("y", OTHER))],
            [("x", 1, TEXT, 0, 0), ("y", 2, PICTURE, 0, 1)],
            [],
        ),
        # the same in a loop
        (
            [code("", *[part for i in range(3) for part in (scrap("x", i), display("x", SHOWN))])],
            [("x", 2, TEXT, 0, 4)],
            [(0, 2), (0, 4)],
        ),
        # only displays
        ([code("", display("x", SHOWN))], [("x", UNSET, TEXT, 0, 0)], []),
        ([code("", display("x", SHOWN), display("x", OTHER))], [("x", UNSET, PICTURE, 0, 1)], [(0, 1)]),
        # a value with two displays
        (
            [code("", scrap("x", 1), display("x", SHOWN), display("x", OTHER))],
            [("x", UNSET, PICTURE, 0, 2)],
            [(0, 2)],
        ),
        # in cells of their own
        ([code("", scrap("x", 1)), code("", display("x", SHOWN))], [("x", UNSET, TEXT, 1, 0)], [(1, 0)]),
        ([code("", scrap("x", 1)), code("", scrap("x", None))], [("x", None, {}, 1, 0)], [(1, 0)]),
        ([code("", scrap("x", 1), scrap("x", 2)), code("", scrap("x", 3))], [("x", 3, {}, 1, 0)], [(0, 1), (1, 0)]),
        # a display before its value
        ([code("", display("x", SHOWN), scrap("x", 1))], [("x", 1, {}, 0, 1)], [(0, 1)]),
    ],
)
def test_repeated_names_and_displays(cells: list[Any], expected: Any, repeated: list[tuple[int, int]]) -> None:
    found = facts_of(*cells)
    assert glued(found) == expected
    assert [(problem.kind, problem.name) for problem in found.problems] == [("repeated", "x")] * len(repeated)
    assert [(problem.cell, problem.output) for problem in found.problems] == repeated


def test_a_name_in_two_spellings_is_one() -> None:
    composed, decomposed = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"
    found = facts_of(code("", scrap(composed, 1), scrap(decomposed, 2)))
    assert glued(found) == [(composed, 2, {}, 0, 1)]
    assert [(problem.kind, problem.name) for problem in found.problems] == [("repeated", composed)]
    assert glued(facts_of(code("", scrap(decomposed, 1)))) == [(composed, 1, {}, 0, 0)]
    assert glued(facts_of(code("", scrap(decomposed, 1), display(composed, SHOWN)))) == [(composed, 1, TEXT, 0, 0)]


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe", "gro\u0308\u00dfe"])
def test_a_parameter_is_called_as_python_calls_it(name: str) -> None:
    injected = code(f"{name} = 1", tags=("injected-parameters",))
    found = facts_of(injected, papermill={"parameters": {name: 1}})
    assert [(each.name, each.value, each.source) for each in found.parameters] == [("gr\u00f6\u00dfe", 1, "injected")]
    assert found.problems == ()


def test_a_place_counts_the_cells_that_were_run() -> None:
    found = facts_of(
        markdown("An Exception was encountered", "papermill-error-cell-tag"),
        markdown("text"),
        markdown("here", "papermill-error-cell-tag"),
        code("x", {"output_type": "stream", "name": "stdout", "text": "1"}, scrap("x", 1), error(), count=7),
    )
    assert found.scraps[0].place == Place(1, 1, "cell", 7)
    assert found.error is not None
    assert (found.error.cell, found.cells) == (1, 2)


def test_outputs_of_other_cells_are_not_scraps() -> None:
    assert facts_of({**code("", scrap("x", 1)), "cell_type": "markdown"}).scraps == ()


def test_one_bad_scrap_is_one_problem() -> None:
    bad = output({"application/scrapbook.scrap.json+json": {"name": "bad"}})
    found = facts_of(code("", scrap("x", 1), bad, scrap("y", 2)))
    assert [name for name, *_ in glued(found)] == ["x", "y"]
    assert [(problem.kind, problem.name, problem.cell, problem.output) for problem in found.problems] == [
        ("malformed", "bad", 0, 1)
    ]


@pytest.mark.parametrize(
    ("metadata", "kernel", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "ir", "r"),
        ({"kernelspec": {"name": "k", "language": "R"}, "language_info": {"name": "Python"}}, "k", "python"),
        ({"language_info": {"name": "julia"}}, None, "julia"),
        ({"kernelspec": {"name": 7}, "language_info": []}, None, None),
        ({}, None, None),
    ],
)
def test_kernel_and_language(metadata: dict[str, Any], kernel: str | None, language: str | None) -> None:
    found = facts_of(**metadata)
    assert (found.kernel, found.language) == (kernel, language)


def test_users_of_colab_and_widgets_are_not_kept() -> None:
    found = facts_of(colab={"provenance": [{"name": "Ada"}]}, widgets={"state": {}}, kernelspec={"name": "k"})
    assert found.metadata == {"kernelspec": {"name": "k"}}


def test_the_code_hash_tells_the_same_code() -> None:
    def code_hash(*cells: Any) -> str | None:
        return facts_of(*cells).code_hash

    one = code_hash(code("a"), code("b", count=None))
    assert one == hashlib.sha256(b"a\0b").hexdigest()
    assert one == code_hash(markdown("x"), code("a", scrap("x", 1), count=7), code("b"))
    assert one == code_hash(code("a"), code("symbol = 1", tags=("injected-parameters",)), code("b"))
    assert one != code_hash(code("a\0b")) or one != code_hash(code("ab"))
    assert one != code_hash(code("b"), code("a"))


def test_a_long_traceback_keeps_its_end() -> None:
    found = facts_of(code("1", error(traceback=["\x1b[31m" + "x" * 100_000, "KeyError: 'x'\x1b[0m"])))
    assert found.error is not None
    assert found.error.traceback.endswith("x\nKeyError: 'x'")
    assert len(found.error.traceback) == 65_536


def test_the_first_error_of_a_run_counts() -> None:
    found = facts_of(
        code("1", error("ValueError"), tags=("raises-exception",)), code("2", error()), code("3", error("B"))
    )
    assert found.error is not None
    assert (found.error.name, found.error.cell) == ("KeyError", 1)


def test_code_cells_keep_their_time_and_the_source_that_glued_or_failed() -> None:
    found = facts_of(
        markdown("text"),
        code("quick", count=1, papermill={"duration": 0.5}),
        code("", count=None),
        code("glue()", scrap("x", 1), execution={"iopub.execute_input": "2026-11-01T12:00:00Z"}),
        code(
            "s" * 100_000,
            error(),
            count=3,
            ExecuteTime={"start_time": "2026-11-01 12:00", "end_time": "2026-11-01 12:01"},
        ),
        code("never", count=None),
        code("left out", count=None, tags=("skip-execution",)),
    )
    assert [(cell.cell, cell.execution_count, cell.seconds, cell.source) for cell in found.code] == [
        (1, 1, 0.5, None),
        (3, 1, None, "glue()"),
        (4, 3, 60.0, "s" * 65_536),
        (5, None, None, None),
    ]


def as_scrapbook_reads(path: Path) -> Iterator[tuple[str, Any]]:
    """What scrapbook's own functions read of each output; what they refuse is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scrapbook.models import Notebook

        reader = Notebook(nbformat.read(path, as_version=4))
        for cell in reader.cells:
            for found in cell.get("outputs", []):
                try:
                    yield from ((name, scrap.data) for name, scrap in reader._extract_output_data_scraps(found).items())
                except Exception:  # noqa: BLE001, S112 (whatever it happens to raise)
                    continue


def compare(path: Path) -> int:
    found = {scrap.name: scrap.value for scrap in read_facts(path.read_bytes()).scraps}
    theirs = dict(as_scrapbook_reads(path))
    for name, value in theirs.items():
        ours = found[name]
        if isinstance(value, pd.DataFrame):
            assert_frame_equal(pd.read_parquet(io.BytesIO(ours.parquet)), value)
        elif value in ("nan", "inf", "-inf"):  # what Jupyter made of a float that JSON has no word for
            assert str(ours) == value
        else:
            assert json.dumps(ours) == json.dumps(value)
    return len(theirs)


def test_what_scrapbook_reads_is_read_alike(corpora: Path, tickers: Path, executed: Callable[[str], Path]) -> None:
    of_others = [path for path in corpora.rglob("*.ipynb") if "scrapbook" in str(path) or "papermill" in str(path)]
    readable = [path for path in of_others if read_facts(path.read_bytes()).status != "unreadable"]
    assert sum(map(compare, readable)) > 40
    assert sum(map(compare, tickers.iterdir())) == 12 * 7
    assert compare(executed("encoders")) >= 14


def test_every_encoder_as_scrapbook_writes_it(executed: Callable[[str], Path]) -> None:
    found = read_facts(executed("encoders").read_bytes())
    values = {scrap.name: scrap.value for scrap in found.scraps}
    assert values["text"] == "007"
    assert values["integer"] == 2**53 + 1
    assert values["big"] == 2**70
    assert values["float"] == 0.1 + 0.2
    assert values["true"] is True
    assert math.isnan(values["nan"])
    assert values["infinity"] == -math.inf
    assert values["list"] == [1, [2, None], "three"]
    assert values["odd name/with.dots"] == 1
    assert values["repeated"] == 3
    displays = {scrap.name: set(scrap.displays) for scrap in found.scraps if scrap.displays}
    assert displays["shown text"] == {"text/plain"}
    assert "text/html" in displays["shown frame"]
    assert "image/png" in displays["plot"]
    assert "text/html" in displays["html"]
    assert displays["only html"] == {"text/html"}
    assert [problem.name for problem in found.problems if problem.kind == "repeated"] == ["repeated", "repeated"]


def test_a_notebook_without_anything() -> None:
    found = read_facts(content(notebook()))
    assert found == Facts("completed", code_hash=hashlib.sha256(b"").hexdigest(), nbformat="4.5", cells=0, metadata={})


def test_sources_are_what_the_hash_of_the_code_is_made_of() -> None:
    cells = [
        markdown("# Title"),
        code("marker", tags=(PAPERMILL_MARK,)),
        code("seed = 0", tags=("parameters",)),
        code("seed = 1", tags=("injected-parameters",)),
        code("train()\nprint(1)"),
        code(""),
    ]
    written = content(notebook(*cells))
    found = sources(written)
    assert found.code == [(1, "seed = 0"), (3, "train()\nprint(1)"), (4, "")]
    assert found.markdown == [(0, "# Title")]
    joined = "\0".join(source for _, source in found.code).encode()
    assert read_facts(written).code_hash == hashlib.sha256(joined).hexdigest()
