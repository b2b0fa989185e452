"""Does an explanation name the words that matter? Delete them, and as many others, and compare."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from triage.appeal import Appeal
from triage.decision import Decision
from triage.service import Triage

DRAWS = 3
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DeletionResult:
    """In how many of the judged appeals deleting the shown words lowered the top probability more than chance."""

    better: int
    judged: int


def delete_and_compare(
    triage: Triage,
    appeals: Iterable[Appeal],
    *,
    first: Callable[[Decision], str],
    probability: Callable[[Triage, Appeal, str], float],
) -> DeletionResult:
    """Compare the shown words with random stretches of the same lengths.

    Args:
        triage: Decides and explains.
        appeals: Those too short for a comparison, or explained from the title alone, are left out.
        first: Name of the first candidate of a decision.
        probability: The probability of that candidate for a changed appeal.
    """
    dice = random.Random(0)
    better = judged = 0
    for appeal in appeals:
        decision = triage.decide(appeal)
        shown = [(s, e) for r in decision.explanation if r.kind == "words" for f, s, e in r.spans if f == "content"]
        if not shown or len(appeal.content) < 3 * sum(end - start for start, end in shown):
            continue
        name = first(decision)
        chance = [probability(triage, _without(appeal, _elsewhere(dice, appeal, shown)), name) for _ in range(DRAWS)]
        better += probability(triage, _without(appeal, shown), name) < sum(chance) / DRAWS
        judged += 1
    return DeletionResult(better, judged)


def _elsewhere(dice: random.Random, appeal: Appeal, spans: Sequence[Span]) -> list[Span]:
    starts = [dice.randrange(0, len(appeal.content) - (end - start)) for start, end in spans]
    return [(start, start + end - begin) for start, (begin, end) in zip(starts, spans, strict=True)]


def _without(appeal: Appeal, spans: Sequence[Span]) -> Appeal:
    dropped = {at for start, end in spans for at in range(start, end)}
    return replace(appeal, content="".join(c for at, c in enumerate(appeal.content) if at not in dropped))
