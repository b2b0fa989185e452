"""Services in processes of their own, which tests may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from triage.store.embedded import launch
from triage.store.embedded.accounts import passing_capability

ROOT = Path(__file__).resolve().parents[2]

SERVE = """
import os, sys, time
from pathlib import Path
from triage.store.embedded.server import EmbeddedServer
from triage.store.errors import StoreError
try:
    server = EmbeddedServer(Path(sys.argv[1]), settings={"shared_buffers": "32MB"})
    server.start()
except StoreError as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(2)
print("running", server.pid, os.getuid(), flush=True)
if sys.argv[2] == "fork":
    worker = os.fork()
    if not worker:
        time.sleep(60)
        os._exit(0)
    print(worker, flush=True)
sys.stdin.readline()
server.stop()
print("stopped", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A process that runs an embedded server until its input ends."""

    process: subprocess.Popen[str]
    postmaster: int

    def kill(self) -> None:
        """End it as the kernel does for want of memory: no handler runs."""
        self.process.kill()
        self.process.communicate()


def start_service(folder: Path, *, user: int | None = None, fork: bool = False) -> Service:
    """Start one, with a forked worker that does nothing if asked; it fails the test if the server does not come up."""
    process = spawn(folder, user=user, fork=fork)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("running "), line
    return Service(process, int(line.split()[1]))


def refusal(folder: Path, *, user: int | None = None) -> str:
    """Start one that must be refused, and return the reason."""
    process = spawn(folder, user=user)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    return said


@contextmanager
def service(folder: Path, *, user: int | None = None) -> Iterator[Service]:
    """One that is stopped in order at the end."""
    running = start_service(folder, user=user)
    try:
        yield running
    finally:
        running.process.communicate("\n", timeout=60)


def spawn(folder: Path, *, user: int | None = None, fork: bool = False) -> subprocess.Popen[str]:
    """Start a service and wait for nothing."""
    command = [sys.executable, "-c", SERVE, str(folder), "fork" if fork else ""]
    if user is not None:
        # The interpreter may lie in root's closed home: the user may pass there to start it, and owns no more than before.
        what = {"command": command, "account": [user, user], "capability": passing_capability(), "watch": None}
        command = [sys.executable, "-I", "-S", launch.__file__, json.dumps(what)]
    return subprocess.Popen(
        command,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def alive(process: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(true: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
