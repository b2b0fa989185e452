"""When checked decisions stop automatic dispatch: single windows, and simulated streams whose precision drifts."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.casework.dispatching.bounds import MARGIN, WINDOW, Series, first_failing, judge

TARGET = 0.95


def holds(n: int, errors: int, *, target: float = TARGET) -> bool:
    return judge(Series(name="audited", n=n, agreed=n - errors), target=target).holds


def test_a_full_window_is_judged_by_its_lower_bound() -> None:
    """475 of 500 are 95.0 %, whose lower bound is 93.07 %; with one more error it is 92.9 %."""
    kept, lost = (
        judge(Series(name="a", n=500, agreed=475), target=TARGET),
        judge(Series(name="a", n=500, agreed=474), target=TARGET),
    )
    assert (kept.precision, lost.precision) == (0.95, 0.948)
    assert kept.low == pytest.approx(0.9308, abs=2e-4)
    assert lost.low < TARGET - MARGIN <= kept.low
    assert kept.holds
    assert not lost.holds


def test_without_any_checked_decision_nothing_speaks_against_it() -> None:
    empty = judge(Series(name="a", n=0, agreed=0), target=TARGET)
    assert empty.holds
    assert (empty.precision, empty.low) == (None, 0.0)


def test_a_few_good_decisions_do_not_stop_it_though_their_bound_is_low() -> None:
    few = judge(Series(name="a", n=20, agreed=20), target=TARGET)
    assert few.low < TARGET - MARGIN
    assert few.holds


def test_a_few_decisions_stop_it_when_chance_cannot_explain_their_errors() -> None:
    assert not holds(3, 3)
    assert not holds(10, 5)
    assert holds(10, 2)
    assert holds(2, 2)


def test_errors_that_spoil_the_window_whatever_follows_stop_it_before_it_is_full() -> None:
    assert holds(300, 25)
    assert not holds(300, 26)


@given(st.integers(0, WINDOW), st.integers(0, WINDOW), st.sampled_from((0.8, 0.9, 0.95, 0.99)))
def test_another_error_never_helps(n: int, errors: int, target: float) -> None:
    errors = min(errors, n)
    if not holds(n, errors, target=target) and errors < n:
        assert not holds(n, errors + 1, target=target)


def test_the_first_series_that_does_not_hold_is_named() -> None:
    good = judge(Series(name="good", n=500, agreed=499), target=TARGET)
    bad = judge(Series(name="bad", n=500, agreed=400), target=TARGET)
    assert first_failing([good]) is None
    assert first_failing([good, bad]) is bad


def decisions_until_stop(precision: list[float], *, seed: int) -> int | None:
    """Feed a stream of checked decisions, each right with its own probability; return after how many it stops."""
    chance, window = random.Random(seed), deque[bool](maxlen=WINDOW)
    for number, share in enumerate(precision, start=1):
        window.append(chance.random() < share)
        if not holds(len(window), len(window) - sum(window)):
            return number
    return None


def test_a_steady_stream_above_its_target_is_not_stopped() -> None:
    stops = [decisions_until_stop([0.98] * 4_000, seed=seed) for seed in range(20)]
    assert [stop for stop in stops if stop is not None] == []


def test_a_collapse_is_noticed_within_a_few_dozen_checked_decisions() -> None:
    after = [decisions_until_stop([0.98] * 500 + [0.5] * 500, seed=seed) for seed in range(20)]
    assert all(stop is not None and 500 < stop <= 560 for stop in after), after


def test_a_drift_is_noticed_before_one_window_of_decisions_has_passed() -> None:
    """From 98 % down to 85 % over 500 decisions, then steady: 5 of 100 more are wrong than promised."""
    drift = [0.98 - 0.13 * step / 500 for step in range(500)]
    after = [decisions_until_stop([0.98] * 500 + drift + [0.85] * 500, seed=seed) for seed in range(20)]
    assert all(stop is not None and 500 < stop <= 1_000 for stop in after), after


def test_a_model_that_was_never_good_is_stopped_at_its_beginning() -> None:
    stops = [decisions_until_stop([0.8] * 500, seed=seed) for seed in range(20)]
    assert all(stop is not None and stop <= 250 for stop in stops), stops
