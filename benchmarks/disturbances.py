"""What goes wrong around a service under test: receivers that are away or rude, and a clock that jumps."""

from __future__ import annotations

import ipaddress
import mmap
import random
import re
import shutil
import struct
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.receiver import Answering, Receiver, answer, hanging_up, silent
from triage.casework import targets
from triage.casework.targets import Mailroom, Wish
from triage.notify import Guard, NetworkRules
from triage.store.access import SYSTEM
from triage.store.opening import Store
from triage.store.sealing import Seal

JUMPS = (86_400, 0, -7_200, 3_600, -86_400, 0)
"""Seconds by which the clock is off, one after the other."""

_SHIM = Path(__file__).with_name("clock_shim.c")
_ALERT = re.compile(r"预警编号：([0-9a-f-]{36})")
_RECEIVERS = 2
_SETTLED = ("sent", "dead", "uncertain", "closed")


class Clock:
    """Shifts the wall clock of processes that are started with its environment.

    Args:
        folder: A place that other users may read, since the database runs as one.
    """

    def __init__(self, folder: Path) -> None:
        self.shifted = False
        compiler = shutil.which("cc") or shutil.which("gcc")
        self._library, self._file = folder / "clock_shim.so", folder / "shift"
        self._file.write_bytes(bytes(mmap.PAGESIZE))
        folder.chmod(0o755)
        if compiler is not None:
            command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SHIM)]
            subprocess.run(command, check=True)
            self._library.chmod(0o755)
            self.shifted = True

    def environment(self) -> dict[str, str]:
        """Return the variables; none where there is no compiler, and then no jumps."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT_FILE": str(self._file)} if self.shifted else {}

    def jump(self, seconds: int) -> None:
        """Let the clock be off by so many seconds from now on."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", seconds))


@dataclass(kw_only=True)
class Arrivals:
    """What became of the alerts.

    Attributes:
        alerts: Alerts in the store.
        to_program: Of them those that arrived at the program under exactly one id.
        repeated: Repetitions under the same id, which the program recognises.
        to_robot: Of them those that the robot got once.
        visible: Of the others those that are listed as dead or uncertain.
        lost: Neither arrived nor visible.
        doubled: Arrived twice without a way to recognise it.
        decided: Decided appeals that the program was told of.
        untold: Decided appeals that the program was not told of, nor visible.
        states: Deliveries by state.
    """

    alerts: int = 0
    to_program: int = 0
    repeated: int = 0
    to_robot: int = 0
    visible: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    decided: int = 0
    untold: int = 0
    states: dict[str, int] = field(default_factory=dict)


