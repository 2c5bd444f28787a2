"""Moving into a wall that bubblewrap has built: its namespaces, and nothing of what is outside of them."""

from __future__ import annotations

import fcntl
import os
import subprocess

from . import confine

_NS_GET_USERNS = 0xB701  # ioctl_nsfs(2): the user namespace that owns another
_KINDS = ("net", "ipc", "uts", "cgroup", "pid", "mnt")
_HOLD = ("/bin/sh", "-c", "echo; exec sleep infinity")


class Wall:
    """Namespaces that bubblewrap has made, held by a process that does nothing; when it is killed, all in them are.

    Args:
        command: bubblewrap's command line, without what is to run.
    """

    def __init__(self, command: list[str]) -> None:
        read, write = os.pipe()
        words = [*command, "--json-status-fd", str(write), "--", *_HOLD]
        try:
            self.holder = subprocess.Popen(  # noqa: S603 - bubblewrap
                words, pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={}, close_fds=True
            )
        finally:
            os.close(write)
        with os.fdopen(read) as status:
            self._pid = _child(status.readline())
        if not self.holder.stdout or not self.holder.stdout.readline():  # which `echo` writes when all is mounted
            raise OSError(f"bubblewrap ended with {self.holder.wait()}")

    def enter(self) -> None:
        """Move this process, which has one thread, into the wall; what it forks from now on is in it wholly.

        No namespaces can be made in it any more (namespaces(7)).
        """
        kinds = [_opened(self._pid, kind) for kind in _KINDS if not _is_ours(self._pid, kind)]
        user = _opened(self._pid, "user")
        # bubblewrap makes a user namespace within another, to which the rest belongs, if it has to be root for a while.
        owner = fcntl.ioctl(kinds[-1], _NS_GET_USERNS)
        _join(owner)
        for kind in kinds:
            _join(kind)
        if os.fstat(owner).st_ino != os.fstat(user).st_ino:
            _join(user)
        with open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as most:  # noqa: PTH123 - light
            most.write("0")
        for descriptor in (*kinds, user, owner):
            os.close(descriptor)

    def close(self) -> None:
        """End all that is in the wall."""
        self.holder.kill()
        self.holder.wait()


def _child(line: str) -> int:
    import json

    return int(json.loads(line)["child-pid"]) if line else 0


def _opened(pid: int, kind: str) -> int:
    return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _is_ours(pid: int, kind: str) -> bool:
    """Tell whether this process is in a namespace already: that of the network is not left if it is let in."""
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino  # noqa: PTH116 - light


def _join(descriptor: int) -> None:
    confine.checked(confine.LIBC.setns(descriptor, 0))
