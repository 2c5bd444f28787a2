"""Walls tried from inside: what is reached without one, in plain sight of the test, must not be with one."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import pty
import secrets
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from scrapdb.facts import Execution
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.kernels import servers
from scrapdb.running.kernels import walls
from scrapdb.running.kernels.execute import execute
from scrapdb.running.kernels.walls import bubblewrap
from scrapdb.running.task import Confines
from scrapdb.running.task import Limits
from scrapdb.running.task import Task
from tests import nobody

PROBES = Path(__file__).with_name("probes.py")
LIBC = ctypes.CDLL(None, use_errno=True)
HELD = [(wall, fresh) for wall in ("bubblewrap", "landlock") for fresh in (True, False)]
IDS = [f"{wall}-{'fresh' if fresh else 'warm'}" for wall, fresh in HELD]
# What nobody but root reaches without a wall either.
OF_ROOT = {
    *("capabilities", "devices", "system_settings", "another_root", "another_user", "special_files", "mounting"),
    *("unmounting", "mount_namespace", "entering_namespaces", "name_of_the_machine", "log_of_the_system", "keyring"),
}


def has_name() -> bool:
    """Return whether this machine knows its own name, which is not known behind a wall."""
    with suppress(OSError):
        return bool(socket.getaddrinfo(socket.gethostname(), 80))
    return False


# What is reached by no kernel on a machine without it.
OF_MACHINES = {
    "machine": not Path("/dev/vsock").exists(),
    "names_of_hosts": not has_name(),
    "network_cards": len(socket.if_nameindex()) == 1,
    "writing_to_python": not os.access(sys.prefix, os.W_OK),
}


def needs(wall: str) -> None:
    if reason := walls.WALLS[wall].missing():
        pytest.skip(reason)


def run(
    directory: Path,
    cells: list[str],
    wall: str | None,
    *,
    fresh: bool,
    read: tuple[str, ...] = (),
    network: bool = False,
    watch: Callable[[Event], None] = lambda _: None,
    stop: Stop | None = None,
    limits: Limits | None = None,
) -> tuple[Execution, list[str]]:
    """Execute cells, and return the record and what each has printed."""
    spec = {"name": "python3", "display_name": "Python", "language": "python"}
    node = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)], metadata={"kernelspec": spec})
    output = directory / f"{secrets.token_hex(4)}.ipynb"
    task = Task(
        id=secrets.token_hex(8),
        batch="b",
        notebook="source.ipynb",
        content=nbformat.writes(node).encode(),
        output=str(output),
        confines=Confines(wall=wall, read=read, network=network),
        limits=limits or Limits(),
        fresh=fresh,
    )
    execution = execute(task, watch, stop)
    done = nbformat.read(output, 4)
    return execution, [
        "".join(out.get("text", "") + "\n".join(out.get("traceback", [])) for out in cell.outputs)
        for cell in done.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


# The world outside.


def answering(stack: ExitStack, family: int, kind: int, address: Any, token: str) -> socket.socket:
    """Answer with the token whoever says something to a socket."""
    listening = stack.enter_context(socket.socket(family, kind))
    listening.bind(address)
    if kind == socket.SOCK_STREAM:
        listening.listen(50)

    def serve() -> None:
        with suppress(OSError):
            while True:
                if kind == socket.SOCK_STREAM:
                    with listening.accept()[0] as connection, suppress(OSError):
                        connection.settimeout(2)
                        connection.recv(100)
                        connection.send(token.encode())
                else:
                    _, sender = listening.recvfrom(100)
                    if sender:
                        listening.sendto(token.encode(), sender)

    threading.Thread(target=serve, daemon=True).start()
    return listening


def key(token: str) -> str:
    """Put a key into the keyring of this session, if there is one (add_key(2))."""
    LIBC.syscall(248, b"user", token.encode(), token.encode(), len(token), -3)
    return token


@contextmanager
def shared_memory(token: str) -> Iterator[int]:
    segment = LIBC.shmget(0, 4096, 0o1666)
    LIBC.shmat.restype = ctypes.c_void_p
    ctypes.memmove(LIBC.shmat(segment, None, 0), token.encode(), len(token))
    yield segment
    LIBC.shmctl(segment, 0, None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What lies outside, for everybody to see."""
    directory = tmp_path_factory.mktemp("outside")
    nobody.let_in(directory)
    token = f"token-{secrets.token_hex(8)}"
    files = {name: directory / name for name in ("secret", "movable", "store.db")}
    for name in ("secret", "movable"):
        files[name].write_text(token)
    with sqlite3.connect(files["store.db"]) as store:
        store.execute("create table treasure (token)")
        store.execute("insert into treasure values (?)", [token])
    directory.chmod(0o777)
    memory = mmap.mmap(-1, 4096)
    memory.write(token.encode())
    with ExitStack() as stack:
        short = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        short.chmod(0o777)
        tcp = answering(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), token)
        udp = answering(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), token)
        answering(stack, socket.AF_UNIX, socket.SOCK_STREAM, "\0" + token, token)
        answering(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(short / "stream"), token)
        answering(stack, socket.AF_UNIX, socket.SOCK_DGRAM, str(short / "datagrams"), token)
        for path in short.iterdir():
            path.chmod(0o777)
        victim = subprocess.Popen(
            [token, "1000"], executable="/bin/sleep", env={"SECRET": token}, start_new_session=True
        )
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        master, slave = pty.openpty()
        shm = Path("/dev/shm", token)
        shm.write_text(token)
        stack.callback(shm.unlink)
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("SCRAPDB_TESTED", token)
        yield {
            "token": token,
            "host": socket.gethostname(),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "network": str(Path("/proc/self/ns/net").readlink()),
            "abstract": token,
            "socket": str(short / "stream"),
            "datagrams": str(short / "datagrams"),
            "secret": str(files["secret"]),
            "movable": str(files["movable"]),
            "store": str(files["store.db"]),
            "writable": str(directory),
            "home": str(Path.home()),
            "shm": str(shm),
            "terminal": os.ttyname(slave),
            "minor": os.minor(os.fstat(slave).st_rdev),
            "key": key(token),
            "segment": stack.enter_context(shared_memory(token)),
            "victim": victim.pid,
            "runner": os.getpid(),
            "address": ctypes.addressof(ctypes.c_char.from_buffer(memory)),
            "descriptor": tcp.fileno(),
        }
        del master


