from __future__ import annotations

import io
import json
import os
import shutil
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import opening

FILES = {
    "config.json": json.dumps({"title": "Voltage", "parameters": {"site": {}}}).encode(),
    "report.ipynb": b"{}",
    "template.html": b"<p>{{ site }}</p>",
    "static/logo.svg": b"<svg/>",
    "languages/ca/LC_MESSAGES/messages.mo": b"\xde\x12\x04\x95",
}


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def with_entry(entry: zipfile.ZipInfo | str, content: bytes = b"x", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO(zipped(FILES))
    with zipfile.ZipFile(made, "a", method) as archive:
        archive.writestr(entry, content)
    return made.getvalue()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    top = tmp_path / "voltage"
    for name, content in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def test_a_directory_a_zip_and_a_url_are_the_same_bundle(directory: Path, tmp_path: Path) -> None:
    at_top = Path(shutil.make_archive(str(tmp_path / "at_top"), "zip", directory))
    within = Path(shutil.make_archive(str(tmp_path / "within"), "zip", tmp_path, "voltage"))
    one = opening.opened(str(directory))
    assert one.files == dict(sorted(FILES.items()))
    assert one.name == "voltage"
    assert one.config.title == "Voltage"
    for other in (str(at_top), str(within), at_top.as_uri()):
        bundle = opening.opened(other)
        assert (bundle.files, bundle.hash) == (one.files, one.hash)
        assert bundle.where == other
    again = opening.unpacked(opening.packed(one), "there", "voltage")
    assert (again.files, again.hash) == (one.files, one.hash)
    assert opening.packed(again) == opening.packed(one)


def test_the_hash_is_that_of_names_and_contents(directory: Path) -> None:
    before = opening.opened(str(directory)).hash
    (directory / "template.html").touch()
    assert opening.opened(str(directory)).hash == before
    (directory / "static/logo.svg").rename(directory / "static/other.svg")
    renamed = opening.opened(str(directory)).hash
    (directory / "template.html").write_bytes(b"<p></p>")
    assert len({before, renamed, opening.opened(str(directory)).hash}) == 3


def test_what_tools_leave_is_none_of_a_bundle(directory: Path) -> None:
    for name in (".git/config", "__pycache__/x.pyc", ".ipynb_checkpoints/report.ipynb", "report.files/a.png", ".env"):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(b"x")
    assert opening.opened(str(directory)).files.keys() == FILES.keys()
    content = zipped({**FILES, "__MACOSX/._config.json": b"x", ".DS_Store": b"x"})
    assert opening.unpacked(content, "a.zip", "a").files.keys() == FILES.keys()


def test_a_bundle_in_a_bucket(bucket: str, directory: Path, tmp_path: Path) -> None:
    import fsspec

    with fsspec.open(f"{bucket}/voltage.zip", "wb") as file:
        file.write(zipped(FILES))
    bundle = opening.opened(f"{bucket}/voltage.zip")
    assert bundle.hash == opening.opened(str(directory)).hash
    assert bundle.name == "voltage"
    with pytest.raises(UsageError, match="There is nothing at"):
        opening.opened(f"{bucket}/other.zip")
