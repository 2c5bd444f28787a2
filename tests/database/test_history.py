"""The versions of a notebook, against plain loops over what was glued in each night."""

from __future__ import annotations

import base64
import io
import itertools
import sqlite3
from contextlib import closing
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import scrapdb
from scrapdb.errors import ExpressionError
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.repositories import Repository

FIRST, DAY = 1_793_400_000, 86_400
# What was glued in each night; in one nothing was.
NIGHTS: list[dict[str, Any] | None] = [
    {"distance": 0.03, "length": 250, "near": True, "name": "BCD Inc", "stable": 7, "tree": {"a": 0}},
    {"distance": 0.05, "length": 250, "near": True, "name": "BCD Inc", "stable": 7, "tree": {"a": 0}},
    {"distance": 0.05, "length": 250.0, "near": False, "name": "BCD Inc", "stable": 7, "tree": {"a": 0}},
    None,
    {"distance": 0.04, "length": 251, "near": False, "name": "BCD Inc", "stable": 7, "tree": {"a": 1}},
    {"distance": 0.04, "length": 251, "near": False, "name": "BCD plc", "stable": 7, "tree": {"a": 1}},
]
FRAMES = [1, 1, 2, 2, 3, 3]  # the nights' DataFrames begin with it, and have as many rows
PICTURES = [PNG, PNG, PNG, PNG, PNG, PNG.replace("ADUlEQV", "ADUlEQW")]
NAMES = ("distance", "length", "near", "name", "stable", "tree")


def glued(number: int) -> dict[str, Any]:
    stream = io.BytesIO()
    pd.DataFrame({"price": [number, 2, 3]}).to_parquet(stream)
    return scrap("prices", base64.b64encode(stream.getvalue()).decode(), "pandas")


def of_night(night: int) -> dict[str, Any]:
    values = NIGHTS[night]
    if values is None:
        return notebook(code("boom()", error()))
    outputs = [scrap(name, value, "text" if isinstance(value, str) else "json") for name, value in values.items()]
    chart = display("chart", {"image/png": PICTURES[night], "text/plain": "chart"})
    return notebook(
        code(f"night = {night}", tags=("parameters",)), code("glue()", *outputs, glued(FRAMES[night]), chart)
    )


