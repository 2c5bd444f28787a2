"""Ways out, tried from inside a kernel, which gets this file as a cell: each returns what it has got hold of.

What it fails with, or an empty result, means that the way is closed. `AIM` is what `world.py` has made outside.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import stat
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

AIM: dict[str, Any] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
WAYS: dict[str, Any] = {}
DEPTH = 4

# Python 3.12 and later warn of forks beside threads, and what is warned of may be printed after the results.
warnings.simplefilter("ignore", DeprecationWarning)


def way(function: Any) -> Any:
    WAYS[function.__name__] = function
    return function


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def in_fork(attempt: Any) -> bool:
    """Try what would change this process, in another."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if attempt() is not False else 1)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def talk(family: int, kind: int, address: Any) -> str:
    with socket.socket(family, kind) as connection:
        connection.settimeout(2)
        connection.connect(address)
        connection.send(b"hello")
        return connection.recv(100).decode()


# The network.


@way
def tcp() -> Any:
    return talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", AIM["tcp"]))


@way
def udp() -> Any:
    return talk(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", AIM["udp"]))


@way
def udp_without_connect() -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(2)
        connection.sendto(b"hello", ("127.0.0.1", AIM["udp"]))
        return connection.recv(100).decode()


@way
def names_of_hosts() -> Any:
    return socket.getaddrinfo(AIM["host"], 80)


@way
def listening_on_a_port() -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        return AIM["network"] == os.readlink("/proc/self/ns/net") and listening.getsockname()


@way
def abstract_socket() -> Any:
    return talk(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + AIM["abstract"])


@way
def path_socket() -> Any:
    return talk(socket.AF_UNIX, socket.SOCK_STREAM, AIM["socket"])


@way
def datagram_to_a_path() -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        return sending.sendto(b"hello", AIM["datagrams"])


@way
def datagram_by_a_pair() -> Any:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"hello", AIM["datagrams"])


@way
def network_cards() -> Any:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


@way
def machine() -> Any:
    """Talk to what hosts this machine (vsock)."""
    with socket.socket(40, socket.SOCK_STREAM) as connection:
        return connection.fileno()


# Files.


@way
def secret_file() -> Any:
    return Path(AIM["secret"]).read_text()


@way
def secret_by_its_directory() -> Any:
    return os.listdir(Path(AIM["secret"]).parent)


@way
def secret_by_a_link() -> Any:
    link = Path("link-to-secret")
    link.symlink_to(AIM["secret"])
    return link.read_text()


@way
def secret_by_a_hard_link() -> Any:
    os.link(AIM["secret"], "hard-link")
    return Path("hard-link").read_text()


@way
def secret_by_moving_it() -> Any:
    os.rename(AIM["movable"], "moved")
    os.rename("moved", AIM["movable"])
    return True


@way
def secret_by_a_program() -> Any:
    import subprocess

    return subprocess.run(["/bin/cat", AIM["secret"]], capture_output=True, check=True).stdout.decode()


@way
def secret_by_a_handle() -> Any:
    handle = ctypes.create_string_buffer(struct.pack("Ii", 120, 0) + bytes(120))
    mount = ctypes.c_int()
    return checked(LIBC.name_to_handle_at(-100, AIM["secret"].encode(), handle, ctypes.byref(mount), 0)) == 0


@way
def secret_by_roots_of_processes() -> Any:
    return [
        Path(f"/proc/{process}/root{AIM['secret']}").read_text()
        for process in (*AIM["processes"], "self")
        if os.path.exists(f"/proc/{process}/root{AIM['secret']}")
    ]


@way
def users() -> Any:
    return Path("/etc/passwd").read_text()


@way
def store() -> Any:
    import sqlite3

    return sqlite3.connect(f"file:{AIM['store']}?mode=ro", uri=True).execute("select * from treasure").fetchall()


@way
def home() -> Any:
    return [name for name in os.listdir(AIM["home"]) if not sys.base_prefix.startswith(f"{AIM['home']}/{name}/")]


@way
def writing_outside() -> Any:
    path = Path(AIM["writable"], f"written-{os.getpid()}")
    path.write_text("x")
    path.unlink()
    return True


@way
def writing_to_python() -> Any:
    path = Path(sys.prefix, f"written-{os.getpid()}")
    path.write_text("x")
    path.unlink()
    return True


