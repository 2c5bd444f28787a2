from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from scrapdb.errors import BundleError
from scrapdb.reporting.bundles import environments
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import Bundle

WHEEL = "wheels/greeting-1.0-py3-none-any.whl"


def wheel(name: str = "greeting", source: str = "WORD = 'hello'\n") -> bytes:
    """Make a wheel by hand: https://packaging.python.org/en/latest/specifications/binary-distribution-format/"""
    about = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": source,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for path, text in files.items()
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(path), text)  # of no time, so that the same is the same
    return made.getvalue()


def bundle(requirements: str | None, **more: bytes) -> Bundle:
    files = {"config.json": json.dumps({"title": "T"}).encode(), "template.html": b"", WHEEL: wheel(), **more}
    if requirements is not None:
        files["requirements.txt"] = requirements.encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return opening.unpacked(made.getvalue(), "my bundles/a.zip", "a")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "scrapdb" / "environments"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ipykernel come from a wheel beside us: what is tested is how it gets there."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")


OFFLINE = f"--find-links wheels\n./{WHEEL}\n"
KERNEL = {"wheels/ipykernel-1.0-py3-none-any.whl": wheel("ipykernel", "")}


def test_a_bundle_without_requirements_needs_none(cache: Path) -> None:
    for nothing in (None, "", "# nothing\n\n"):
        assert environments.python(bundle(nothing)) is None
    with pytest.raises(BundleError, match=r"asks for no packages"):
        environments.build(bundle(None))
    assert not cache.exists()


@pytest.mark.usefixtures("quick")
def test_it_is_made_once_and_asked_for_by_its_command(cache: Path) -> None:
    asked = bundle(OFFLINE, **KERNEL)
    with pytest.raises(BundleError, match=r"`scrapdb report build-env 'my bundles/a.zip'` does that once"):
        environments.python(asked)
    assert not cache.exists()
    made = environments.build(asked)
    assert made.is_new
    assert made.directory.parent == cache
    python = environments.python(asked)
    assert python == str(made.directory / "bin/python")
    said = subprocess.check_output([python, "-c", "import greeting, ipykernel; print(greeting.WORD)"], text=True)
    assert said == "hello\n"
    assert not environments.build(asked).is_new
    assert environments.build(asked, again=True).is_new


@pytest.mark.usefixtures("quick")
def test_other_requirements_are_another_environment() -> None:
    places = {
        environments.place(each)
        for each in (
            bundle(OFFLINE, **KERNEL),
            bundle(f"{OFFLINE}# changed\n", **KERNEL),
            bundle(OFFLINE, **KERNEL, **{WHEEL: wheel(source="WORD = 'bye'\n")}),
        )
    }
    assert len(places) == 3
    assert environments.place(bundle(OFFLINE, **KERNEL, **{"static/x": b""})) in places


@pytest.mark.usefixtures("quick")
def test_half_an_environment_is_never_used(cache: Path) -> None:
    asked = bundle(f"{OFFLINE}no-such-package==1\n", **KERNEL)
    with pytest.raises(BundleError, match=r"The environment of a cannot be made by (?s:.*)no-such-package"):
        environments.build(asked)
    assert [path.name for path in cache.iterdir()] == [f"{environments.place(asked).name}.lock"]
    asked = bundle(OFFLINE, **KERNEL)
    half = environments.place(asked)
    (half / "bin").mkdir(parents=True)
    (half / "bin/python").symlink_to(sys.executable)
    with pytest.raises(BundleError, match="does that once"):
        environments.python(asked)
    assert environments.build(asked).is_new
    (half / "bin/python").unlink()
    with pytest.raises(BundleError, match="does that once"):
        environments.python(asked)


@pytest.mark.usefixtures("quick")
def test_who_is_killed_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    asked = bundle(OFFLINE, **KERNEL)
    (tmp_path / "a.zip").write_bytes(opening.packed(asked))
    command = [sys.executable, "-m", "scrapdb", "report", "build-env", str(tmp_path / "a.zip")]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (environments.place(asked) / "pyvenv.cfg").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert environments.place(asked).exists()
    with pytest.raises(BundleError, match="does that once"):
        environments.python(asked)
    assert environments.build(asked).is_new


@pytest.mark.usefixtures("quick")
def test_one_process_makes_it_and_others_wait(cache: Path, tmp_path: Path) -> None:
    asked = bundle(OFFLINE, **KERNEL)
    (tmp_path / "a.zip").write_bytes(opening.packed(asked))
    cache.mkdir(parents=True)
    with (cache / f"{environments.place(asked).name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "scrapdb", "report", "build-env", str(tmp_path / "a.zip")]
        both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        time.sleep(2)
        assert [each.poll() for each in both] == [None, None]
    said = sorted(each.communicate()[1].splitlines()[-1].partition(environments.place(asked).name)[0] for each in both)
    assert [each.returncode for each in both] == [0, 0]
    assert said[0].startswith("It is there: ")
    assert said[1].startswith("Made by ")


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(BundleError, match=r"requirements.txt:2 wants a package in place"):
        environments.python(bundle("pandas\n -e .\n"))
    with pytest.raises(BundleError, match=r"requirements.txt is not in UTF-8"):
        environments.python(bundle(None, **{"requirements.txt": b"\xff"}))


@pytest.mark.usefixtures("quick")
@pytest.mark.skipif(not shutil.which("uv"), reason="without uv, pip does it")
def test_uv_does_it_if_it_is_there() -> None:
    assert environments.build(bundle(OFFLINE, **KERNEL)).by == "uv"


@pytest.mark.usefixtures("quick")
def test_pip_does_it_where_there_is_no_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert environments.build(bundle(OFFLINE, **KERNEL)).by == "pip"
