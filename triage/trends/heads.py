"""The words that split a category into themes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import NamedTuple

from triage.trends.naming import companions
from triage.trends.rows import TrendRow
from triage.trends.stop_words import ACTOR_ENDS, ACTORS, COMPANIONS, VAGUE

LEAST = 3
"""A theme is reported by at least so many people in the rows it is made from."""
_LEAST_LIFT = 1.3
"""A head is at least so much more frequent in its category than among all appeals, unless the category is most of them."""
_MOST_LOG_LIFT = 2.0
_OPENING = 5
"""Keywords at the beginning, most of them from the title, say half as much again what an appeal is about."""
_MOST_HEADS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Appeals of one category that share a word.

    Attributes:
        l2: The category.
        head: The word; empty for those of the category that share none.
        companions: Words that go with it, most telling first.
        rows: In the order given.
    """

    l2: str
    head: str
    companions: tuple[str, ...]
    rows: tuple[TrendRow, ...]


def group_rows(rows: Sequence[TrendRow]) -> tuple[Group, ...]:
    """Split appeals into themes, each appeal into one.

    Within a category the word is chosen that covers most of what is left, counting a word the more the more particular it is
    to the category; its appeals are taken out, and so on until no word covers three people. Simple and repeatable: why an
    appeal is in a theme can be seen from its text, and nothing is drawn at random.

    Args:
        rows: Each id once; their order decides nothing but the order within groups.
    """
    parts = _parts({word for row in rows for word in row.keywords})
    everywhere = Counter(word for row in rows for word in _words(row, parts))
    categories: dict[str, list[TrendRow]] = defaultdict(list)
    for row in rows:
        categories[row.l2].append(row)
    found: list[Group] = []
    for l2 in sorted(categories):
        found += _Category(l2, categories[l2], parts, _City(everywhere, len(rows))).groups()
    return tuple(found)


class _City(NamedTuple):
    """All appeals: in how many of them each word is, and how many there are."""

    everywhere: Mapping[str, int]
    total: int


class _Category:
    def __init__(self, l2: str, rows: Sequence[TrendRow], parts: Mapping[str, Sequence[str]], city: _City) -> None:
        self._l2, self._rows, self._city = l2, rows, city
        self._lifts = self._particular([_words(row, parts) for row in rows])
        self._weights = [self._weighed(row, parts) for row in rows]
        self._holders: dict[str, list[int]] = defaultdict(list)
        for index, weights in enumerate(self._weights):
            for word in weights:
                self._holders[word].append(index)

    def groups(self) -> list[Group]:
        left = set(range(len(self._rows)))
        gains: dict[str, float] = defaultdict(float)
        for weights in self._weights:
            for word, weight in weights.items():
                gains[word] += weight
        found: list[Group] = []
        while gains and len(found) < _MOST_HEADS:
            head = min(gains, key=lambda word: (-gains[word], word))
            members = [index for index in self._holders[head] if index in left]
            if len({self._rows[index].who for index in members}) < LEAST:
                del gains[head]
                continue
            left.difference_update(members)
            for index in members:
                for word, weight in self._weights[index].items():
                    if word in gains:
                        gains[word] -= weight
            gains.pop(head)
            found.append(self._group(head, members))
        return [*found, self._group("", sorted(left))] if left else found

    def _particular(self, texts: Sequence[Collection[str]]) -> dict[str, float]:
        """Return the words that may become heads, with the logarithm of how particular they are to the category."""
        people: dict[str, set[str]] = defaultdict(set)
        here: Counter[str] = Counter()
        for row, words in zip(self._rows, texts, strict=True):
            here.update(words)
            for word in words:
                people[word].add(row.who)
        size, total = len(self._rows), self._city.total
        least = min(_LEAST_LIFT, sqrt(total / size))
        found: dict[str, float] = {}
        for word, count in here.items():
            if len(people[word]) < LEAST or self._is_no_matter(word):
                continue
            lift = (count + 0.5) / (size + 1) * (total + 1) / (self._city.everywhere[word] + 0.5)
            if lift >= least:
                found[word] = min(_MOST_LOG_LIFT, log(max(lift, _LEAST_LIFT)))
        return found

    def _is_no_matter(self, word: str) -> bool:
        """Return whether a word names a body, is vague, or only says again what the category's name says."""
        return _is_body(word) or word in VAGUE or word in COMPANIONS or word in self._l2

    def _weighed(self, row: TrendRow, parts: Mapping[str, Sequence[str]]) -> dict[str, float]:
        weights: dict[str, float] = {}
        for place, keyword in enumerate(row.keywords):
            for word in parts[keyword]:
                if word in self._lifts:
                    weights.setdefault(word, self._lifts[word] * (1.5 if place < _OPENING else 1.0))
        return weights

    def _group(self, head: str, members: Sequence[int]) -> Group:
        rows = tuple(self._rows[index] for index in members)
        return Group(
            l2=self._l2,
            head=head,
            companions=companions((head,), rows, self._city.everywhere, self._city.total) if head else (),
            rows=rows,
        )


def _words(row: TrendRow, parts: Mapping[str, Sequence[str]]) -> set[str]:
    return {word for keyword in row.keywords for word in parts[keyword]}


def _parts(keywords: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each keyword those that it begins with, itself among them: 公交线路 counts for 公交 as well.

    The name of a body counts for itself only: 派出所 is nothing sent out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for keyword in keywords:
        ends = range(2, len(keyword)) if not _is_body(keyword) else ()
        found[keyword] = (keyword, *(keyword[:end] for end in ends if keyword[:end] in keywords))
    return found


def _is_body(word: str) -> bool:
    return word in ACTORS or word.endswith(ACTOR_ENDS)