@way
def truncating() -> Any:
    os.truncate(AIM["movable"], 3)
    return Path(AIM["movable"]).stat().st_size == 3


@way
def changing_modes() -> Any:
    before = stat.S_IMODE(os.stat(AIM["movable"]).st_mode)
    os.chmod(AIM["movable"], before ^ 0o100)
    return stat.S_IMODE(os.stat(AIM["movable"]).st_mode) != before


@way
def shared_memory_file() -> Any:
    return Path(AIM["shm"]).read_text()


@way
def system_settings() -> Any:
    with open("/proc/sys/kernel/hostname", "r+") as settings:
        return settings.fileno() > 0


@way
def devices() -> Any:
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    found = []
    for name in sorted(set(os.listdir("/dev")) - harmless):
        if stat.S_ISCHR(os.stat(f"/dev/{name}").st_mode) or stat.S_ISBLK(os.stat(f"/dev/{name}").st_mode):
            try:
                os.close(os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))
            except OSError:
                continue
            found.append(name)
    return found


@way
def terminal() -> Any:
    os.close(os.open(AIM["terminal"], os.O_RDWR | os.O_NOCTTY))
    return os.stat(AIM["terminal"]).st_ino and os.minor(os.stat(AIM["terminal"]).st_rdev) == AIM["minor"]


@way
def watching_names() -> Any:
    """Be told what happens in a directory (inotify)."""
    watch = checked(LIBC.inotify_init())
    return checked(LIBC.inotify_add_watch(watch, AIM["writable"].encode(), 0xFFF)) >= 0


# Environment, keys and memory that belong to a user.


@way
def environment() -> Any:
    return [name for name, value in os.environ.items() if AIM["token"] in value]


@way
def environment_of_processes() -> Any:
    found = []
    for process in {*processes(), AIM["victim"], AIM["runner"]}:
        try:
            if AIM["token"].encode() in Path(f"/proc/{process}/environ").read_bytes():
                found.append(process)
        except OSError:
            continue
    return found


@way
def keyring() -> Any:
    """Find a key in the keyring that a session hands on (keyctl(2), x86-64)."""
    key = checked(LIBC.syscall(250, 10, -3, b"user", AIM["key"].encode(), 0))
    value = ctypes.create_string_buffer(100)
    return value.raw[: checked(LIBC.syscall(250, 11, key, value, 100))].decode()


@way
def shared_memory() -> Any:
    LIBC.shmat.restype = ctypes.c_void_p
    address = LIBC.shmat(AIM["segment"], None, 0o10000)
    return address not in {None, 2**64 - 1} and ctypes.string_at(address).decode()


# Other processes.


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


@way
def command_lines() -> Any:
    token = AIM["token"].encode()
    return [each for each in (*processes(), AIM["victim"]) if token in Path(f"/proc/{each}/cmdline").read_bytes()]


@way
def signals() -> Any:
    os.kill(AIM["victim"], signal.SIGCONT)
    return True


@way
def signals_by_descriptor() -> Any:
    signal.pidfd_send_signal(os.pidfd_open(AIM["victim"]), signal.SIGCONT)
    return True


@way
def signals_to_runner_and_server() -> Any:
    reached = []
    for process in AIM["processes"]:
        try:
            os.kill(process, 0)
            reached.append(process)
        except OSError:
            continue
    return reached


@way
def tracing() -> Any:
    checked(LIBC.ptrace(0x4206, AIM["victim"], 0, 0))  # SEIZE
    return LIBC.ptrace(17, AIM["victim"], 0, 0) or True


@way
def memory_by_file() -> Any:
    with open(f"/proc/{AIM['runner']}/mem", "rb", buffering=0) as memory:
        memory.seek(AIM["address"])
        return memory.read(len(AIM["token"])).decode()


@way
def memory_by_call() -> Any:
    got = ctypes.create_string_buffer(len(AIM["token"]))
    here = (ctypes.c_size_t * 2)(ctypes.addressof(got), len(AIM["token"]))
    there = (ctypes.c_size_t * 2)(AIM["address"], len(AIM["token"]))
    return checked(LIBC.process_vm_readv(AIM["runner"], here, 1, there, 1, 0)) and got.value.decode()


@way
def descriptors() -> Any:
    """Take an open file out of another process (pidfd_getfd(2))."""
    return checked(LIBC.syscall(438, os.pidfd_open(AIM["runner"]), AIM["descriptor"], 0)) > 0


