"""The page that compares notebooks."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from pathlib import Path

import pytest

from scrapdb.database import Database
from tests.datasette.asked import get
from tests.datasette.glued import ROWS
from tests.datasette.glued import hash_of
from tests.datasette.glued import large
from tests.datasette.glued import page
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import write

MISSING = "\u2013"


def lines(text: str) -> dict[str, list[str]]:
    """The lines of a comparison: name with path, and the texts of its cells."""
    found = {}
    for line in re.findall(r'<tr[^>]*>\s*<th scope="row">.*?</tr>', text, re.DOTALL):
        name, *cells = (
            " ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", line, re.DOTALL)
        )
        found[name] = cells
    return found


def test_only_what_differs(glued: Path) -> None:
    response = get(glued, page("compare", path=["run0", "run1.ipynb", "run2"]))
    assert response.status_code == 200
    found = lines(response.text)
    assert found["seconds"] == ["10", "11 +1, × 1.1", "12 +2, × 1.2"]
    assert found["symbol"] == ["A", "B", "C"]
    assert found["distance"] == ["0.5", "1.5 +1, × 3", "2.5 +2, × 5"]
    assert found["config.depth"] == ["0", "1 +1", "2 +2"]
    assert found["prices.rows"] == [str(ROWS), f"{ROWS - 1} -1, × 0.99995", f"{ROWS - 2} -2, × 0.9999"]
    assert not {"same", "status", "chart", "config.layers[0]", "prices.columns.close.type"} & found.keys()
    assert not any(name.startswith("small") for name in found)


def test_numbers_of_frames_as_pandas_has_them(glued: Path) -> None:
    found = lines(get(glued, page("compare", path=["run0", "run1"], all=1)).text)
    closes = large()["close"], large()["close"].head(ROWS - 1)
    assert found["prices.columns.close.min"] == [f"{close.min():.6g}" for close in closes]
    assert [cell.split()[0] for cell in found["prices.columns.close.mean"]] == [
        f"{close.mean():.6g}" for close in closes
    ]


def test_all(glued: Path) -> None:
    text = get(glued, page("compare", path=["run0", "run1"], all=1)).text
    found = lines(text)
    assert found["same"] == ["equal", "equal"]
    assert found["config.layers[0]"] == ["8", "8"]
    assert found["status"] == ["completed", "completed"]
    assert text.count('<img class="scrapdb-picture"') == 4


def test_long_text_shows_its_changes(glued: Path) -> None:
    text = get(glued, page("compare", path=["run0", "run1"])).text
    assert "The model needed <del>0</del><ins>1</ins> steps" in text


def test_a_scrap_that_one_misses(glued: Path) -> None:
    found = lines(get(glued, page("compare", path=["run0", "KeyError"])).text)
    assert found["partial"] == [MISSING, "1"]
    assert found["distance"] == ["0.5", MISSING]
    assert found["status"] == ["completed", "failed"]
    assert found["error"] == [MISSING, "KeyError: 'KeyError <b>'"]


def test_a_closer_look_is_a_command(glued: Path) -> None:
    text = unescape(get(glued, page("compare", path=["run0", "KeyError"])).text)
    (command,) = re.findall("<code>(scrapdb diff .*?)</code>", text)
    _, _, *names = shlex.split(command)
    assert Database(glued).diff(*names).notebooks == names


def test_a_notebook_is_left_out_by_its_link(glued: Path) -> None:
    text = get(glued, page("compare", path=["run0", "run1", "run2"])).text
    (link,) = re.findall(r'href="([^"]+)" aria-label="leave out run1.ipynb"', text)
    assert unescape(link) == page("compare", path=["run0.ipynb", "run2.ipynb"]).partition("compare")[2]


def test_one_notebook_asks_for_another(glued: Path) -> None:
    response = get(glued, page("compare", path="run0"))
    assert response.status_code == 200
    assert "Name one more notebook" in response.text
    assert '<input type="hidden" name="path" value="run0.ipynb">' in response.text


def test_none_asks_for_some(glued: Path) -> None:
    response = get(glued, page("compare"))
    assert response.status_code == 200
    assert "Name the notebooks to compare" in response.text


def test_unknown_paths_are_told_and_the_others_compared(glued: Path) -> None:
    response = get(glued, page("compare", path=["run0", "<nope>", "run1"]))
    assert response.status_code == 404
    assert "No notebook is called &#39;&lt;nope&gt;&#39;" in response.text
    assert lines(response.text)["distance"] == ["0.5", "1.5 +1, × 3"]


def test_the_same_notebook_twice_is_one(glued: Path) -> None:
    assert "Name one more notebook" in get(glued, page("compare", path=["run0", "run0.ipynb"])).text


def test_nine_are_too_many(glued: Path) -> None:
    names = [f"nope{number}" for number in range(7)]
    response = get(glued, page("compare", path=["run0", *names, "run1"]))
    assert "left out: run1" in response.text


def test_pictures_say_of_which_notebook_they_are(store: Path) -> None:
    text = get(store, page("compare", path=["tickers/BCD.ipynb", "tickers/MNO.ipynb"])).text
    assert re.findall(r' alt="([^"]+)"', text) == ["chart of tickers/BCD.ipynb", "chart of tickers/MNO.ipynb"]


def test_nothing_differs(glued: Path, tmp_path: Path) -> None:
    """Two copies of one notebook."""
    from scrapdb.database import Database

    for name in ("one", "two"):
        shutil.copy(glued.parent / "run1.ipynb", tmp_path / f"{name}.ipynb")
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert "Nothing differs" in get(tmp_path / "scraps.db", page("compare", path=["one", "two"])).text


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_frame_that_cannot_be_read_is_told(glued: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(glued.parent, tmp_path, dirs_exist_ok=True)
    (sidecar,) = tmp_path.rglob(f"{hash_of(large())}.parquet")
    sidecar.unlink() if damage == "missing" else sidecar.write_bytes(b"PAR1")
    found = lines(get(tmp_path / "scraps.db", page("compare", path=["run0", "run1"])).text)
    assert damage in found["prices.unreadable"][0]
    assert found["distance"] == ["0.5", "1.5 +1, × 3"]


def test_an_expression_is_its_source_and_no_number(tmp_path: Path) -> None:
    cells = {"a": "same = f('<i>')\nlimit = g(1)\nother = 'g(1)'", "b": "same = f('<i>')\nlimit = 7\nother = g(1)"}
    for name, cell in cells.items():
        write(tmp_path / f"{name}.ipynb", notebook(code(cell, tags=("parameters",))))
    Database(tmp_path / "scraps.db").index(tmp_path)
    text = get(tmp_path / "scraps.db", page("compare", path=["a", "b"], all=1)).text
    found = lines(text)
    assert found["same"] == ["f('<i>')", "f('<i>')"]
    assert found["limit"] == ["g(1)", "7"]
    assert found["other"] == ["g(1)", "g(1)"]
    assert "<code>f(&#39;&lt;i&gt;&#39;)</code>" in text
    assert set(lines(get(tmp_path / "scraps.db", page("compare", path=["a", "b"])).text)) == {"limit", "other", "code"}
    shown = get(tmp_path / "scraps.db", "/scraps/runs.json?_shape=array&_sort=notebook").json()
    assert [(row["limit"], row["limit (expression)"]) for row in shown] == [(None, "g(1)"), (7, None)]
