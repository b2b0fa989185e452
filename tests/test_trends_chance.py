from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from triage.trends.chance import false_discovery_rates, log_ratio, pooled_dispersion, two_sided, upper_tail
from triage.trends.kleinberg import TwoStates, burst_stretches


def test_without_extra_scatter_the_tail_is_the_binomial_one() -> None:
    for count, total, share in ((3, 40, 0.04), (12, 30, 0.2), (1, 5, 0.5), (30, 30, 0.1)):
        assert upper_tail(count, total, share) == pytest.approx(stats.binom.sf(count - 1, total, share), rel=1e-9)


def test_with_extra_scatter_the_tail_is_the_beta_binomial_one() -> None:
    count, total, share, dispersion = 9, 60, 0.05, 1.8
    size = total / (dispersion - 1.0)
    expected = stats.betabinom.sf(count - 1, total, size * share, size * (1 - share))
    assert upper_tail(count, total, share, dispersion=dispersion) == pytest.approx(expected, rel=1e-6)


def test_the_more_counts_scatter_the_less_surprising_is_a_high_one() -> None:
    tails = [upper_tail(9, 60, 0.05, dispersion=scatter) for scatter in (1.0, 1.3, 2.0, 4.0)]
    assert tails == sorted(tails)
    assert tails[-1] > 10 * tails[0]


@given(
    total=st.integers(1, 400),
    part=st.floats(0.0, 1.0),
    share=st.floats(0.001, 0.999),
    dispersion=st.floats(1.0, 8.0),
)
def test_a_probability_stays_between_nothing_and_one(total: int, part: float, share: float, dispersion: float) -> None:
    count = round(part * total)
    p = upper_tail(count, total, share, dispersion=dispersion)
    assert 0.0 <= p <= 1.0
    assert p >= upper_tail(count + 1, total, share, dispersion=dispersion) - 1e-9
    assert 0.0 <= two_sided(count, total, share, dispersion=dispersion) <= 1.0


def test_a_fall_is_as_significant_as_a_rise() -> None:
    assert two_sided(2, 30, 0.5) == pytest.approx(two_sided(28, 30, 0.5))
    assert two_sided(2, 30, 0.5) < 0.001
    assert two_sided(15, 30, 0.5) == 1.0


def test_there_is_no_ratio_where_there_is_no_excess() -> None:
    assert log_ratio(3, 60, 0.05) == 0.0
    assert log_ratio(30, 60, 0.05) > log_ratio(10, 60, 0.05) > 0.0
    assert log_ratio(5, 5, 0.05) == pytest.approx(5 * np.log(20))


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    p = np.array([0.9, 0.001, 0.04, 0.2, 0.008])
    assert false_discovery_rates(p, tested=5) == pytest.approx(stats.false_discovery_control(p))


def test_series_that_are_not_listed_count_as_looked_at() -> None:
    assert false_discovery_rates([0.001], tested=1000)[0] == 1.0
    assert false_discovery_rates([], tested=10).size == 0


def test_single_bursts_do_not_make_all_series_look_scattered() -> None:
    plain = np.ones(200)
    assert pooled_dispersion(np.concatenate([plain, [500.0] * 5])) == pytest.approx(1.0, abs=0.05)
    assert pooled_dispersion(plain * 3.0) == pytest.approx(2.9, abs=0.1)
    assert pooled_dispersion(np.empty(0)) == 1.0


def test_two_states_find_where_a_burst_begins_and_ends() -> None:
    quiet, loud = [(1.0, 50.0)] * 20, [(9.0, 50.0)] * 6
    (found,) = burst_stretches([*quiet, *loud, *quiet], 0.02)
    assert (found.first, found.last) == (20, 25)
    assert found.weight > 0


def test_two_states_take_a_single_day_for_chance() -> None:
    assert burst_stretches([(1.0, 50.0)] * 20 + [(4.0, 50.0)] + [(1.0, 50.0)] * 20, 0.02) == ()


def test_a_day_without_appeals_changes_nothing() -> None:
    quiet, loud = [(1.0, 50.0)] * 10, [(8.0, 50.0)] * 3
    (found,) = burst_stretches([*quiet, *loud, (0.0, 0.0), *loud], 0.02)
    assert (found.first, found.last) == (10, 16)


def test_following_day_by_day_is_the_same_as_looking_back() -> None:
    days = [(1.0, 50.0)] * 10 + [(9.0, 50.0)] * 4
    course = TwoStates(0.02)
    for relevant, total in days:
        course.push(relevant, total)
    assert course.stretches() == burst_stretches(days, 0.02)


@pytest.mark.parametrize(("usual", "factor"), [(0.0, 2.0), (1.0, 2.0), (0.1, 1.0)])
def test_two_states_need_a_share_and_something_above_it(usual: float, factor: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        TwoStates(usual, factor=factor)