class Surroundings:
    """Two receivers of messages and a clock, all of them unreliable.

    Args:
        folder: For the clock.
        down_seconds: How long both receivers refuse every connection, in the middle of the run.
    """

    def __init__(self, folder: Path, *, down_seconds: float) -> None:
        self.clock = Clock(folder)
        self.program, self.robot = Receiver(), Receiver()
        self.program.up()
        self.robot.up()
        self._down_seconds, self._ended = down_seconds, threading.Event()
        self._thread = threading.Thread(target=self._misbehave, daemon=True)

    def environment(self) -> dict[str, str]:
        """Return what the processes under test are started with."""
        hosts = f"127.0.0.1:{self.program.port},127.0.0.1:{self.robot.port}"
        return {
            "TRIAGE_NOTIFY_HOSTS": hosts,
            "TRIAGE_NOTIFY_NETWORKS": "127.0.0.0/8",
            **self.clock.environment(),
        }

    def introduce(self, store: Store) -> None:
        """Add the receivers: a program that hears of everything, a robot that hears of alerts."""
        hosts = frozenset({f"127.0.0.1:{self.program.port}", f"127.0.0.1:{self.robot.port}"})
        rules = NetworkRules(hosts=hosts, networks=(ipaddress.ip_network("127.0.0.0/8"),))
        room = Mailroom(database=store.database, seal=Seal(store.sealing_key), guard=Guard(rules=rules))
        program = {"url": self.program.url}
        topics = ["alert.raised", "appeal.decided"]
        targets.add(room, SYSTEM, Wish(name="program", kind="webhook", address=program, topics=topics))
        robot = {"url": f"http://127.0.0.1:{self.robot.port}/open-apis/bot/v2/hook/0000", "secret": "0123456789"}
        targets.add(room, SYSTEM, Wish(name="robot", kind="feishu", address=robot, topics=["alert.raised"]))

    def begin(self) -> None:
        """Begin to misbehave."""
        self._thread.start()

    def end(self) -> None:
        """Behave from now on."""
        self._ended.set()
        self._thread.join()

    def _misbehave(self) -> None:
        draw = random.Random(2)
        self._during(15, answer(200), answer(200))
        self.program.down()
        self.robot.down()
        self._ended.wait(self._down_seconds)
        self.program.up()
        self.robot.up()
        rude: list[Answering] = [answer(500), answer(503), answer(429, Retry_After="2"), hanging_up, silent(12)]
        while not self._ended.is_set():
            self._during(12, answer(200), answer(200))
            self._during(4, draw.choice(rude), draw.choice(rude))
        self.program.act = self.robot.act = answer(200)

    def _during(self, seconds: float, program: Answering, robot: Answering) -> None:
        self.program.act, self.robot.act = program, robot
        self._ended.wait(seconds)

    def look(self, client: httpx.Client, *, patience: float) -> Arrivals:
        """Wait until nothing is under way any more, and compare alerts with what arrived."""
        until = time.monotonic() + patience
        while _under_way(client) and time.monotonic() < until:
            time.sleep(1)
        found = Arrivals()
        alerts = [alert["id"] for alert in _pages(client, "/v1/alerts")]
        found.alerts = len(alerts)
        every = [("state", state) for state in (*_SETTLED, "pending", "sending")]
        deliveries = _pages(client, "/v1/deliveries", every)
        found.states = dict(Counter(delivery["state"] for delivery in deliveries))
        failed = {(one["target"], one["key"]) for one in deliveries if one["state"] in ("dead", "uncertain")}
        self._compare(found, alerts, failed)
        told = {request.json()["key"] for request in self.program.taken if request.json()["type"] == "appeal.decided"}
        keys = {one["key"] for one in deliveries if one["topic"] == "appeal.decided"}
        found.decided, found.untold = len(told), len(keys - told - {key for _, key in failed})
        return found

    def _compare(self, found: Arrivals, alerts: list[str], failed: set[tuple[str, str]]) -> None:
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for request in self.program.taken:
            said = request.json()
            if said["type"] == "alert.raised":
                ids[said["data"]["alert_id"]].append(request.headers["webhook-id"])
        robot = Counter(_ALERT.findall("\n".join(request.body.decode() for request in self.robot.taken)))
        for alert in alerts:
            known, seen, key = ids[alert], robot[alert], f"alert.raised:{alert}"
            found.repeated += len(known) - len(set(known))
            for name, count in (("program", len(set(known))), ("robot", seen)):
                if count > 1:
                    found.doubled.append(f"{name} {alert}")
                elif count == 0 and (name, key) in failed:
                    found.visible += 1
                elif count == 0:
                    found.lost.append(f"{name} {alert}")
            found.to_program += len(set(known)) == 1
            found.to_robot += seen == 1


def _under_way(client: httpx.Client) -> bool:
    """Say whether something is still to be sent, or to be handed to the receivers by a worker that has only just begun."""
    if client.get("/v1/deliveries", params={"state": ["pending", "sending"], "limit": 1}).json()["items"]:
        return True
    settled = _pages(client, "/v1/deliveries", [("state", state) for state in _SETTLED])
    handed = Counter(delivery["key"] for delivery in settled)
    return any(handed[f"alert.raised:{alert['id']}"] < _RECEIVERS for alert in _pages(client, "/v1/alerts"))


def _pages(client: httpx.Client, path: str, fixed: list[tuple[str, str]] | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    last: str | None = None
    while True:
        asked: list[tuple[str, str | int | float | bool | None]] = [
            *(fixed or []),
            ("limit", "200"),
            *([("cursor", last)] if last else []),
        ]
        page = client.get(path, params=asked).json()
        items += page["items"]
        last = page["next"]
        if last is None:
            return items


def jumping(clock: Clock, done: Callable[[], float]) -> threading.Thread:
    """Let a clock jump at even parts of the work; returns the thread, which ends with the work.

    Args:
        clock: The clock.
        done: Returns the share of the work that is done, 0 … 1.
    """

    def run() -> None:
        for number, seconds in enumerate(JUMPS, 1):
            while done() < number / (len(JUMPS) + 1):
                time.sleep(0.2)
            clock.jump(seconds)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def shown(found: Arrivals) -> dict[str, Any]:
    """Return the figures without the lists."""
    counts = {name: len(value) if isinstance(value, list) else value for name, value in vars(found).items()}
    return {
        f"alerts_{name}" if name in ("lost", "doubled", "visible") else name: value for name, value in counts.items()
    }
