"""`scrapdb serve`, run as users run it."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.datasette.glued import ROWS
from tests.datasette.glued import page
from tests.datasette.server import free_port
from tests.datasette.server import get
from tests.datasette.server import served
from tests.datasette.server import started


@pytest.fixture
def own(store: Path, tmp_path: Path) -> Path:
    """A copy of the example's store that a test may change."""
    return Path(shutil.copytree(store.parent, tmp_path / "own"), store.name)


def serve(store: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrapdb", "--db", str(store), "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("options", [[], ["--immutable"]])
def test_a_store_is_served_with_settings_for_large_ones(own: Path, options: list[str]) -> None:
    with served("scrapdb", "--db", own, "serve", *options) as address:
        assert get(f"{address}/scraps/runs")[0] == 200
        settings = json.loads(get(f"{address}/-/settings.json")[2])
        databases = json.loads(get(f"{address}/-/databases.json")[2])
    assert (settings["suggest_facets"], settings["max_returned_rows"]) == (False, 1000)
    found = databases if isinstance(databases, list) else databases["databases"]
    assert [database["is_mutable"] for database in found if database["name"] == "scraps"] == [not options]


def test_ctrl_c_ends_it_quietly(own: Path) -> None:
    with started("scrapdb", "--db", own, "serve") as (_, server):
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=30)
    assert server.returncode in {0, 130}
    assert b"Traceback" not in said


def test_a_taken_port_is_one_sentence(own: Path) -> None:
    with served("scrapdb", "--db", own, "serve") as address:
        port = address.rpartition(":")[2]
        ran = serve(own, "--port", port)
    assert (ran.returncode, ran.stderr) == (1, f"Error: Port {port} of 127.0.0.1 is taken; name another with --port.\n")


def test_a_store_in_use_is_not_served_as_immutable(own: Path) -> None:
    with closing(sqlite3.connect(own, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notebooks").fetchone()
        with closing(sqlite3.connect(own)) as writer, writer:
            writer.execute("UPDATE notebooks SET kernel = 'other'")
        ran = serve(own, "--immutable", "--port", str(free_port()))
    assert ran.returncode == 1
    assert "is in use" in ran.stderr


def test_a_directory_is_written_whole_and_can_be_served(own: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    assert serve(own, "--export", target).returncode == 0
    assert sorted(path.name for path in target.iterdir()) == [
        "README.md", "datasette.yaml", "metadata.yaml", "requirements.txt", "scraps.db", "settings.json",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", "site"]
    with closing(sqlite3.connect(target / "scraps.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM notebooks").fetchone() == (12,)
    with served("datasette", target) as address:
        assert get(f"{address}/scraps/runs")[0] == 200
        assert json.loads(get(f"{address}/-/settings.json")[2])["default_page_size"] == 50


def test_the_frames_of_a_written_directory_can_be_read(glued: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    assert serve(Path(shutil.copytree(glued.parent, tmp_path / "own"), glued.name), "--export", target).returncode == 0
    shutil.rmtree(tmp_path / "own")
    assert list((target / "scraps.db-frames").iterdir())
    with served("datasette", target) as address:
        status, _, text = get(f"{address}{page('frame', path='run0.ipynb', name='prices', _offset=ROWS - 5)}")
    assert status == 200
    assert f"{ROWS:,} rows" in text
    assert "2026-01-14 21:19:00" in text  # the last of 20,000 minutes


def test_a_directory_that_is_not_empty_is_left_alone(own: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine").touch()
    ran = serve(own, "--export", tmp_path / "site")
    assert ran.returncode == 2
    assert "is not empty" in ran.stderr
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine"]
