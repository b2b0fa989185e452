"""What a service that was killed may have left behind: a server that still runs, or a note of one that does not."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from triage.store.errors import StoreError

_PATIENCE = {signal.SIGINT: 15.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}
"""Seconds to wait after each order: stop fast, stop at once, be killed."""

_STEP = 0.02


def clear_leftovers(cluster: Path) -> bool:
    """Stop a server that still runs on a folder whose lock we hold; returns whether there was one.

    Raises:
        StoreError: If it cannot be stopped.
    """
    process = _noted(cluster / "postmaster.pid")
    if process is None or not _serves(process, cluster):
        for note in (cluster / "postmaster.pid", *cluster.glob(".s.PGSQL.*.lock")):
            _disown(note)
        return False
    for order, patience in _PATIENCE.items():
        with suppress(ProcessLookupError):
            os.kill(process, order)
        if _gone(process, cluster, patience=patience):
            return True
    raise StoreError(f"上次遗留的数据库进程 {process} 无法停止；请手工结束该进程后再启动")


def _noted(note: Path) -> int | None:
    """Return the process id in the first line of a note; None without one."""
    try:
        first = note.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return abs(int(first)) if first.lstrip("-").isdigit() else None


def _serves(process: int, cluster: Path) -> bool:
    """Tell whether a process is a postmaster of this folder; its number may long be another program's."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        state = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        )
    except OSError:
        return False
    return state != "Z" and os.fsencode(cluster) in words


def _gone(process: int, cluster: Path, *, patience: float) -> bool:
    until = time.monotonic() + patience
    while _serves(process, cluster):
        if time.monotonic() > until:
            return False
        time.sleep(_STEP)
    return True


def _disown(note: Path) -> None:
    """Make PostgreSQL take a note for stale whose process number now belongs to another program, or to a zombie.

    It would refuse to start for any such number except its own parent's: this process. The note is not deleted, because its
    other lines lead to the shared memory by which PostgreSQL finds back ends that outlived the server.
    """
    process = _noted(note)
    if process is None or not Path(f"/proc/{process}").exists():
        return
    rest = note.read_text(encoding="utf-8", errors="replace").partition("\n")[2]
    descriptor = os.open(note, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n{rest}")
