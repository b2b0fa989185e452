"""Kills a service again and again while clients post, and looks whether anything accepted was lost or doubled.

``python -m benchmarks.kill --posts 5000 --kills 10`` is the full run; the tests do a shorter one. With ``--alerts`` service and
worker are processes of their own and both are killed, one post of ten raises an alert, the receivers of messages are down for
two minutes and rude afterwards, and the wall clock jumps; then it is looked whether every alert arrived once or is visible.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.disturbances import Arrivals, Surroundings, jumping, shown
from benchmarks.measure import triage_command
from triage.casework import access
from triage.samples import sample_path
from triage.store.access import SYSTEM
from triage.store.opening import open_store
from triage.store.settings import StoreSettings

CLIENTS = 4
_START_SECONDS = 120.0
_PATIENCE = 180.0
_SETTLING = 1_800.0
ALERT_EVERY = 10
"""One post of so many tells of a danger to life."""

_PEOPLE = ("老人", "小孩", "工人", "租客", "司机", "学生", "保安")
_DANGERS = (
    ("起火", "家中起火，{who}被困，火势很大，请马上派人来救！"),
    ("燃气泄漏", "厨房燃气泄漏，{who}已经昏迷，随时可能爆炸，快来救人！"),
    ("落水", "旁边的河里有{who}落水，已经沉下去了，情况危急，快来救人！"),
    ("坍塌", "围墙坍塌，{who}被埋，有人受伤流血，请马上救援！"),
    ("触电", "电线掉进积水，{who}触电倒地不动，请马上断电救人！"),
)
"""Title and text."""

_SHIFTED = """
import os
from triage.store.embedded import cluster, process
kept = process.environment
def environment():
    names = ("LD_PRELOAD", "CLOCK_SHIFT_FILE")
    return {**kept(), **{name: os.environ[name] for name in names if name in os.environ}}