@way
def files_of_processes() -> Any:
    return [os.listdir(f"/proc/{process}/fd") for process in AIM["processes"]]


@way
def memory_of_server() -> Any:
    reached = []
    for process in AIM["processes"]:
        with open(f"/proc/{process}/mem", "rb"):
            reached.append(process)
    return reached


@way
def memory_maps() -> Any:
    return [Path(f"/proc/{each}/maps").read_text() for each in AIM["processes"]]


@way
def limits_of_processes() -> Any:
    import resource

    return resource.prlimit(AIM["victim"], resource.RLIMIT_CORE)


@way
def priority_of_processes() -> Any:
    os.setpriority(os.PRIO_PROCESS, AIM["victim"], 1)
    return True


# Other runs, and the server that forks them.


@way
def treasure_of_another_run() -> Any:
    return [Path(path).read_text() for path in AIM["treasures"] if os.path.exists(path)]


@way
def treasure_by_looking_everywhere() -> Any:
    found = []
    for top in ("/tmp", "/home", "/dev/shm", "/var/tmp", "/run", os.path.expanduser("~"), AIM["above"]):
        for above, below, names in os.walk(top):
            if above.count("/") > DEPTH:
                below.clear()
            found += [path for name in names if (path := os.path.join(above, name)).endswith(AIM["treasure"])]
    return found


@way
def sockets_of_another_run() -> Any:
    reached = []
    for path in AIM["sockets"]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            try:
                connection.connect(path)
            except OSError:
                continue
            reached.append(path)
    return reached


@way
def key_of_another_run() -> Any:
    return json.loads(Path(AIM["connection"]).read_text())["key"]


@way
def log_of_server() -> Any:
    return [open(path).read() or path for path in AIM["logs"] if os.path.exists(path)]


@way
def writing_to_another_run() -> Any:
    path = Path(AIM["above"], "written")
    path.write_text("x")
    path.unlink()
    return True


# Privileges.


@way
def capabilities() -> Any:
    status = Path("/proc/self/status").read_text()
    return [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm")) and int(line.split()[1], 16)]


@way
def new_privileges() -> Any:
    return "NoNewPrivs:\t0" in Path("/proc/self/status").read_text()


@way
def user_namespace() -> Any:
    return in_fork(lambda: checked(LIBC.unshare(0x10000000)))


@way
def user_namespace_by_clone() -> Any:
    child = checked(LIBC.syscall(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


@way
def mount_namespace() -> Any:
    return in_fork(lambda: checked(LIBC.unshare(0x00020000)))


@way
def mounting() -> Any:
    def attempt() -> None:
        checked(LIBC.unshare(0x00020000))
        checked(LIBC.mount(b"none", b"/", None, 0x44000, None))  # private from here on
        checked(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None))

    return in_fork(attempt)


@way
def unmounting() -> Any:
    def attempt() -> None:
        checked(LIBC.unshare(0x00020000))
        checked(LIBC.mount(b"none", b"/", None, 0x44000, None))
        checked(LIBC.umount2(b"/proc", 2))

    return in_fork(attempt)


@way
def another_root() -> Any:
    return in_fork(lambda: os.chroot("/usr"))


@way
def entering_namespaces() -> Any:
    return in_fork(lambda: checked(LIBC.setns(os.open(f"/proc/{AIM['runner']}/ns/uts", os.O_RDONLY), 0)))


@way
def another_user() -> Any:
    return in_fork(lambda: os.setresuid(1234, 1234, 1234))


@way
def special_files() -> Any:
    os.mknod("device", stat.S_IFBLK | 0o600, os.makedev(254, 0))
    os.unlink("device")
    return True


@way
def name_of_the_machine() -> Any:
    return in_fork(lambda: checked(LIBC.unshare(0x04000000)) or checked(LIBC.sethostname(b"x", 1)))


@way
def log_of_the_system() -> Any:
    return checked(LIBC.klogctl(10, None, 0)) >= 0 and checked(LIBC.klogctl(3, ctypes.create_string_buffer(1000), 1000))


def tried() -> dict[str, Any]:
    """Try all, and return what each got, or why it did not."""
    results: dict[str, Any] = {}
    for name, attempt in WAYS.items():
        try:
            results[name] = [bool(got := attempt()), repr(got)[:100]]
        except BaseException as error:
            results[name] = [False, repr(error)[:100]]
    return results
