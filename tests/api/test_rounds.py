"""What recurs goes on whatever happens to its neighbours, and waits while the clock cannot be believed."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from api.rounds import MUTED_SECONDS, ClockWatch, Round, Rounds
from api.worker import rounds_of
from tests.store.services import wait_until
from triage.store.errors import StoreUnavailable

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_one_that_fails_or_hangs_stops_no_other() -> None:
    done: list[int] = []
    release = threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    def away() -> None:
        raise StoreUnavailable("数据库暂不可用")

    rounds = [
        Round(name="fails", seconds=0.01, task=fail),
        Round(name="away", seconds=0.01, task=away),
        Round(name="hangs", seconds=0.01, task=release.wait),
        Round(name="works", seconds=0.01, task=lambda: done.append(1)),
    ]
    going = Rounds(rounds, clock=lambda: datetime.now(UTC))
    going.start()
    assert wait_until(lambda: len(done) >= 5, seconds=5)
    release.set()
    begun = time.monotonic()
    going.stop()
    assert time.monotonic() - begun < 5
    left = len(done)
    time.sleep(0.05)
    assert len(done) == left


def test_after_a_jump_of_the_clock_nothing_is_judged_by_it_for_a_while() -> None:
    wall, seconds = [NOW], [0.0]
    watch = ClockWatch(wall=lambda: wall[0], monotonic=lambda: seconds[0])

    def pass_(real: float, *, shown: float | None = None) -> None:
        seconds[0] += real
        wall[0] += timedelta(seconds=real if shown is None else shown)

    assert watch.steady()
    pass_(3_600)
    assert watch.steady()
    pass_(30, shown=45)  # a small correction
    assert watch.steady()
    pass_(30, shown=86_400)
    assert not watch.steady()
    pass_(30, shown=-86_400)  # back again
    assert not watch.steady()
    pass_(MUTED_SECONDS - 1)
    assert not watch.steady()
    pass_(2)
    assert watch.steady()


def test_a_round_that_goes_by_the_clock_waits_and_the_others_do_not() -> None:
    wall = [NOW]
    judged: list[int] = []
    others: list[int] = []
    going = Rounds(
        [
            Round(name="judges", seconds=0.01, task=lambda: judged.append(1), by_clock=True),
            Round(name="other", seconds=0.01, task=lambda: others.append(1)),
        ],
        clock=lambda: wall[0],
    )
    going.start()
    assert wait_until(lambda: len(judged) >= 2, seconds=5)
    wall[0] += timedelta(days=1)
    time.sleep(0.1)
    before, seen = len(judged), len(others)
    assert wait_until(lambda: len(others) >= seen + 5, seconds=5)
    assert len(judged) == before
    going.stop()


def test_the_worker_goes_all_the_rounds() -> None:
    names = {one.name: one.by_clock for one in rounds_of(None, go_on=lambda: True)}  # type: ignore[arg-type]
    assert {"terms": True, "warnings": True, "dispatching": True, "clean": True}.items() <= names.items()
