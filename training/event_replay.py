"""A stream received once more in the order of time, in memory: which event each appeal is given as it arrives.

Search, scores and choice are those of the store (`triage.store.search`, `triage.store.assignment`), with exact nearest
vectors in place of the graph and no database. A test receives one stream both ways and compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.pairs import PairScorer, TermFrequencies
from training.pairs import count_terms
from triage.casework.rarity import grown, merge
from triage.events.arrival import APPELLANT, Scored, choose_group, score_arrival
from triage.events.items import LinkSettings
from triage.events.signature import Signature
from triage.store.assignment import COMPARED, EVENTS, end_members
from triage.store.search import COMMON, LEAST_CLOSENESS, SHARED_WEIGHT, closeness_of
from triage.store.signatures import ASKED, SearchKeys, search_keys
from triage.store.term_counts import COUNTED
from triage.store.vectors import DenseEncoder

_HITS = 30
_COUNT_EVERY = 100

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StreamItem:
    """An appeal of a stream.

    Attributes:
        signature: For the pair scorer.
        text: Title and content, for its vector.
        fold: Which scorer judges it.
    """

    signature: Signature
    text: str
    fold: int = 0


def replay(
    items: Sequence[StreamItem],
    scorers: Mapping[int, PairScorer],
    encoder: DenseEncoder,
    *,
    settings: LinkSettings | None = None,
) -> dict[str, str]:
    """Give each appeal, in order, the event that it would get on arrival.

    Args:
        items: In the order of arrival.
        scorers: Fold → a scorer that may judge its appeals.
        encoder: Makes the vectors that candidates are found by; they must be comparable, so one for all.
        settings: Thresholds.

    Returns:
        Appeal → event, which is named after its first appeal.
    """
    stream = _Stream(settings or LinkSettings(), encoder.unrelated)
    vectors = encoder.encode([item.text for item in items])
    rarity = _Rarity()
    known: dict[int, PairScorer] = {}
    for row, item in enumerate(items):
        if row % _COUNT_EVERY == 0 and rarity.recount([one.signature for one in items[:row]]):
            known.clear()
        if item.fold not in known:
            known[item.fold] = rarity.of(scorers[item.fold])
        stream.receive(item.signature, vectors[row], known[item.fold])
    return stream.events


class _Rarity:
    """What the service does now and then (`triage.casework.rarity`)."""

    def __init__(self) -> None:
        self._stored = 0
        self._counted = TermFrequencies.count([])

    def recount(self, received: Sequence[Signature]) -> bool:
        if not grown(len(received), counted=self._stored):
            return False
        self._stored, self._counted = len(received), count_terms(received[-COUNTED:])
        return True

    def of(self, trained: PairScorer) -> PairScorer:
        return replace(trained, frequencies=merge(trained.frequencies, self._counted))


class _Stream:
    def __init__(self, settings: LinkSettings, unrelated: float) -> None:
        self.settings = settings
        self.unrelated = unrelated
        self.events: dict[str, str] = {}
        self._signatures: list[Signature] = []
        self._members: dict[str, list[int]] = defaultdict(list)
        self._vectors: list[Vectors] = []
        self._by_key: dict[tuple[str, int], list[int]] = defaultdict(list)

    def receive(self, new: Signature, vector: Vectors, scorer: PairScorer) -> None:
        keys = search_keys(new, scorer.frequencies)
        found = self._candidates(keys, new, vector)
        scored = self._score(new, found, scorer)
        ranked = sorted(scored.items(), key=lambda one: -one[1].probability)
        near = [row for row, one in ranked if one.probability >= self.settings.consider_at and not one.vetoed]
        names = list(dict.fromkeys(self.events[self._signatures[row].id] for row in near))[:EVENTS]
        members = {name: end_members(self._members[name]) for name in names}
        missing = [row for rows in members.values() for row in rows if row not in scored]
        scored |= self._score(new, missing, scorer)
        groups = {name: [scored[row] for row in rows] for name, rows in members.items()}
        link_at = self.settings.link_at if self.settings.link_at is not None else scorer.link_at
        joined = choose_group(groups, link_at=link_at)
        self._add(new, keys, vector, event=new.id if joined is None else joined)

    def _score(self, new: Signature, rows: Sequence[int], scorer: PairScorer) -> dict[int, Scored]:
        others = [self._signatures[row] for row in rows]
        own = [self._signatures[row] for row in self._by_key["user", new.user][: -APPELLANT - 1 : -1]]
        scores = score_arrival(new, others, scorer=scorer, settings=self.settings, appellant=own)
        return dict(zip(rows, scores, strict=True))

    def _candidates(self, keys: SearchKeys, new: Signature, vector: Vectors) -> list[int]:
        """Return the rows that `triage.store.search.candidates` would find, closest first."""
        closeness: defaultdict[int, float] = defaultdict(float)
        for row, cosine in _best(self._cosines(vector), _HITS):
            closeness[row] += closeness_of(cosine, unrelated=self.unrelated)
        weights = dict(zip(keys.terms[:ASKED].tolist(), keys.weights[:ASKED].tolist(), strict=True))
        shared = {
            "terms": self._shared("term", weights, lambda weight, _: weight / keys.asked),
            "places": self._shared("place", dict.fromkeys(keys.places.tolist(), 1.0), _place_weight),
            "text": dict.fromkeys(self._by_key["text", keys.text], 1.0),
            "appellant": dict.fromkeys(self._by_key["user", new.user], 1.0) if new.user else {},
        }
        for kind, found in shared.items():
            for row, score in _best(found.items(), _HITS):
                closeness[row] += SHARED_WEIGHT[kind] * score
        close = [row for row, value in closeness.items() if value >= LEAST_CLOSENESS]
        return sorted(close, key=lambda row: (-closeness[row], row))[:COMPARED]

    def _cosines(self, vector: Vectors) -> Iterable[tuple[int, float]]:
        return enumerate((np.stack(self._vectors) @ vector).tolist()) if self._vectors else ()

    def _shared(self, kind: str, keys: Mapping[int, float], score: Callable[[float, int], float]) -> dict[int, float]:
        found: dict[int, float] = defaultdict(float)
        for key, weight in keys.items():
            rows = self._by_key.get((kind, key), [])
            if len(rows) <= COMMON:
                for row in rows:
                    found[row] += score(weight, len(rows))
        return found

    def _add(self, new: Signature, keys: SearchKeys, vector: Vectors, *, event: str) -> None:
        row = len(self._signatures)
        self._signatures.append(new)
        self._vectors.append(vector)
        self._members[event].append(row)
        self.events[new.id] = event
        names = [("term", key) for key in keys.terms.tolist()] + [("place", key) for key in keys.places.tolist()]
        for name in {*names, ("text", keys.text), *((("user", new.user),) if new.user else ())}:
            self._by_key[name].append(row)


def _place_weight(_: float, many: int) -> float:
    return 1 - float(np.log(many) / np.log(COMMON + 1))


def _best(scores: Iterable[tuple[int, float]], wanted: int) -> list[tuple[int, float]]:
    """Return the highest scores, of equal ones the latest."""
    return sorted(scores, key=lambda one: (-one[1], -one[0]))[:wanted]
