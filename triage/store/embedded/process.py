"""The server's process: started through `launch`, watched until it takes connections, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from triage.store.embedded import launch
from triage.store.embedded.accounts import Account
from triage.store.embedded.binaries import program
from triage.store.embedded.folder import DataFolder
from triage.store.embedded.leftovers import clear_leftovers
from triage.store.errors import StoreError, StoreUnavailable

_START_LIMIT = 120.0
"""Seconds that a start may take; replaying 1 GB of log after a crash takes about ten."""

_STOP_LIMIT = 30.0
"""Seconds that a stop may take before a harder order follows; the last checkpoint is most of it."""

_ORPHANS_LIMIT = 10.0
"""Seconds that back ends of a killed server have to notice its death; until then its memory is in use."""

_STEP = 0.02
_STATUS_LINE = 7
_LAST_LINES = 3
_IN_USE = "is still in use"


class Postmaster:
    """One server process on a data folder whose lock the caller holds."""

    def __init__(self, folder: DataFolder, account: Account | None) -> None:
        self._folder = folder
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, *, given_up: Callable[[], bool]) -> None:
        """Start it and wait until it takes connections.

        Args:
            given_up: Whether the caller no longer wants it; asked while waiting.

        Raises:
            StoreError: If it gives up itself; with its last words.
            StoreUnavailable: If it is not ready in time.
        """
        clear_leftovers(self._folder.cluster)
        began = time.monotonic()
        while not self._attempt(began, given_up):
            words = self._last_words()
            if _IN_USE not in words or time.monotonic() - began > _ORPHANS_LIMIT:
                raise StoreError(
                    f"内置数据库未能启动：{words}；若数据已损坏，请用 triage db restore 从备份恢复到新目录"
                )
            time.sleep(10 * _STEP)

    def stop(self) -> None:
        """Stop it fast, harder if it lingers; what was committed is kept."""
        process = self._process
        if process is not None:
            for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if process.poll() is None:
                    process.send_signal(order)
                try:
                    process.wait(_STOP_LIMIT)
                    break
                except subprocess.TimeoutExpired:
                    continue
        self.drop_lifeline()

    def _attempt(self, began: float, given_up: Callable[[], bool]) -> bool:
        self.drop_lifeline()
        self._process = self._launch()
        note = self._folder.cluster / "postmaster.pid"
        while not _ready(note, self._process.pid):
            if self._process.poll() is not None:
                return False
            if given_up() or time.monotonic() - began > _START_LIMIT:
                self.stop()
                raise StoreUnavailable(f"内置数据库在 {_START_LIMIT:.0f} 秒内未就绪；请稍后再启动")
            time.sleep(_STEP)
        return True

    def _launch(self) -> subprocess.Popen[bytes]:
        cluster = str(self._folder.cluster)
        watched, self._lifeline = os.pipe()
        command = [str(program("postgres")), "-D", cluster, "-k", cluster]
        try:
            with self._folder.open_private("start.log") as said:
                return subprocess.Popen(  # noqa: S603
                    launcher(command, account=self._account, watch=watched),
                    env=environment(),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    pass_fds=(watched,),
                    start_new_session=True,  # Ctrl-C in the terminal is for the service, which then stops it in order
                )
        finally:
            os.close(watched)

    def _last_words(self) -> str:
        """Return what it said last before it gave up."""
        for file in (self._folder.root / "start.log", *sorted(self._folder.logs.glob("*.log"))[:-2:-1]):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            grave = [line for line in lines if line.strip() and " LOG: " not in line and " HINT: " not in line]
            if grave:
                return " ".join(grave[-_LAST_LINES:])
        return "原因不明"

    def drop_lifeline(self) -> None:
        """Close our end of the watcher's pipe; in the process that started the server this makes the watcher stop it."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def launcher(command: list[str], *, account: Account | None, watch: int | None = None) -> list[str]:
    """Return the command that becomes ``command`` as an account; see `launch`."""
    what = {
        "command": command,
        "account": account.ids if account else None,
        "capability": account.capability if account else None,
        "watch": watch,
    }
    return [sys.executable, "-I", "-S", str(Path(launch.__file__)), json.dumps(what)]


def environment() -> dict[str, str]:
    """Return what PostgreSQL's programs may see of the environment: no PG* variable may turn them elsewhere."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH", "TMPDIR") if name in os.environ}
    return {"LC_ALL": "C", **kept}


def _ready(note: Path, process: int) -> bool:
    try:
        lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[0] == str(process) and lines[_STATUS_LINE].strip() == "ready"
