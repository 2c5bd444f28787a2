from __future__ import annotations

import io
import json
import os
import shutil
import socket
import stat
import threading
import tracemalloc
import zipfile
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from http.server import SimpleHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import opening
from tests.objects import Bucket

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


def test_a_bundle_in_a_bucket(bucket: Bucket, directory: Path) -> None:
    bucket.put("voltage.zip", zipped(FILES))
    bundle = opening.opened(f"{bucket.url}/voltage.zip")
    assert bundle.hash == opening.opened(str(directory)).hash
    assert bundle.name == "voltage"
    with pytest.raises(UsageError, match="There is nothing at"):
        opening.opened(f"{bucket.url}/other.zip")


def test_a_bundle_at_a_server(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({**FILES, "static/noise": os.urandom(12 << 20)}))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bundle = opening.opened(f"http://127.0.0.1:{server.server_port}/a.zip?version=2")
        server.shutdown()
    assert bundle.name == "a"
    assert len(bundle.files["static/noise"]) == 12 << 20


def test_a_server_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 16))

    monkeypatch.setattr(opening, "MOST_BYTES", 1 << 20)
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(BundleError, match="more than 1 MB"):
            opening.opened(f"http://127.0.0.1:{server.server_port}/a.zip")
        server.shutdown()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "leads out"),
        ("static/../../evil", "leads out"),
        ("/etc/passwd", "absolute"),
        ("//server/share", "absolute"),
        ("C:/evil", "absolute"),
        ("c:evil", "absolute"),
        ("static\\evil", "backslash"),
        ("..\\evil", "backslash"),
        ("static/e\nvil", "nobody sees"),
        ("static/./x", "empty parts"),
        ("static//x", "empty parts"),
        ("../", "leads out"),
        ("/", "empty parts"),
        ("x" * 300, "240 characters"),
        ("x/" * 30_000, "240 characters"),
        ("Template.html", "many systems take for one"),
        ("STATIC/other.svg", "many systems take for one"),
        ("template.html/x", "twice"),
        ("static", "twice"),
        (".git/../../evil", "leads out"),
    ],
)
def test_names_that_lead_elsewhere(name: str, reason: str) -> None:
    with pytest.raises(BundleError, match=reason) as raised:
        opening.unpacked(with_entry(name), "a.zip", "a")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_a_name_with_an_end_within() -> None:
    content = with_entry("static/xxx").replace(b"static/xxx", b"static/x\0x")
    with pytest.raises(BundleError, match="nobody sees"):
        opening.unpacked(content, "a.zip", "a")


def test_names_that_are_one_with_other_accents() -> None:
    with pytest.raises(BundleError, match="many systems take for one"):
        opening.unpacked(zipped({**FILES, "static/\u00e9": b"1", "static/e\u0301": b"2"}), "a.zip", "a")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice() -> None:
    with pytest.raises(BundleError, match=r"holds template.html twice"):
        opening.unpacked(with_entry("template.html"), "a.zip", "a")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip(kind: int) -> None:
    entry = zipfile.ZipInfo("static/passwd")
    entry.external_attr = (kind | 0o777) << 16
    with pytest.raises(BundleError, match="static/passwd, which is a link or a device"):
        opening.unpacked(with_entry(entry, b"/etc/passwd"), "a.zip", "a")


def test_an_encrypted_zip() -> None:
    content = bytearray(with_entry("static/x"))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BundleError, match="static/x encrypted"):
        opening.unpacked(bytes(content), "a.zip", "a")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compressions_without_bound(method: int) -> None:
    with pytest.raises(BundleError, match="otherwise than by deflate"):
        opening.unpacked(with_entry("static/x", bytes(10_000), method), "a.zip", "a")


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no zip", zipped(FILES)[:-40], zipped(FILES)[40:], b"PK\5\6" + bytes(18)]
)
def test_what_is_no_zip(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"a.zip"):
        opening.unpacked(content, "a.zip", "a")


def test_a_damaged_file_in_a_zip() -> None:
    content = bytearray(zipped(FILES))
    content[content.index(b"template.html") + len("template.html") + 3] ^= 0xFF
    with pytest.raises(BundleError, match="cannot be unpacked"):
        opening.unpacked(bytes(content), "a.zip", "a")


