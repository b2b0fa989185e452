"""Counts against those of an earlier period."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triage.trends.chance import false_discovery_rates, pooled_dispersion, two_sided
from triage.trends.results import Change

FDR = 0.05
_TELLING = 5
"""Pairs of counts with a smaller sum say little about how counts scatter."""


def compare(pairs: Sequence[tuple[int, int]], *, days_now: int, days_before: int) -> tuple[Change, ...]:
    """Compare the counts of many themes in two periods.

    How far counts scatter beyond chance is read off all pairs: most themes do not change from one week to the next, so the
    usual difference of a pair is what nothing in particular looks like.

    Args:
        pairs: Count now and before, of each theme.
        days_now: Length of the period now.
        days_before: Length of the earlier one.

    Returns:
        One for each pair, in order.
    """
    share = days_now / (days_now + days_before)
    scatter = pooled_dispersion(
        np.array(
            [
                (now - (now + before) * share) ** 2 / ((now + before) * share * (1.0 - share))
                for now, before in pairs
                if now + before >= _TELLING
            ]
        )
    )
    chances = [
        two_sided(now, now + before, share, dispersion=scatter) if now + before else 1.0 for now, before in pairs
    ]
    rates = false_discovery_rates(chances, tested=len(pairs)) if pairs else np.empty(0)
    return tuple(
        Change(
            now=now,
            before=before,
            rate=(now / days_now) / (before / days_before) - 1.0 if before else None,
            p=p,
            beyond_chance=bool(q <= FDR),
        )
        for (now, before), p, q in zip(pairs, chances, rates, strict=True)
    )
