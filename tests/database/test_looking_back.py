"""A store that looks back: against plain loops over what was glued each night, before it was overwritten."""

from __future__ import annotations

import base64
import io
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.indexing.loop import index
from scrapdb.query.remarks import remark
from scrapdb.store.versions import Retention
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Values = dict[str, Any]
# What was glued and given each night: a name that changes its type, one that goes, a notebook that goes and comes back.
_NIGHTS: tuple[dict[str, Values], ...] = (
    {"AAA": {"distance": 0.5, "old": "x", "n": 1}, "BCD": {"distance": 0.05, "n": 1}},
    {"AAA": {"distance": 0.07, "n": 2}, "BCD": {"distance": "n/a", "n": 2}},
    {"AAA": {"distance": 0.3, "n": 3}},
    {"AAA": {"distance": 0.02, "n": 4}, "BCD": {"distance": 0.4, "l": {"a": [1, None]}, "n": 4}},
)


def moment(night: int, seconds: float = 0) -> str:
    return (_BEGIN + timedelta(days=night, seconds=seconds)).isoformat(timespec="microseconds")


def parquet(night: int) -> tuple[pd.DataFrame, str]:
    frame = pd.DataFrame({"price": [night + 0.5, night + 1.5], "version": ["a", "b"]})
    file = io.BytesIO()
    frame.to_parquet(file)
    return frame, base64.b64encode(file.getvalue()).decode()


def saved(night: int, values: Values) -> dict[str, Any]:
    outputs = [scrap(name, value) for name, value in values.items() if name != "n"]
    outputs += [display("chart", {"image/png": PNG})] if night % 2 == 0 else []
    outputs += [scrap("prices", parquet(night)[1], "pandas")] if "l" not in values else []
    return notebook(code("glue()", *outputs), papermill={"parameters": {"n": values["n"]}})


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Database:
    directory = tmp_path_factory.mktemp("nights")
    for night, notebooks in enumerate(_NIGHTS):
        for path in directory.glob("*.ipynb"):
            if path.stem not in notebooks:
                path.unlink()
        for name, values in notebooks.items():
            at = int((_BEGIN + timedelta(days=night)).timestamp())
            write(directory / f"{name}.ipynb", saved(night, values), at)
        index(directory / "scraps.db", [str(directory)], keep=Retention(), workers=1)
        if night == 2:
            _removed(directory / "scraps.db", night)
    return Database(directory / "scraps.db")


