"""Readable names for themes and bursts, and the words that go with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import log

from triage.trends.rows import TrendRow
from triage.trends.stop_words import ACTORS, VAGUE

LONGEST = 20
LEAST_PEOPLE = 3
"""A word that fewer people wrote is not shown: it could be a name."""
_NAMED = 3
_MOST_COMPANIONS = 4
_SHARE = 0.25
_LEAST_LIFT = 1.3


def companions(
    words: Sequence[str], rows: Sequence[TrendRow], everywhere: Mapping[str, int], total: int
) -> tuple[str, ...]:
    """Return the words that go with others: in a quarter of their appeals, of three people, and rarer elsewhere.

    Args:
        words: What the appeals have in common.
        rows: The appeals.
        everywhere: In how many of all appeals each word is.
        total: Number of all appeals.

    Returns:
        At most four, most telling first; none that is part of one of ``words`` or holds one.
    """
    people: dict[str, set[str]] = defaultdict(set)
    here: Counter[str] = Counter()
    for row in rows:
        here.update(row.keywords)
        for word in row.keywords:
            people[word].add(row.who)
    scored = []
    for word, count in here.items():
        if word in ACTORS or word in VAGUE:
            continue
        if len(people[word]) < LEAST_PEOPLE or count < _SHARE * len(rows) or any(_overlap(word, one) for one in words):
            continue
        lift = count / len(rows) * total / everywhere[word]
        if lift > _LEAST_LIFT:
            scored.append((-count * log(lift), word))
    return tuple(word for _, word in sorted(scored)[:_MOST_COMPANIONS])


def theme_name(words: Sequence[str], texts: Iterable[Sequence[str]], *, category: str) -> str:
    """Put the most telling words into the order in which people write them.

    Words that mostly follow each other directly are written as one (噪音扰民), others are set apart (油烟、门面).

    Args:
        words: Most telling first; the first three are used. Empty: the category gives the name.
        texts: Keywords of the appeals, each in the order of its text.
        category: Second-level category, for want of words.

    Returns:
        At most `LONGEST` characters; never empty.
    """
    chosen = _without_parts(words)[:_NAMED]
    if not chosen:
        return (category or "未分类")[:LONGEST]
    before, next_to = _orders(chosen, texts)
    ranked = sorted(chosen, key=lambda word: (-sum(before[word, other] for other in chosen), chosen.index(word)))
    name = ranked[0]
    for previous, word in pairwise(ranked):
        joined = next_to[previous, word] * 2 > before[previous, word] + before[word, previous] > 0
        longer = name + ("" if joined else "、") + word
        if len(longer) > LONGEST:
            break
        name = longer
    return name[:LONGEST]


def _without_parts(words: Sequence[str]) -> list[str]:
    """Leave out words that are part of an earlier one or have an earlier one as their part (公交 beside 公交车)."""
    kept: list[str] = []
    for word in words:
        if not any(_overlap(word, other) for other in kept):
            kept.append(word)
    return kept


def _overlap(word: str, other: str) -> bool:
    return word in other or other in word


def _orders(
    words: Sequence[str], texts: Iterable[Sequence[str]]
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Count in how many texts one word stands before another, and directly before it."""
    before: Counter[tuple[str, str]] = Counter()
    next_to: Counter[tuple[str, str]] = Counter()
    wanted = set(words)
    for text in texts:
        places = [(place, word) for place, word in enumerate(text) if word in wanted]
        for index, (place, word) in enumerate(places):
            for later, other in places[index + 1 :]:
                before[word, other] += 1
                next_to[word, other] += later == place + 1
    return before, next_to
