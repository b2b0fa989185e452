"""From where more appeals of a theme come than from the city as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from triage.trends.chance import log_ratio, upper_tail
from triage.trends.results import Concentration
from triage.trends.rows import TrendRow
from triage.trends.series import Node, nodes_of, place_of

SURE = 0.01
_LEAST = 3
_LEAST_SHARE = 0.3
"""A place with less of the theme does not stand for it."""


def places_of_all(rows: Sequence[TrendRow]) -> Counter[Node]:
    """Count all appeals by place; those of unknown place are left out."""
    return Counter(node for row in rows if row.district for node in nodes_of(row.district, row.street))


def concentration(rows: Sequence[TrendRow], everything: Mapping[Node, int]) -> Concentration | None:
    """Return the lowest place at which a theme is concentrated, or None where it is spread like everything else.

    Of the districts and streets that are beyond chance the one with the highest likelihood ratio is returned: a street that
    holds it all has a higher one than its district.

    Args:
        rows: Appeals of the theme.
        everything: All appeals of the same time, by `places_of_all`.
    """
    here = places_of_all(rows)
    total = here[("", "")]
    all_of_it = everything.get(("", ""), 0) - total
    looked_at = [node for node in here if node != ("", "")]
    best: tuple[float, Node, float, float] | None = None
    for node in sorted(looked_at):
        count = here[node]
        if count < _LEAST or count < _LEAST_SHARE * total or all_of_it <= 0:
            continue
        share = (everything[node] - count + 0.5) / (all_of_it + 1.0)
        if share >= 1.0 or count <= total * share:
            continue
        p = min(1.0, upper_tail(count, total, share) * max(len(looked_at), 1))
        ratio = log_ratio(count, total, share)
        if p <= SURE and (best is None or ratio > best[0]):
            best = (ratio, node, share, p)
    if best is None:
        return None
    _, node, share, p = best
    return Concentration(
        place=place_of(node),
        count=here[node],
        expected=round(total * share, 1),
        share=round(here[node] / total, 4),
        p=p,
    )