def _removed(store: Path, night: int) -> None:
    """Have it be then that an index found a notebook removed."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(store)) as connection, connection:
        ended = connection.execute("UPDATE versions SET until = ? WHERE until > '2026-02'", (at_store(night),))
        assert ended.rowcount == 1


def at_store(night: int) -> str:
    return (_BEGIN + timedelta(days=night)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def expected(night: int, *names: str) -> list[tuple[Any, ...]]:
    notebooks = _NIGHTS[night]
    return [(f"{path}.ipynb", *(notebooks[path].get(name) for name in names)) for path in sorted(notebooks)]


def every(*names: str) -> list[tuple[Any, ...]]:
    """The values of all versions, by path and then in their order."""
    found = []
    for path in ("AAA", "BCD"):
        versions = [(night, notebooks[path]) for night, notebooks in enumerate(_NIGHTS) if path in notebooks]
        found += [
            (f"{path}.ipynb", number, *(values.get(name) for name in names))
            for number, (_, values) in enumerate(versions, 1)
        ]
    return found


def rows(table: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table.rows()]


_SHOWN = ("distance", "old", "n", "l")


@pytest.mark.parametrize("night", range(len(_NIGHTS)))
def test_values_as_of_a_moment(db: Database, night: int) -> None:
    columns = ["notebook", *_SHOWN]
    for then in (moment(night), moment(night, 86_399.999999), (_BEGIN + timedelta(days=night, hours=3))):
        assert rows(db.query(columns=columns, as_of=then)) == expected(night, *_SHOWN)
        assert rows(db.at(then).query(columns=columns)) == expected(night, *_SHOWN)
    assert db.at(moment(night)).count() == len(_NIGHTS[night])


def test_before_the_first_version_there_was_nothing(db: Database) -> None:
    before = db.at(moment(0, -0.000001))
    assert rows(before.query()) == []
    assert before.count("distance < 1") == 0
    told = remark(db.path, past=before.past)
    assert told == f"No notebook was known then: the first version is of {at_store(0)}."
    assert remark(db.path, past=db.at(moment(0)).past) is None


def test_all_versions(db: Database) -> None:
    columns = ["notebook", "nb.version", *_SHOWN]
    assert rows(db.versions().query(columns=columns)) == every(*_SHOWN)
    assert rows(db.query(columns=columns, versions=True, limit=2, offset=1)) == every(*_SHOWN)[1:3]
    close = [row for row in every("distance") if isinstance(row[2], float) and row[2] < 0.1]
    assert rows(db.versions().query("distance < 0.1", columns="notebook, nb.version, distance")) == close
    assert db.versions().count("distance < 0.1") == len(close)
    largest = sorted((row for row in every("n")), key=lambda row: (-row[2], row[0]))
    assert rows(db.versions().query(columns="notebook, nb.version, n", sort="-n")) == largest


def test_what_tells_versions_apart_is_shown(db: Database) -> None:
    found = db.versions().query("distance > 0.1")
    assert found.columns == ("notebook", "nb.version", "nb.since", "distance", "n")
    assert rows(found)[0] == ("AAA.ipynb", 1, at_store(0), 0.5, 1)
    assert db.at(moment(1)).query("distance > 0").columns == ("notebook", "distance")
    attributes = {"nb.version", "nb.since", "nb.until", "nb.commit", "nb.branch", "nb.authored_at"}
    assert attributes <= set(db.versions().query(columns="*").columns)
    for other in (db, db.at(moment(1))):
        assert attributes.isdisjoint(other.query(columns="*").columns)
    assert "l" not in db.at(moment(1)).query(columns="*").columns
    assert "old" in db.at(moment(0)).query(columns="*").columns


def test_attributes_of_versions(db: Database) -> None:
    columns = "notebook, nb.version, nb.since, nb.until, nb.commit"
    now = [("AAA.ipynb", 4, at_store(3), None, None), ("BCD.ipynb", 3, at_store(3), None, None)]
    assert rows(db.query(columns=columns)) == now
    assert rows(db.query("nb.version > 3", columns=columns)) == now[:1]
    assert (db.count("nb.version = 3"), db.count("nb.version != 3"), db.count("nb.until is null")) == (1, 1, 2)
    then = [("AAA.ipynb", 2, at_store(1), at_store(2), None), ("BCD.ipynb", 2, at_store(1), at_store(2), None)]
    assert rows(db.at(moment(1)).query(columns=columns)) == then
    assert db.versions().count(f"nb.since >= '{moment(1)}' and nb.until < '{moment(3)}'") == 2
    assert rows(db.versions().query(by="nb.version", columns="nb.version, count() as n", sort="nb.version")) == [
        *((1, 2), (2, 2), (3, 2), (4, 1))
    ]


def test_without_versions_their_attributes_are_missing(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", saved(0, {"distance": 1, "n": 1}))
    index(tmp_path / "scraps.db", [str(tmp_path)], workers=1)
    db = Database(tmp_path / "scraps.db")
    assert rows(db.query("nb.version is null", columns="nb.path, nb.version, nb.since")) == [("a.ipynb", None, None)]
    for ask in (db.versions().query, db.at("2026-01-01").count, db.versions().notebook):
        with pytest.raises(StoreError, match="keeps no versions of its notebooks: `scrapdb index PATH --keep`"):
            ask("a")


def test_groups_of_versions(db: Database) -> None:
    numbers = {path: [values[path]["distance"] for values in _NIGHTS if path in values] for path in ("AAA", "BCD")}
    found = rows(
        db.versions().query(by="notebook", columns="min(distance), max(distance), first(distance), last(distance)")
    )
    for path, least, largest, first, last in found:
        values = numbers[path.removesuffix(".ipynb")]
        floats = [value for value in values if isinstance(value, float)]
        assert (least, largest, first, last) == (min(floats), max(floats), values[0], values[-1])
    assert len(found) == len(numbers)
    mixed = rows(db.versions().query(by="distance", columns="distance, count()"))
    assert sorted(mixed, key=str) == sorted(((row[2], 1) for row in every("distance")), key=str)
    assert rows(db.versions().query(columns="count(), last(n)")) == [(len(every()), 4)]
    assert rows(db.at(moment(1)).query(by="n", columns="n, count()", having="count() > 1")) == [(2, 2)]
    told = remark(db.path, past=db.versions().past, columns="min(distance)", by="notebook")
    assert told == "1 version has a value for `distance` that `min` cannot take beside numbers, and passes over."


def test_the_same_question_is_answered_of_each_time(db: Database) -> None:
    for _ in range(2):  # the second time plans are remembered
        assert rows(db.query("distance < 0.1", columns="notebook")) == [("AAA.ipynb",)]
        assert rows(db.at(moment(0)).query("distance < 0.1", columns="notebook")) == [("BCD.ipynb",)]
        assert rows(db.at(moment(2)).query("distance < 0.1", columns="notebook")) == []
        assert len(rows(db.versions().query("distance < 0.1", columns="notebook"))) == 3


def test_conditions_on_what_is_gone_or_was_of_another_type(db: Database) -> None:
    with pytest.raises(ExpressionError, match="`old`"):
        db.query("old = 'x'")
    assert db.versions().count("old = 'x'") == db.at(moment(0)).count("old = 'x'") == 1
    assert db.at(moment(2)).count("old = 'x'") == 0
    assert db.versions().count("distance like 'n%'") == 1
    assert db.versions().count("old is null") == len(every()) - 1
    assert db.versions().count("l.a[0] = 1 and length(l.a) = 2") == 1


def test_frames_of_versions(db: Database) -> None:
    parts, numbers = [], dict[str, int]()
    for night, notebooks in enumerate(_NIGHTS):
        for path in notebooks:
            numbers[path] = numbers.get(path, 0) + 1
            if "l" not in notebooks[path]:
                frame = parquet(night)[0]
                frame.insert(0, "version_", numbers[path])
                frame.insert(0, "notebook", f"{path}.ipynb")
                parts.append(frame)
    wanted = pd.concat(parts).sort_values(["notebook", "version_", "price"]).reset_index(drop=True)
    found = db.versions().frame("prices")
    assert found.to_dict("records") == wanted.to_dict("records")
    some = db.versions().frame("prices", where="nb.version = 2", columns="price")
    assert some.to_dict("records") == [
        {"notebook": path, "version": 2, "price": price} for path in ("AAA.ipynb", "BCD.ipynb") for price in (1.5, 2.5)
    ]
    then = db.at(moment(2)).frame("prices")
    assert list(then.columns) == ["notebook", "price", "version"]
    assert set(then["notebook"]) == {"AAA.ipynb"}
    assert rows(db.versions().query("max(prices.price) > 4", columns="notebook, nb.version")) == [("AAA.ipynb", 4)]
    assert rows(db.versions().query(columns="nb.version, max(prices.price)"))[:2] == [(1, 1.5), (2, 2.5)]


def test_a_notebook_as_it_was(db: Database) -> None:
    for night in (0, 1):
        found = db.at(moment(night)).notebook("BCD")
        assert found.scraps["distance"].data == _NIGHTS[night]["BCD"]["distance"]
        assert found.parameters["n"] == night + 1
        assert found.scraps["prices"].data.equals(parquet(night)[0])
        assert ("chart" in found.scraps) == (night == 0)
    assert db.at(moment(0)).notebook("AAA").scraps["chart"].display == {"image/png": base64.b64decode(PNG)}
    with pytest.raises(NotebookNotFoundError):
        db.at(moment(2)).notebook("BCD")


def test_check_plot_and_fields_look_back(db: Database) -> None:
    assert not db.versions().check("distance < 0.5").holds
    assert db.at(moment(3)).check("distance < 0.5").holds
    assert db.versions().check("distance < 0.5").failed == 2
    plot = db.versions().plot("nb.path like 'A%'")
    assert plot.points.labels == ("nb.since", "n")
    assert [row[2] for row in plot.points.rows] == [1, 2, 3, 4]
    told = {(row["name"], row["role"]): row for row in db.versions().fields()}
    assert (told["distance", "scrap"]["min"], told["distance", "scrap"]["max"]) == (0.02, 0.5)
    assert told["n", "parameter"]["notebooks"] == len(every())
    assert ("old", "scrap") not in {(row["name"], row["role"]) for row in db.fields()}
    assert "old" in {row["name"] for row in db.at(moment(0)).fields()}


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        ("2026-01-02", moment(1)),
        (date(2026, 1, 2), moment(1)),
        (datetime(2026, 1, 2), moment(1)),  # noqa: DTZ001 (as people write it)
        ("2026-01-02T05:30+05:30", moment(1)),
        (datetime.fromisoformat("2026-01-01T23:00-01:00"), moment(1)),
    ],
)
def test_moments(db: Database, wanted: str | date, same: str) -> None:
    assert db.at(wanted).past == db.at(same).past


def test_moments_of_the_language(db: Database) -> None:
    past = db.at("now() - days(7)").past
    week_ago = datetime.now(UTC) - timedelta(days=7)
    assert past is not None
    assert abs(datetime.fromisoformat(past.moment or "") - week_ago) < timedelta(seconds=60)


@pytest.mark.parametrize("wrong", ["", "2026-13-01", "yesterday", "days(7)", "distance", "now() -", "1, 2", "*"])
def test_what_is_no_moment(db: Database, wrong: str) -> None:
    with pytest.raises(UsageError, match="is no moment: write 2026-11-01"):
        db.at(wrong)


def test_one_looks_back_at_one_thing(db: Database) -> None:
    with pytest.raises(UsageError, match="Look back at one moment, or at all versions"):
        db.query(as_of="2026-01-01", versions=True)
    assert repr(db.at("2026-01-02")).endswith(f".at('{at_store(1)}')")
    assert repr(db.versions()).endswith(".versions()")


def test_what_cannot_look_back_says_so(db: Database, tmp_path: Path) -> None:
    then = db.at("2026-01-02")
    for ask in (
        lambda: then.index(tmp_path),
        lambda: then.diff("AAA", "BCD"),
        lambda: then.duckdb("select 1"),
        lambda: then.report("r"),
        then.optimize,
        then.gc,
    ):
        with pytest.raises(UsageError, match=r"\.at\('2026-01-02T.*'\) looks back, which only questions can"):
            ask()
