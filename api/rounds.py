"""What the worker does again and again: each on a thread of its own, so that one that fails or hangs stops no other.

Rounds go by the monotonic clock. A cron that goes by the wall clock would stand still for a day after the clock was put back
by one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from triage.casework.delivering import Courier
from triage.casework.targets import Mailroom
from triage.store.errors import StoreUnavailable

LOG = logging.getLogger("api.rounds")

JUMP = timedelta(seconds=60)
"""A difference between wall clock and monotonic clock that no correction by small steps makes."""
MUTED_SECONDS = 300.0
"""How long after a jump nothing is judged by the wall clock: a jump to and fro must not make thousands of terms overdue."""

_RECEIVERS_AT_ONCE = 8
_IDLE_SECONDS = 0.5
_AWAY_SECONDS = 2.0
_RECOVER_SECONDS = 5.0
_END_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Something to do again and again.

    Attributes:
        name: For the log.
        seconds: From the end of one time to the beginning of the next.
        task: What is done; it must bear being done twice, by this process or another one.
        by_clock: Whether it judges by the wall clock, so that it waits after a jump.
    """

    name: str
    seconds: float
    task: Callable[[], object]
    by_clock: bool = False


@dataclass(slots=True)
class ClockWatch:
    """Notices when the wall clock jumps against the monotonic one.

    Attributes:
        wall: Returns now, with a time zone.
        monotonic: Returns seconds that only ever grow.
    """

    wall: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _seen: tuple[datetime, float] | None = None
    _muted_until: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def steady(self) -> bool:
        """Say whether the wall clock has gone evenly for `MUTED_SECONDS`."""
        with self._lock:
            wall, monotonic = self.wall(), self.monotonic()
            if self._seen is not None:
                drift = (wall - self._seen[0]) - timedelta(seconds=monotonic - self._seen[1])
                if abs(drift) > JUMP:
                    self._muted_until = monotonic + MUTED_SECONDS
                    LOG.warning("clock jumped", extra={"action": "clock.jumped", "count": int(drift.total_seconds())})
            self._seen = (wall, monotonic)
            return monotonic >= self._muted_until


class Rounds:
    """Does rounds until it is stopped.

    Args:
        rounds: What to do.
        clock: Returns now, with a time zone.
    """

    def __init__(self, rounds: Sequence[Round], *, clock: Callable[[], datetime]) -> None:
        self._stopping = threading.Event()
        self._clock = ClockWatch(clock)
        self._threads = [
            threading.Thread(target=self._go_round, args=(one,), name=f"triage-{one.name}", daemon=True)
            for one in rounds
        ]

    def start(self) -> None:
        """Begin; the first time of each comes at once."""
        self._clock.steady()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let what is being done come to its end."""
        self._stopping.set()
        until = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _go_round(self, one: Round) -> None:
        while True:
            if not one.by_clock or self._clock.steady():
                self._once(one)
            if self._stopping.wait(one.seconds):
                return

    @staticmethod
    def _once(one: Round) -> None:
        try:
            one.task()
        except StoreUnavailable:
            LOG.warning("database away", extra={"action": "round.away", "state": one.name})
        except Exception:
            LOG.exception("round failed", extra={"action": "round.failed", "state": one.name})


class Post:
    """Delivers messages until it is stopped: one thread hands them out, each receiver is served by one at a time.

    Args:
        room: What telling others needs.
    """

    def __init__(self, room: Mailroom) -> None:
        self._stopping = threading.Event()
        self._courier = Courier(room, go_on=lambda: not self._stopping.is_set(), wait=self._stopping.wait)
        self._under_way: dict[UUID, Future[int]] = {}
        self._threads = ThreadPoolExecutor(_RECEIVERS_AT_ONCE, thread_name_prefix="triage-post")
        self._thread = threading.Thread(target=self._main, name="triage-post", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the messages at hand be finished."""
        self._stopping.set()
        self._thread.join(_END_SECONDS)
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._courier.close()

    def _main(self) -> None:
        next_recovery = float("-inf")
        while not self._stopping.is_set():
            pause = _IDLE_SECONDS
            try:
                if time.monotonic() >= next_recovery:
                    self._courier.recover()
                    next_recovery = time.monotonic() + _RECOVER_SECONDS
                if self._courier.route():
                    pause = 0.0
                self._hand_out()
            except StoreUnavailable:
                pause = _AWAY_SECONDS
            except Exception:
                LOG.exception("delivery failed", extra={"action": "delivery.failed"})
                pause = _AWAY_SECONDS
            self._stopping.wait(pause)

    def _hand_out(self) -> None:
        for target in [target for target, work in self._under_way.items() if work.done()]:
            del self._under_way[target]
        for target in self._courier.waiting():
            if target not in self._under_way and not self._stopping.is_set():
                self._under_way[target] = self._threads.submit(self._serve, target)

    def _serve(self, target: UUID) -> int:
        try:
            return self._courier.deliver(target)
        except StoreUnavailable:
            LOG.warning("database away", extra={"action": "delivery.away", "target": str(target)})
        except Exception:
            LOG.exception("delivery failed", extra={"action": "delivery.failed", "target": str(target)})
        return 0
