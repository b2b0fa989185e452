"""How well predicted events agree with annotated ones: over pairs, and per message (B-cubed)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldEvent:
    """The annotated event of one message.

    Attributes:
        id: The message.
        event: Its event; messages of one event share it.
        batch: Messages are compared inside one batch only.
        ambiguous: Annotators could not say; the message is not judged.
    """

    id: str
    event: str
    batch: str
    ambiguous: bool = False

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> GoldEvent:
        """Build from one parsed line of an events file.

        Raises:
            KeyError: If ``id``, ``event`` or ``batch`` is missing.
        """
        return cls(
            id=str(record["id"]),
            event=str(record["event"]),
            batch=str(record["batch"]),
            ambiguous=bool(record.get("ambiguous", False)),
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean, each 0 to 1.

    Attributes:
        precision: Share of what was linked that is right; 1 when nothing was linked.
        recall: Share of what should be linked that was; 1 when nothing should.
        n: What was judged: pairs that are linked in truth or prediction, or messages.
    """

    precision: float
    recall: float
    n: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 when both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EventScores:
    """Agreement over pairs, over pairs without the largest event, and per message (Bagga and Baldwin 1998, B-cubed)."""

    pairs: Agreement
    pairs_without_largest: Agreement
    b_cubed: Agreement
    messages: int


IgnoredPairs = Collection[frozenset[str]]
"""Pairs of events between which a link is neither right nor wrong."""


def ignored_pairs(records: Iterable[Sequence[str]]) -> IgnoredPairs:
    """Read pairs of event names, as a parsed ignore_pairs.json holds them."""
    return {frozenset(record) for record in records}


def score_events(
    gold: Iterable[GoldEvent], predicted: Mapping[str, str], *, ignored: IgnoredPairs = frozenset()
) -> EventScores:
    """Compare predicted with annotated events.

    Args:
        gold: Annotations; ambiguous ones are left out.
        predicted: Message → predicted event. A message that is absent stands alone.
        ignored: Pairs of annotated events not to be judged.
    """
    judged = [item for item in gold if not item.ambiguous]
    sizes = Counter(item.event for item in judged)
    # Ties go to the first name, so that the same file always leaves out the same event.
    largest = min(sizes, key=lambda event: (-sizes[event], event)) if sizes else ""
    rest = [item for item in judged if item.event != largest]
    return EventScores(
        pairs=_pairs(judged, predicted, ignored),
        pairs_without_largest=_pairs(rest, predicted, ignored),
        b_cubed=_b_cubed(judged, predicted, ignored),
        messages=len(judged),
    )


def agreement(left: Mapping[str, str], right: Mapping[str, str]) -> float:
    """Return the share of pairs that both groupings join, among those that either joins; 1 when none is joined.

    Args:
        left: Item → group.
        right: Item → group; only items of both are compared.
    """
    shared = left.keys() & right.keys()
    both = _joined(Counter((left[item], right[item]) for item in shared))
    either = _joined(Counter(left[item] for item in shared)) + _joined(Counter(right[item] for item in shared)) - both
    return both / either if either else 1.0


def _joined(sizes: Mapping[object, int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def _pairs(items: Sequence[GoldEvent], predicted: Mapping[str, str], ignored: IgnoredPairs) -> Agreement:
    right = linked = true = either = 0
    for batch in _batches(items):
        for at, a in enumerate(batch):
            for b in batch[at + 1 :]:
                if ignored and frozenset((a.event, b.event)) in ignored:
                    continue
                same = a.event == b.event
                said = _event(a, predicted) == _event(b, predicted)
                right += same and said
                linked += said
                true += same
                either += same or said
    return Agreement(right / linked if linked else 1.0, right / true if true else 1.0, either)


def _b_cubed(items: Sequence[GoldEvent], predicted: Mapping[str, str], ignored: IgnoredPairs) -> Agreement:
    precision = recall = 0.0
    for batch in _batches(items):
        for a in batch:
            fair = [
                b for b in batch if not ignored or a.event == b.event or frozenset((a.event, b.event)) not in ignored
            ]
            same = {b.id for b in fair if b.event == a.event}
            said = {b.id for b in fair if _event(b, predicted) == _event(a, predicted)}
            precision += len(same & said) / len(said)
            recall += len(same & said) / len(same)
    count = len(items)
    return Agreement(precision / count if count else 1.0, recall / count if count else 1.0, count)


def _event(item: GoldEvent, predicted: Mapping[str, str]) -> str:
    return predicted.get(item.id, f"alone {item.id}")


def _batches(items: Iterable[GoldEvent]) -> list[list[GoldEvent]]:
    batches: dict[str, list[GoldEvent]] = defaultdict(list)
    for item in items:
        batches[item.batch].append(item)
    return list(batches.values())