def test_a_bomb_is_counted_while_it_is_unpacked() -> None:
    content = with_entry("static/bomb", bytes(200 << 20))
    lying = content.replace((200 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != content
    for bomb in (content, lying):
        tracemalloc.start()
        with pytest.raises(BundleError, match=r"static/bomb has more than 16 MB|cannot be unpacked"):
            opening.unpacked(bomb, "a.zip", "a")
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
        tracemalloc.stop()


def test_a_bomb_of_many_files() -> None:
    files = {f"static/{number}": bytes(15 << 20) for number in range(5)}
    with pytest.raises(BundleError, match="beyond the 64 MB that a bundle may have"):
        opening.unpacked(zipped({**FILES, **files}), "a.zip", "a")


def test_too_many_files(directory: Path) -> None:
    many = {f"static/{number}": b"" for number in range(1_001)}
    with pytest.raises(BundleError, match="more than 1,000 files"):
        opening.unpacked(zipped({**FILES, **many}), "a.zip", "a")
    hidden = {f".{number}": b"" for number in range(10_001)}
    with pytest.raises(BundleError, match="more than 1,000 files"):
        opening.unpacked(zipped({**FILES, **hidden}), "a.zip", "a")
    for name in many:
        (directory / name).touch()
    with pytest.raises(BundleError, match="more than 1,000 files"):
        opening.opened(str(directory))


def test_directories_without_end(directory: Path) -> None:
    for number in range(110):
        for inner in range(100):
            (directory / f"static/{number}/{inner}").mkdir(parents=True)
    with pytest.raises(BundleError, match="more than 1,000 files"):
        opening.opened(str(directory))


def test_what_is_too_large_in_a_directory(directory: Path) -> None:
    with (directory / "static/sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match="voltage/static/sparse has more than 16 MB"):
        opening.opened(str(directory))


def test_links_in_a_directory(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    within, out = directory / "static/within.svg", directory / "static/out"
    within.symlink_to("logo.svg")
    assert opening.opened(str(directory)).files["static/within.svg"] == b"<svg/>"
    for target in (tmp_path / "secret", "/etc/passwd", "../../secret", "nothing", tmp_path, "."):
        out.unlink(missing_ok=True)
        out.symlink_to(target)
        with pytest.raises(
            BundleError, match=r"voltage/static/out (is a link that leads out|is no file|cannot be read)"
        ):
            opening.opened(str(directory))
    out.unlink()
    out.symlink_to("out")
    with pytest.raises(BundleError, match="static/out"):
        opening.opened(str(directory))
    out.unlink()
    os.link(tmp_path / "secret", out)
    with pytest.raises(BundleError, match=r"static/out is a hard link .* Copy it"):
        opening.opened(str(directory))
    out.unlink()
    os.link(directory / "static/logo.svg", out)
    assert opening.opened(str(directory)).files["static/out"] == b"<svg/>"


def test_a_directory_that_is_a_link_is_a_bundle(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    assert opening.opened(str(tmp_path / "link")).hash == opening.opened(str(directory)).hash


def test_pipes_and_devices_in_a_directory(directory: Path, tmp_path: Path) -> None:
    os.mkfifo(directory / "static/pipe")
    with pytest.raises(BundleError, match="voltage/static/pipe is no file"):
        opening.opened(str(directory))
    os.mkfifo(tmp_path / "pipe.zip")
    for where in (str(tmp_path / "pipe.zip"), "/dev/zero"):
        with pytest.raises(BundleError, match="is no file"):
            opening.opened(where)
    (directory / "static/pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / "static/socket"))
        with pytest.raises(BundleError, match="voltage/static/socket is no file"):
            opening.opened(str(directory))


def test_names_in_a_directory(directory: Path) -> None:
    (directory / "static/a\nb").touch()
    with pytest.raises(BundleError, match=r"static/a\\nb'"):
        opening.opened(str(directory))
    (directory / "static/a\nb").rename(directory / "static/LOGO.svg")
    with pytest.raises(BundleError, match=r"LOGO.svg and static/logo.svg, which many systems take for one"):
        opening.opened(str(directory))
    (directory / "static/LOGO.svg").rename(directory / os.fsdecode(b"static/\xff"))
    with pytest.raises(BundleError, match="nobody sees"):
        opening.opened(str(directory))


def test_what_is_missing(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BundleError, match=r"There is no bundle at .*nowhere. `scrapdb report new .*nowhere` begins one"
    ):
        opening.opened(str(tmp_path / "nowhere"))
    (directory / "report.ipynb").unlink()
    assert opening.opened(str(directory)).config.title == "Voltage"
    (directory / "template.html").unlink()
    with pytest.raises(BundleError, match=r"has no template.html nor report.ipynb"):
        opening.opened(str(directory))
    (directory / "config.json").write_text('{"titel": "x"}')
    (directory / "template.html").touch()
    with pytest.raises(BundleError, match=r"voltage: config.json: titel is not known; did you mean title\?"):
        opening.opened(str(directory))
    (directory / "config.json").unlink()
    with pytest.raises(BundleError, match=r"has no config.json"):
        opening.opened(str(directory))
