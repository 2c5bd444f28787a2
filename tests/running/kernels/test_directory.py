"""What a run finds in its directory as its own, and what is kept of it. Without kernels."""

from __future__ import annotations

from pathlib import Path

from scrapdb.running.kernels import directory


def test_files_are_placed_below_the_directory(tmp_path: Path) -> None:
    directory.place(tmp_path, {"a.txt": b"a", "b/c/d.txt": b"d", "b/e.txt": b""}, None)
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"a.txt": b"a", "b/c/d.txt": b"d", "b/e.txt": b""}


def test_a_link_in_the_place_of_a_file_that_is_wanted_is_told(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "output.json").symlink_to("/etc/passwd")
    (run / "other.json").symlink_to("/etc/passwd")
    (run / "static").symlink_to("/etc")
    kept, warnings = directory.keep(str(run), ["output.json", "static", "*.json"], tmp_path / "kept")
    assert kept == ()
    assert sorted(warnings) == [
        "output.json is a link or a device, and is not kept.",
        "static is a link or a device, and is not kept.",
    ]
    assert not (tmp_path / "kept").exists()