process.environment = cluster.environment = environment
from triage.cli import main
main()
"""
"""``triage``, but the database it starts sees the shifted clock as well; it is given hardly any variables otherwise."""


@dataclass(kw_only=True)
class Outcome:
    """What a run showed.

    Attributes:
        posts: Different appeals posted.
        kills: Times the process was killed.
        accepted: Posts answered 201 at least once, with the id answered.
        contradictions: Posts answered with two ids.
        lost: Accepted appeals that are not stored, or under another reference.
        doubled: References stored more than once.
        stored: Appeals in the store.
        restarts: Seconds from each new start to ready.
        log: What the service wrote.
        arrivals: What became of the alerts; None where nobody was told.
    """

    posts: int
    kills: int
    accepted: dict[str, str] = field(default_factory=dict)
    contradictions: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stored: int = 0
    restarts: list[float] = field(default_factory=list)
    log: str = ""
    arrivals: Arrivals | None = None


class Server:
    """``triage serve`` on a data folder, and ``triage worker`` beside it, started and killed at will."""

    def __init__(self, folder: Path, port: int, *, surroundings: Surroundings | None = None) -> None:
        """Make a key; nothing runs yet."""
        self.data, self.port, self.log = folder / "data", port, folder / "log"
        with open_store(StoreSettings(data=self.data)) as store:
            made = access.create_key(store.database, SYSTEM, label="kill", role="admin", districts=["*"])
            if surroundings is not None:
                surroundings.introduce(store)
        self.headers = {"Authorization": f"Bearer {made.secret}"}
        self.process: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self._more = surroundings.environment() if surroundings is not None else {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start and wait until it is ready; return the seconds that took."""
        begun = time.monotonic()
        arguments = ["serve", "--data", str(self.data), "--port", str(self.port), "--no-worker"]
        arguments += ["--units", str(sample_path("units.csv"))]
        self.process = self._run(*arguments)
        while time.monotonic() - begun < _START_SECONDS:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return time.monotonic() - begun
            except httpx.HTTPError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        raise RuntimeError(f"the service did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def start_worker(self) -> None:
        """Start a worker beside the service."""
        self.worker = self._run("worker", "--data", str(self.data))

    def kill_worker(self) -> None:
        """End the worker as a power cut would."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        limits = {"TRIAGE_LIMIT_RATE_PER_SECOND": "100000", "TRIAGE_LIMIT_RATE_BURST": "100000"}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **limits, **self._more}
        program = [sys.executable, "-c", _SHIFTED] if "LD_PRELOAD" in self._more else [str(triage_command())]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*program, *arguments], env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """End it in order, and the worker before it; return its exit status."""
        if self.worker is not None and self.worker.poll() is None:
            self.worker.send_signal(signal.SIGTERM)
            self.worker.wait(60)
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def run(folder: Path, *, posts: int, kills: int, port: int, surroundings: Surroundings | None = None) -> Outcome:
    """Post, kill, start, look.

    Args:
        folder: Empty, with a short path; the store goes there.
        posts: Different appeals.
        kills: Kills, spread over the run.
        port: A free one.
        surroundings: Receivers and a clock that go wrong; None: nobody is told, and there is no worker.
    """
    outcome = Outcome(posts=posts, kills=kills)
    server = Server(folder, port, surroundings=surroundings)
    server.start()
    if surroundings is not None:
        server.start_worker()
        surroundings.begin()
        jumping(surroundings.clock, lambda: len(outcome.accepted) / posts)
    todo = list(range(posts))
    random.Random(1).shuffle(todo)
    shares = [todo[client::CLIENTS] for client in range(CLIENTS)]
    lock = threading.Lock()
    clients = [threading.Thread(target=_post_all, args=(server, share, outcome, lock)) for share in shares]
    for client in clients:
        client.start()
    try:
        for number in range(1, kills + 1):
            _await(lambda reached=number: len(outcome.accepted) >= posts * reached // (kills + 1))
            _kill_and_start(server, outcome, number)
        for client in clients:
            client.join(_PATIENCE)
        _look(server, outcome)
        if surroundings is not None:
            surroundings.end()
            with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as asking:
                outcome.arrivals = surroundings.look(asking, patience=_SETTLING)
    finally:
        server.stop()
        outcome.log = server.log.read_text(encoding="utf-8", errors="replace")
    return outcome


def _kill_and_start(server: Server, outcome: Outcome, number: int) -> None:
    """Kill service and worker, by turns the one or the other first, so that each is alone for a while."""
    if server.worker is None:
        server.kill()
        outcome.restarts.append(server.start())
    elif number % 2:
        server.kill()  # and the database with it; the worker has to wait
        time.sleep(2)
        outcome.restarts.append(server.start())
        time.sleep(2)
        server.kill_worker()
        server.start_worker()
    else:
        server.kill_worker()
        time.sleep(3)
        server.kill()
        outcome.restarts.append(server.start())
        server.start_worker()


def body(number: int) -> dict[str, Any]:
    """Return an appeal unlike those of other numbers; one of `ALERT_EVERY` tells of a danger to life."""
    place = "".join(chr(0x4E00 + (number * 131 + step * 977) % 18_000) for step in range(4))
    if number % ALERT_EVERY == 0:
        order = number // ALERT_EVERY
        title, happened = _DANGERS[order % len(_DANGERS)]
        other = "".join(chr(0x4E00 + (number * 389 + step * 1_231) % 18_000) for step in range(6))
        where = f"{place}街道{other[:3]}路{number}号{other[3:]}花园{order % 31 + 1}栋"
        text = f"{where}{happened.format(who=_PEOPLE[order % len(_PEOPLE)])}"
        return {"content": text, "title": f"{where}{title}", "channel": "kill", "reference": f"K-{number}"}
    text = f"{place}路{number}号门前的井盖坏了，行人经过很危险，请派人维修。"
    return {"content": text, "title": "井盖损坏", "channel": "kill", "reference": f"K-{number}"}


def _post_all(server: Server, share: Sequence[int], outcome: Outcome, lock: threading.Lock) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=30) as client:
        for number in share:
            answered = _post_until_accepted(client, number)
            with lock:
                if outcome.accepted.setdefault(f"K-{number}", answered) != answered:
                    outcome.contradictions += 1


def _post_until_accepted(client: httpx.Client, number: int) -> str:
    """Repeat a post under its key, as a client does that got no answer."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            answer = client.post("/v1/appeals", json=body(number), headers={"Idempotency-Key": f"key-{number}"})
        except httpx.HTTPError:
            time.sleep(0.05)
            continue
        if answer.status_code == 201:
            return str(answer.json()["id"])
        if answer.status_code != 503:
            raise RuntimeError(f"post {number} was answered {answer.status_code}: {answer.text[:300]}")
        time.sleep(0.1)
    raise RuntimeError(f"post {number} was not accepted within {_PATIENCE:.0f} s")


def _await(reached: Any) -> None:
    until = time.monotonic() + _PATIENCE
    while not reached() and time.monotonic() < until:
        time.sleep(0.01)


def _look(server: Server, outcome: Outcome) -> None:
    """Compare what is stored with what was accepted."""
    stored: dict[str, list[str]] = {}
    cursor: str | None = ""
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as client:
        while cursor is not None:
            page = client.get("/v1/appeals", params={"limit": 200, "cursor": cursor}).json()
            for item in page["items"]:
                stored.setdefault(item["reference"], []).append(item["id"])
            cursor = page["next"]
    counted = Counter({reference: len(ids) for reference, ids in stored.items()})
    outcome.stored = counted.total()
    outcome.doubled = [reference for reference, count in counted.items() if count > 1]
    outcome.lost = [reference for reference, id_ in outcome.accepted.items() if id_ not in stored.get(reference, ())]


def main() -> None:
    """Run and print the outcome."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--port", type=int, default=8_765)
    parser.add_argument("--alerts", action="store_true", help="with a worker, receivers and a clock that jumps")
    parser.add_argument("--down", type=float, default=120.0, help="seconds that the receivers are down")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="triage-kill-") as folder, tempfile.TemporaryDirectory() as public:
        begun = time.monotonic()
        surroundings = Surroundings(Path(public), down_seconds=chosen.down) if chosen.alerts else None
        found = run(Path(folder), posts=chosen.posts, kills=chosen.kills, port=chosen.port, surroundings=surroundings)
        figures = {
            "posts": found.posts,
            "kills": found.kills,
            "accepted": len(found.accepted),
            "stored": found.stored,
            "lost": len(found.lost),
            "doubled": len(found.doubled),
            "contradictions": found.contradictions,
            "slowest_restart_s": round(max(found.restarts, default=0), 1),
            "seconds": round(time.monotonic() - begun, 1),
            **(shown(found.arrivals) if found.arrivals is not None else {}),
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