def at(night: float) -> str:
    return datetime.fromtimestamp(FIRST + night * DAY, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def changed(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    """Tell by a plain loop which values are not as they were; 250 and 250.0 are one value."""
    return [name for name in NAMES if (before or {}).get(name) != (after or {}).get(name)]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> scrapdb.Database:
    """A store of a notebook of six nights, of one that is gone since, and of one that is always the same."""
    directory = tmp_path_factory.mktemp("history")
    db = scrapdb.open(directory / "scraps.db")
    for night in range(len(NIGHTS)):
        write(directory / "runs" / "BCD.ipynb", of_night(night), FIRST + night * DAY)
        write(directory / "runs" / "same.ipynb", gluing(x=1, word="w"), FIRST)
        gone = directory / "runs" / "gone.ipynb"
        gone.unlink(missing_ok=True)
        if night < 2:
            write(gone, gluing(version=night, x=night * 10), FIRST + night * DAY)
        db.index(directory / "runs", keep=True)
    return db


def sql(db: scrapdb.Database, *statements: str) -> None:
    with closing(sqlite3.connect(db.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def copied(db: scrapdb.Database, directory: Path) -> scrapdb.Database:
    with closing(sqlite3.connect(db.path)) as connection:
        connection.execute("VACUUM INTO ?", (str(directory / "scraps.db"),))
    return scrapdb.open(directory / "scraps.db")


def test_each_version_is_a_row_with_what_was_glued(db: scrapdb.Database) -> None:
    found = [*db.history("BCD", NAMES)]
    assert [row["version"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert [(row["since"], row["until"]) for row in found] == [
        (at(night), at(night + 1) if night < 5 else None) for night in range(6)
    ]
    assert [row["status"] for row in found] == ["completed", "completed", "completed", "failed"] + ["completed"] * 2
    assert {row["notebook"] for row in found} == {"runs/BCD.ipynb"}
    assert [{name: row[name] for name in NAMES} for row in found] == [
        dict.fromkeys(NAMES) if values is None else values for values in NIGHTS
    ]


def test_what_changed_is_what_is_not_as_in_the_version_before(db: scrapdb.Database) -> None:
    found = [row["changed"] for row in db.history("BCD", NAMES)]
    assert found == [[], *(changed(*pair) for pair in itertools.pairwise(NIGHTS))]


@pytest.mark.parametrize("name", NAMES)
def test_only_versions_in_which_a_value_changed(db: scrapdb.Database, name: str) -> None:
    pairs = enumerate(itertools.pairwise(NIGHTS), 2)
    expected = [version for version, pair in pairs if name in changed(*pair)]
    assert [row["version"] for row in db.history("BCD", name, changes=True)] == expected
    assert [row["version"] for row in db.history("BCD", name, changes=True, limit=2)] == expected[-2:]


def test_frames_and_displays_change_with_their_bytes(db: scrapdb.Database) -> None:
    found = [*db.history("BCD", ["prices", "chart"])]
    assert [str(row["prices"]) for row in found] == ["DataFrame 3 × 1"] * 3 + ["None"] + ["DataFrame 3 × 1"] * 2
    both = ["prices", "chart"]
    assert [row["changed"] for row in found] == [[], [], ["prices"], both, both, ["chart"]]


@pytest.mark.parametrize("limit", [0, 1, 2, 6, 100])
def test_the_last_versions_know_what_was_before_them(db: scrapdb.Database, limit: int) -> None:
    everything = list(db.history("BCD", NAMES).rows())
    assert list(db.history("BCD", NAMES, limit=limit).rows()) == everything[max(6 - limit, 0) :]


def test_expressions_are_those_of_the_language(db: scrapdb.Database) -> None:
    found = db.history("BCD", "distance * 100 as percent, near and length > 250 as both, nb.version, tree.a")
    assert found.columns[6:] == ("percent", "both", "nb.version", "tree.a", "changed")
    expected = [
        (None, None, None) if values is None
        else (values["distance"] * 100, values["near"] and values["length"] > 250, values["tree"]["a"])
        for values in NIGHTS
    ]  # fmt: skip
    assert [(row["percent"], row["both"], row["tree.a"]) for row in found] == expected


def test_numbers_that_changed_are_shown_first_then_truths_and_texts(db: scrapdb.Database) -> None:
    assert db.history("BCD").columns[6:-1] == ("distance", "length", "near", "name", "night")
    assert db.history("same").columns[6:-1] == ("x", "word")  # nothing changed


def test_a_name_of_the_table_itself_is_asked_for_with_its_role(db: scrapdb.Database) -> None:
    found = db.history("gone")
    assert found.columns == (
        "version",
        "since",
        "until",
        "status",
        "commit",
        "notebook",
        "scrap.version",
        "x",
        "changed",
    )
    with pytest.raises(UsageError, match="Two columns are called `version`"):
        db.history("gone", "version")


def test_a_notebook_that_is_gone_has_its_versions_still(db: scrapdb.Database) -> None:
    found = [*db.history("gone", "x")]
    assert [(row["version"], row["x"]) for row in found] == [(1, 0), (2, 10)]
    assert found[-1]["until"] > at(1)
    assert [*db.history("runs/gone.ipynb", "x")] == found == [*db.history("gone.ipynb", "x")]
    assert db.history("gone").for_people().columns == ("version", "since", "until", "scrap.version", "x")


def test_a_notebook_that_came_back_was_not_there_between(tmp_path: Path) -> None:
    other = scrapdb.open(tmp_path / "scraps.db")
    for night, x in enumerate((1, None, 1, 2)):
        path = tmp_path / "runs" / "a.ipynb"
        if x is None:
            path.unlink()
        else:
            write(path, gluing(x=x), FIRST + night)
        write(tmp_path / "runs" / "b.ipynb", gluing(x=0))
        other.index(tmp_path / "runs", keep=True)
    found = other.history("a", "x")
    assert [(row["x"], row["changed"]) for row in found] == [(1, []), (1, []), (2, ["x"])]
    ends = [row[2] for row in found.for_people().rows()]
    assert [end is None for end in ends] == [False, True, True]


def test_versions_under_another_name_go_on(db: scrapdb.Database, tmp_path: Path) -> None:
    other = copied(db, tmp_path)
    sql(
        other,
        "UPDATE versions SET path = 'old.ipynb' WHERE path LIKE '%BCD%' AND version <= 3",
        "UPDATE version_notebooks SET path = versions.path FROM versions WHERE versions.id = version_notebooks.id",
        "UPDATE versions SET version = version - 3 WHERE path LIKE '%BCD%'",
    )
    found = [*other.history("BCD", NAMES)]
    assert [(row["notebook"], row["version"]) for row in found] == [
        (path, version) for path in ("old.ipynb", "runs/BCD.ipynb") for version in (1, 2, 3)
    ]
    assert [row["changed"] for row in found] == [row["changed"] for row in db.history("BCD", NAMES)]
    assert other.history("BCD").for_people().columns[3] == "notebook"
    assert [row["version"] for row in other.history("old")] == [1, 2, 3]


def test_versions_of_other_branches_are_left_out(db: scrapdb.Database, tmp_path: Path) -> None:
    other = copied(db, tmp_path)
    of = "path LIKE '%BCD%' AND version ="
    sql(
        other,
        f"UPDATE versions SET until = since, branch = 'side' WHERE {of} 2",
        f"UPDATE versions SET until = {at(2)!r}, branch = 'main' WHERE {of} 1",
        f"UPDATE versions SET previous = (SELECT id FROM versions WHERE {of} 1) WHERE {of} 3",
    )
    found = other.history("BCD", "distance")
    assert [row["version"] for row in found] == [1, 3, 4, 5, 6]
    assert [row["changed"] for row in found][:2] == [[], ["distance"]]
    assert found.other_branches == 1
    sql(other, f"UPDATE versions SET previous = (SELECT id FROM versions WHERE {of} 2) WHERE {of} 3")
    assert [row["version"] for row in other.history("BCD", branches=True)] == [1, 2, 3, 4, 5, 6]


def test_rows_are_those_of_pandas(db: scrapdb.Database) -> None:
    frame = db.history("BCD", ["distance", "nb.since"]).to_pandas()
    moments = [pd.Timestamp(FIRST + night * DAY, unit="s", tz="UTC") for night in range(6)]
    assert list(frame["since"]) == moments == list(frame["nb.since"])
    assert frame["until"].isna().tolist() == [False] * 5 + [True]
    expected = pd.Series([values and values["distance"] for values in NIGHTS], dtype="Float64")
    pd.testing.assert_series_equal(frame["distance"], expected, check_names=False)
    assert db.history("BCD", "tree").to_arrow().num_rows == 6


def test_a_chart_has_a_point_for_each_version_with_a_value(db: scrapdb.Database) -> None:
    plot = db.history("BCD", "distance").plot()
    expected = [(at(night), values["distance"]) for night, values in enumerate(NIGHTS) if values]
    assert [row[1:] for row in plot.points.rows] == expected
    assert (plot.kind, plot.points.scales, plot.points.left_out) == ("line", ("temporal", "quantitative"), 1)
    assert db.history("BCD").plot() == plot  # the first number that changed


def test_a_chart_of_several_values_has_a_line_for_each(db: scrapdb.Database) -> None:
    plot = db.history("BCD", ["distance", "length"]).plot()
    assert plot.points.labels == ("since", "value", "name")
    assert [row[2] for row in plot.points.rows if row[3] == "length"] == [
        values["length"] for values in NIGHTS if values
    ]
    texts = db.history("BCD", "name").plot()
    assert texts.points.scales == ("temporal", "nominal")


@pytest.mark.parametrize("name", ["prices", "chart", "tree"])
def test_what_is_no_value_of_an_axis_is_refused(db: scrapdb.Database, name: str) -> None:
    with pytest.raises(UsageError, match="which is no value of an axis"):
        db.history("BCD", name).plot()


def test_without_a_number_there_is_nothing_to_draw(tmp_path: Path) -> None:
    other = scrapdb.open(tmp_path / "scraps.db")
    write(tmp_path / "a.ipynb", gluing(word="x"))
    other.index(tmp_path, keep=True)
    with pytest.raises(UsageError, match=r"^No version of a\.ipynb has a number to draw: name a value\.$"):
        other.history("a").plot()


def test_people_see_marks(db: scrapdb.Database) -> None:
    table = db.history("BCD", ["distance", "name"]).for_people()
    assert table.columns == ("version", "since", "status", "distance", "name")
    cells = [[str(cell) for cell in row[3:]] for row in table.rows()]
    assert cells == [
        ["0.03  ", "BCD Inc  "],
        ["0.05 ▲", "BCD Inc  "],
        ["0.05  ", "BCD Inc  "],
        [" ●", " ●"],
        ["0.04 ●", "BCD Inc ●"],
        ["0.04  ", "BCD plc ●"],
    ]
    assert next(table.rows())[1] == at(0)[:16].replace("T", " ")
    assert db.history("same").for_people().columns == ("version", "since", "x", "word")


def test_times_are_as_exact_as_they_need_to_be(tmp_path: Path) -> None:
    db = scrapdb.open(tmp_path / "scraps.db")
    for second in (0, 1, 61):
        write(tmp_path / "runs" / "a.ipynb", gluing(x=second), FIRST + second)
        db.index(tmp_path / "runs", keep=True)
    found = [row[1] for row in db.history("a").for_people().rows()]
    assert found == [at(second / DAY)[:19].replace("T", " ") for second in (0, 1, 61)]


def test_an_unknown_notebook_or_name_is_told(db: scrapdb.Database) -> None:
    with pytest.raises(NotebookNotFoundError, match="No notebook is called 'nowhere'"):
        db.history("nowhere")
    with pytest.raises(ExpressionError) as caught:
        db.history("BCD", ["length", "distanc"])
    assert str(caught.value).startswith("No notebook has a field `distanc`; did you mean `distance`?\n  distanc\n")
    with pytest.raises(UsageError, match="values that are named"):
        db.history("BCD", "*")
    with pytest.raises(UsageError, match="not a negative number"):
        db.history("BCD", limit=-1)


def test_a_store_without_versions_says_how_to_have_some(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", gluing(x=1))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    with pytest.raises(StoreError, match=r"scrapdb index PATH --keep"):
        db.history("a")


def test_versions_that_were_let_go_leave_the_others(tmp_path: Path) -> None:
    other = scrapdb.open(tmp_path / "scraps.db")
    for x in range(5):
        write(tmp_path / "runs" / "a.ipynb", gluing(x=x), FIRST + x)
        other.index(tmp_path / "runs", keep=2)
    assert [(row["version"], row["x"], row["changed"]) for row in other.history("a")] == [(4, 3, []), (5, 4, ["x"])]


@pytest.mark.parametrize(
    ("text", "x"), [("gone@1", 0), ("gone@2", 10), ("gone@previous", 0), ("runs/gone.ipynb@1", 0), ("gone.ipynb@2", 10)]
)
def test_a_version_is_named_behind_its_notebook(db: scrapdb.Database, text: str, x: int) -> None:
    assert db.notebook(text).scraps["x"].data == x


def test_a_version_has_what_its_notebook_had(db: scrapdb.Database) -> None:
    found = db.notebook("BCD@3")
    assert {name: found.scraps[name].data for name in NAMES} == NIGHTS[2]
    assert found.scraps["prices"].data["price"].tolist() == [2, 2, 3]
    assert found.scraps["chart"].display["image/png"] == base64.b64decode(PNG)
    assert found.version is not None
    assert (found.version.version, found.version.versions, found.version.since) == (3, 6, at(2))
    assert db.notebook("BCD@4").status == "failed"
    assert db.notebook("BCD@previous").parameters == {"night": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BCD@7", "The store keeps no version 7 of runs/BCD.ipynb; `scrapdb history BCD` lists them."),
        ("BCD@0", "The store keeps no version 0 of runs/BCD.ipynb; `scrapdb history BCD` lists them."),
        ("BCD@abcd", "The store keeps no version abcd of runs/BCD.ipynb; `scrapdb history BCD` lists them."),
        ("same@previous", "The store keeps no version before the last one of runs/same.ipynb; "),
        ("BCD@x", "No notebook is called 'BCD@x'"),
        ("BCD@", "No notebook is called 'BCD@'"),
        ("@3", "No notebook is called '@3'"),
        ("nowhere@3", "No notebook is called 'nowhere'"),
    ],
)
def test_a_version_that_is_not_kept_is_told(db: scrapdb.Database, text: str, message: str) -> None:
    with pytest.raises(NotebookNotFoundError) as caught:
        db.notebook(text)
    assert str(caught.value).startswith(message)


def test_a_version_is_named_by_its_commit(db: scrapdb.Database, tmp_path: Path) -> None:
    other = copied(db, tmp_path)
    for version, commit in enumerate(("abcd1111", "abcd2222", "12345678"), 1):
        where = f"WHERE path LIKE '%BCD%' AND version = {version}"
        sql(other, f"UPDATE versions SET commit_hash = '{commit:0<40}' {where}")
    names = {"BCD@abcd1": 1, "BCD@ABCD2222": 2, "BCD@1234": 3, f"BCD@{'abcd1111':0<40}": 1}
    assert {name: other.notebook(name).version.version for name in names} == names  # type: ignore[union-attr]
    with pytest.raises(NotebookNotFoundError, match=r"More than one commit of runs/BCD\.ipynb begins with abcd"):
        other.notebook("BCD@abcd")
    assert db.history("BCD").for_people().columns[2] == "status"
    assert other.history("BCD").for_people().columns[3] == "commit"


def test_a_notebook_that_is_really_called_so_wins(tmp_path: Path) -> None:
    db = scrapdb.open(tmp_path / "scraps.db")
    for x in (1, 2):
        write(tmp_path / "runs" / "a.ipynb", gluing(x=x), FIRST + x)
        write(tmp_path / "runs" / "a@1.ipynb", gluing(x=100 + x), FIRST + x)
        db.index(tmp_path / "runs", keep=True)
    assert db.notebook("a@1").scraps["x"].data == 102
    assert db.notebook("a@1@1").scraps["x"].data == 101
    assert db.notebook("a.ipynb@1").scraps["x"].data == 1


def test_two_versions_are_compared_as_two_notebooks(db: scrapdb.Database) -> None:
    found = db.diff("BCD@3", "BCD@5")
    assert found.notebooks == ["runs/BCD.ipynb@3", "runs/BCD.ipynb@5"]
    assert {line.name for line in found.differences.lines} == {
        *(name for name in changed(NIGHTS[2], NIGHTS[4])), "night", "prices", "code",
    }  # fmt: skip
    assert found.remarks == ["Of versions the store keeps no cells: code is compared by its hash, and Markdown is not."]
    pixels = [line.name for line in db.diff("BCD@previous", "BCD", only=["chart"]).differences.lines]
    assert pixels == ["chart"]
    assert db.diff("BCD@6", "BCD").differences.lines == []
    with pytest.raises(UsageError, match=r"BCD\.ipynb@3 is named twice"):
        db.diff("BCD@3", "runs/BCD.ipynb@3")


@pytest.mark.parametrize(
    ("name", "version", "since"),
    [("distance", 6, 5), ("distance", 3, 2), ("distance", 1, 1), ("name", 6, 6), ("name", 3, 1)],
)
def test_since_when_a_value_is_as_it_is(db: scrapdb.Database, name: str, version: int, since: int) -> None:
    from scrapdb.database.history import unchanged_since

    found = unchanged_since(db.path, "runs/BCD.ipynb", version, name)
    assert found is not None
    assert found.version == since


def test_a_renaming_and_branches_of_a_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    first = repository_commits(repository)
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(git=repository.directory)
    found = db.history("new", "auc")
    assert [(row["notebook"][5:], row["auc"], row["changed"]) for row in found] == [
        ("old.ipynb", 0.8, []), ("old.ipynb", 0.82, ["auc"]), ("new.ipynb", 0.82, []), ("new.ipynb", 0.7, ["auc"]),
    ]  # fmt: skip
    commits = repository.git("log", "--first-parent", "--reverse", "--format=%H", "main").decode().split()
    assert [row["commit"] for row in found] == commits
    assert [row["auc"] for row in db.history("old", "auc", branches=True)] == [0.8, 0.9, 0.82]
    assert db.history("old").other_branches == 1
    assert [row["commit"] for row in db.history("new", "auc", changes=True)] == [commits[1], commits[3]]
    assert db.notebook(f"old@{commits[0][:7]}").scraps["auc"].data == first
    lines = db.diff("new@previous", f"new@{commits[3]}").differences.lines
    assert [(line.name, line.entries[0].value, line.entries[1].value) for line in lines] == [("auc", 0.82, 0.7)]


def repository_commits(repository: Repository) -> float:
    """Commit to main, to a branch beside it, and to main under another name; give what was glued first."""
    values = {1: 0.8, 2: 0.9, 3: 0.82, 5: 0.7}
    days = {day: f"2026-11-{day:02}T12:00:00+00:00" for day in range(1, 6)}
    repository.commit({"old.ipynb": gluing(auc=values[1])}, at=days[1])
    repository.branch("side")
    repository.switch("side")
    repository.commit({"old.ipynb": gluing(auc=values[2])}, at=days[2])
    repository.switch("main")
    repository.commit({"old.ipynb": gluing(auc=values[3])}, at=days[3])
    repository.move("old.ipynb", "new.ipynb")
    repository.commit({"new.ipynb": gluing(auc=values[5])}, at=days[5])
    return values[1]