# Another run.

_HOLDING = """
import json, os, time
from contextlib import suppress
from ipykernel.kernelapp import IPKernelApp
for place in (".", os.environ["HOME"], "/tmp", "/dev/shm"):
    with suppress(OSError), open(os.path.join(place, {name!r}), "w") as file:
        file.write({token!r})
print(json.dumps({{"connection": IPKernelApp.instance().connection_file}}))
while True:
    time.sleep(0.1)
"""


@contextmanager
def another_run(directory: Path, world: dict[str, Any], wall: str, *, fresh: bool) -> Iterator[dict[str, Any]]:
    """Have another run going on, and yield where it is."""
    name = f"treasure-{world['token']}"
    told: list[str] = []
    stop, ready = Stop(), threading.Event()

    def watch(event: Event) -> None:
        if event.kind == "output":
            told.append(event.text)
            ready.set()

    with ThreadPoolExecutor(1) as pool:
        code = _HOLDING.format(name=name, token=world["token"])
        going = pool.submit(run, directory, [code], wall, fresh=fresh, watch=watch, stop=stop, limits=Limits(grace=1))
        try:
            assert ready.wait(60) or going.result()
            connection = Path(json.loads(told[0])["connection"])
            above = connection.parent
            yield {
                "treasure": name,
                "treasures": [str(above / place / name) for place in ("files", "tmp")] + [f"/tmp/{name}"],
                "connection": str(connection),
                "above": str(above),
                "sockets": [str(path) for path in above.glob("s-*")],
                "logs": [str(path) for path in (above / "kernel.log", above.parent / "server.log") if path.exists()],
                "processes": [os.getpid(), *(each.pid for each in psutil.Process().children(recursive=True))],
            }
        finally:
            stop.kill()
            assert going.result()[0].state == "cancelled"
            for place in ("/tmp", "/dev/shm", str(Path.home())):
                Path(place, name).unlink(missing_ok=True)


def tried(
    directory: Path, world: dict[str, Any], wall: str, *, fresh: bool, network: bool = False
) -> dict[str, tuple[bool, str]]:
    """Try all ways out, with another run beside, and return which ones led out, and what was met."""
    with another_run(directory, world, wall, fresh=fresh) as other:
        aim = f"AIM = {world | other!r}"
        cells = [PROBES.read_text(encoding="utf-8"), aim, "print(json.dumps(tried()))"]
        execution, said = run(directory, cells, wall, fresh=fresh, network=network)
    assert execution.state == "completed", (execution, said)
    assert execution.wall == wall
    assert execution.warm is not fresh
    return {name: (got, what) for name, (got, what) in json.loads(said[-1].splitlines()[0]).items()}


