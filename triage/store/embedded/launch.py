"""A short-lived program that becomes a program of PostgreSQL; run as ``python -I -S launch.py JSON``.

It runs before PostgreSQL does, in the process that PostgreSQL will have, and with nothing but the standard library, because
two things must happen there: root gives up its rights (PostgreSQL refuses to run as root), and a watcher is split off that
stops the server when the service has died without a word (``kill -9``). The kernel's own way, PR_SET_PDEATHSIG, is not used
for that: its signal comes when the *thread* that started the server ends, and a service starts it from any thread.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from dataclasses import dataclass

_KEEP_CAPABILITIES = 8
_SECURE_BITS = 28
_NO_SETUID_FIXUP = 1 << 2
_AMBIENT = 47
_AMBIENT_RAISE = 2
_CAPABILITY_VERSION = 0x20080522
_LINGER_MS = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What to become.

    Attributes:
        command: Program and arguments.
        account: User and group id to run as; None: as the caller.
        capability: Number of the one capability that stays with ``account``; None: none stays.
        watch: File descriptor of a pipe whose other end the service holds; None: no watcher.
    """

    command: list[str]
    account: tuple[int, int] | None
    capability: int | None
    watch: int | None


def main(argument: str) -> None:
    """Become what the argument says; does not return."""
    launch = Launch(**json.loads(argument))
    if launch.account is not None:
        become(launch.account[0], launch.account[1], capability=launch.capability)
    if launch.watch is not None:
        os.set_inheritable(launch.watch, False)
        split_watcher(launch.watch)
    os.umask(0o077)
    os.execv(launch.command[0], launch.command)  # noqa: S606


def become(user: int, group: int, *, capability: int | None) -> None:
    """Give up root's rights for good, but for one capability that survives the change and the coming exec."""
    if capability is not None:
        _check(_libc().prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0), "prctl")
        # access(2), by which initdb looks for its companions, judges without capabilities unless this bit is set. Where it may
        # not be set, only programs below closed folders (a virtual environment in /root) are out of reach.
        _libc().prctl(_SECURE_BITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if capability is not None:
        _keep_only(capability)


def _keep_only(capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    low, high = (1 << capability) & 0xFFFFFFFF, (1 << capability) >> 32
    sets = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)  # effective, permitted, inheritable, twice 32 bits
    _check(_libc().capset(header, sets), "capset")
    _check(_libc().prctl(_AMBIENT, _AMBIENT_RAISE, capability, 0, 0), "prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def split_watcher(pipe: int) -> None:
    """Split off a process, adopted by init, that stops this one when the pipe's other end is gone.

    It must not stay a child: the postmaster takes every child that ends for one of its own.
    """
    server = os.pidfd_open(os.getpid())
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        os.close(server)
        os.close(pipe)
        return
    if os.fork() == 0:
        os.setsid()
        watch(pipe, server)
    os._exit(0)


def watch(pipe: int, server: int) -> None:
    """Wait for the end of the service or of the server; after the service's end the server stops fast, or at once."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    poll.register(server, select.POLLIN)
    ended = {descriptor for descriptor, _ in poll.poll()}
    if server in ended:
        return
    poll.unregister(pipe)
    for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            signal.pidfd_send_signal(server, order)
        except ProcessLookupError:
            return
        if poll.poll(_LINGER_MS):
            return


if __name__ == "__main__":
    main(sys.argv[1])