@pytest.fixture(scope="module", autouse=True)
def _servers_end() -> Iterator[None]:
    yield
    servers.close()


def test_all_ways_lead_out_where_there_is_no_wall(tmp_path: Path, world: dict[str, Any]) -> None:
    impossible = {name for name, lacking in OF_MACHINES.items() if lacking} | (set() if os.getuid() == 0 else OF_ROOT)
    impossible.add("keyring")  # every kernel has its own; this process, and what it starts otherwise, has the key
    assert LIBC.syscall(250, 10, -3, b"user", world["key"].encode(), 0) > 0
    results = tried(tmp_path, world, "none", fresh=False)
    assert {name: what for name, (got, what) in results.items() if not got and name not in impossible} == {}


@pytest.mark.parametrize(("wall", "fresh"), HELD, ids=IDS)
def test_no_way_leads_out_of_a_wall(tmp_path: Path, world: dict[str, Any], wall: str, fresh: bool) -> None:
    needs(wall)
    results = tried(tmp_path, world, wall, fresh=fresh)
    assert {name: what for name, (got, what) in results.items() if got} == {}


def test_older_landlocks_let_nothing_out_but_signals(
    tmp_path: Path, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("landlock")
    package = pytest.importorskip("landlock")
    monkeypatch.setattr(package, "landlock_abi_version", lambda: 1)
    monkeypatch.setattr(package.plumbing, "landlock_abi_version", lambda: 1)
    results = tried(tmp_path, world, "landlock", fresh=False)
    assert {name for name, (got, _) in results.items() if got} == {
        *("signals", "signals_by_descriptor", "signals_to_runner_and_server"),
    }


def test_older_landlocks_leave_what_can_be_read_whole(
    tmp_path: Path, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncating asks for no right to write there, if a file is opened in a way that nobody uses."""
    needs("landlock")
    package = pytest.importorskip("landlock")
    monkeypatch.setattr(package, "landlock_abi_version", lambda: 2)
    monkeypatch.setattr(package.plumbing, "landlock_abi_version", lambda: 2)
    read = Path(world["movable"])
    read.write_text("whole")
    code = f"import os\nprint(open({str(read)!r}).read())\nos.open({str(read)!r}, os.O_RDONLY | os.O_TRUNC)"
    execution, said = run(tmp_path, [code], "landlock", fresh=False, read=(str(read),))
    assert (execution.state, said[0].startswith("whole"), read.read_text()) == ("failed", True, "whole")
    assert any("signals" in warning for warning in execution.warnings)


@pytest.mark.parametrize(("wall", "fresh"), HELD, ids=IDS)
def test_the_network_brings_in_nothing_else(tmp_path: Path, world: dict[str, Any], wall: str, fresh: bool) -> None:
    """Whoever asks for the network has all of its services, also those of this machine."""
    needs(wall)
    results = tried(tmp_path, world, wall, fresh=fresh, network=True)
    let_in = {"tcp", "udp", "udp_without_connect", "names_of_hosts", "listening_on_a_port", "network_cards"}
    by_path = {"path_socket", "sockets_of_another_run"} if wall == "landlock" else set()
    assert {name for name, (got, _) in results.items() if got} - let_in == by_path
    assert results["tcp"][0]
    assert results["udp"][0]


_FORBIDDEN = """
import sys
from pathlib import Path
from scrapdb.running.kernels import walls
from tests.running.kernels import test_walls
print(walls.WALLS["bubblewrap"].missing())
execution, said = test_walls.run(Path(sys.argv[1]), ["print(6 * 7)"], None, fresh=False)
print(execution.wall, execution.state, *said, *execution.warnings)
"""


def test_landlock_holds_where_namespaces_are_forbidden(tmp_path: Path) -> None:
    needs("landlock")
    needs("bubblewrap")
    forbidding = [bubblewrap.binary(), "--unshare-user", "--disable-userns", "--dev-bind", "/", "/"]
    words = [*forbidding, "--", sys.executable, "-c", _FORBIDDEN, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    why, told = done.stdout.split("\n", 1)
    assert why.startswith(f"this machine does not let {bubblewrap.binary()} make namespaces")
    assert told.startswith("landlock completed 42\n")
    assert f"The wall bubblewrap cannot be had here: {why}" in told


_OLD = """
import errno, sys
from pathlib import Path
import pyseccomp
from tests.running.kernels import test_walls
old = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
old.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
old.load()
execution, said = test_walls.run(Path(sys.argv[1]), [test_walls._KEEPER], "bubblewrap", fresh=True)
print(execution.state, *said)
"""
_KEEPER = """
import os
keeper = os.getppid()
assert keeper > 1
for path in ("fd", "environ", "maps", "mem"):
    try:
        os.listdir(f"/proc/{keeper}/{path}") if path == "fd" else open(f"/proc/{keeper}/{path}", "rb").read(1)
        print(path)
    except PermissionError:
        pass
"""


def test_what_keeps_a_kernel_cannot_be_looked_into_without_landlock_either(tmp_path: Path) -> None:
    """It tells how the kernel has ended, and is behind the same wall."""
    needs("bubblewrap")
    pytest.importorskip("pyseccomp")
    words = [sys.executable, "-c", _OLD, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.stdout == "completed \n", done.stderr


# What is left behind.

_DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(1), os.close(2)
        os.execv("/bin/sleep", [{token!r}, "1000"])
    os._exit(0)
time.sleep({seconds})
"""
_RUNNER = """
import sys
from pathlib import Path
from tests.running.kernels import test_walls
test_walls.run(Path(sys.argv[1]), [sys.argv[2]], sys.argv[3], fresh=sys.argv[4] == "True")
"""
ALL = [(wall, fresh) for wall in ("bubblewrap", "landlock", "limits") for fresh in (True, False)]


def with_token(token: str) -> set[int]:
    """Return the processes whose name is a token, wherever they belong to."""
    return {each.pid for each in psutil.process_iter(["cmdline"]) if token in (each.info["cmdline"] or [])[:1]}


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return met


@pytest.mark.parametrize("fresh", [True, False])
def test_what_is_registered_for_the_end_is_done(tmp_path: Path, fresh: bool) -> None:
    target = tmp_path / "end"
    code = f"import atexit, pathlib\natexit.register(pathlib.Path({str(target)!r}).write_text, 'x')"
    assert run(tmp_path, [code], "none", fresh=fresh)[0].state == "completed"
    assert target.read_text() == "x"


@pytest.mark.parametrize(("wall", "fresh"), ALL)
def test_nothing_stays_when_a_run_is_over(tmp_path: Path, wall: str, fresh: bool) -> None:
    needs(wall)
    token = f"daemon-{secrets.token_hex(8)}"
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(run, tmp_path, [_DAEMON.format(token=token, seconds=1)], wall, fresh=fresh)
        seen = wait_until(lambda: with_token(token) or going.done())
        assert going.result()[0].state == "completed"
    assert seen is not True
    assert wait_until(lambda: not with_token(token), 10)


@pytest.mark.parametrize(("wall", "fresh"), ALL)
def test_nothing_stays_when_the_runner_is_killed(tmp_path: Path, wall: str, fresh: bool) -> None:
    needs(wall)
    token = f"daemon-{secrets.token_hex(8)}"
    words = [str(tmp_path), _DAEMON.format(token=token, seconds=1000), wall, str(fresh)]
    with tempfile.TemporaryDirectory() as temporary:  # short, as sockets need it
        Path(temporary).chmod(0o755)
        _kill_runner(words, token, {**os.environ, "TMPDIR": temporary})


def _kill_runner(words: list[str], token: str, env: dict[str, str]) -> None:
    runner = subprocess.Popen([sys.executable, "-c", _RUNNER, *words], cwd=Path(__file__).parents[2], env=env)
    try:
        assert wait_until(lambda: with_token(token))
        below = [runner.pid, *(each.pid for each in psutil.Process(runner.pid).children(recursive=True))]
        born = {pid: psutil.Process(pid).create_time() for pid in {*below, *with_token(token)}}
    finally:
        runner.kill()
        runner.wait()

    def left() -> list[int]:
        return [pid for pid, time_ in born.items() if psutil.pid_exists(pid) and _born(pid) == time_]

    assert wait_until(lambda: not left(), 10), [psutil.Process(pid).cmdline() for pid in left()]


def _born(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
