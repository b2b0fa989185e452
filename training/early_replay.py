"""The message stream, received once more in the order of time by the real service: store, linker, rules and warnings.

Each message is linked by a pair scorer that has learned from no message of its fold, and its risk is that of models which
have not seen its matter (`training.early_scores`).
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from models.pairs import WordMeanings
from training.corpus import EventCorpus
from training.early_scores import MessageRisk
from training.pairs import train_pairs_by_fold
from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage, Desk, open_desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive
from triage.decision import (
    REVIEW,
    AreaDecision,
    Candidate,
    Decision,
    EventDecision,
    Reason,
    RiskDecision,
    UnitDecision,
)
from triage.directory import Directory
from triage.document import Document, read_document
from triage.escalation import risk_scores
from triage.events import WordCutter
from triage.evidence import Clauses
from triage.linking import event_item
from triage.reading import Reading
from triage.rules import Danger, color, life_danger
from triage.service import Context
from triage.store.access import SYSTEM
from triage.store.opening import open_store
from triage.store.settings import StoreSettings
from triage.store.vectors import HashedProjection
from triage.text.normalise import NORMALISER_VERSION

_COUNT_EVERY = 200
"""Appeals after which the store's term frequencies are looked at, as the service does every ten minutes."""

_NOTHING = np.zeros(0, dtype=np.float32)
_NO_CLAUSES = Clauses(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.float32))

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """One message as the service received it.

    Attributes:
        id: The message.
        at: When it came.
        event: Number of the event it was given.
        person: Number of its appellant.
        level: 0 … 4, after the rules of danger.
        score: P(level ≥ 3), after the rules of danger.
    """

    id: str
    at: datetime
    event: int
    person: int
    level: int
    score: float


class OutOfFold:
    """States type and risk as models did that have not seen the matter; raised by the rules of danger as in service.

    Units, explanations and the rest of a decision play no part in linking and warning and are left empty.
    """

    def __init__(self, risks: Mapping[tuple[str, str], MessageRisk]) -> None:
        """Store the risks: title and content → risk."""
        self._risks = risks
        self._documents: dict[tuple[str, str], Document] = {}
        self._dangers: dict[str, Danger | None] = {}

    @property
    def directory(self) -> Directory | None:
        """Return nothing: the city's units are not part of this."""
        return None

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        """Read appeals; a text that came in an earlier run is not normalised anew."""
        return [self._one(appeal) for appeal in appeals]

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        """Decide type, risk and event."""
        surroundings = contexts if contexts is not None else [Context()] * len(readings)
        return [self._decide(*pair) for pair in zip(readings, surroundings, strict=True)]

    def _one(self, appeal: Appeal) -> Reading:
        key = (appeal.title, appeal.content)
        if key not in self._documents:
            self._documents[key] = read_document(appeal)
        risk = self._risks[key]
        edges = np.array([1.0, *risk.at_least, 0.0], dtype=np.float32)
        return Reading(
            document=replace(self._documents[key], appeal=appeal),
            functions=_NOTHING,
            categories=_NOTHING,
            types=_NOTHING,
            risk_level=risk.level,
            risk_levels=edges[:-1] - edges[1:],
            risk_score=risk.at_least[2],
            factors=_NOTHING,
            emergency=0.0,
            units=_NOTHING,
            places=(),
            phrases=frozenset(),
            local_area=None,
            clauses=_NO_CLAUSES,
            route_credit=_NOTHING,
        )

    def _decide(self, reading: Reading, context: Context) -> Decision:
        appeal, text = reading.document.appeal, reading.document.text
        if text not in self._dangers:
            self._dangers[text] = life_danger(text)
        scores = risk_scores(reading, self._dangers[text])
        return Decision(
            id=appeal.id,
            unit=UnitDecision((), REVIEW, ""),
            functions=(),
            area=AreaDecision(),
            categories=(),
            types=(Candidate(self._risks[appeal.title, appeal.content].type, 1.0),),
            risk=RiskDecision(
                level=scores.level,
                color=color(scores.level),
                probabilities=tuple(float(p) for p in scores.probabilities),
                score=scores.score,
                emergency=scores.emergency,
                factors=(),
                evidence=(),
            ),
            event=context.event or EventDecision(f"E-{appeal.id}"),
            explanation=(),
            demands=(),
            level=Reason("", ""),
            assisting=(),
            route_out=None,
            deadline=None,
            bundle="out of fold",
            normaliser=NORMALISER_VERSION,
        )


def replay(
    corpus: EventCorpus, risks: Mapping[str, MessageRisk], meanings: WordMeanings, *, seed: int, say: Say
) -> list[Arrived]:
    """Receive the stream and return its arrivals in the order of time.

    Args:
        corpus: The stream.
        risks: Message → its risk.
        meanings: What words mean; learned without annotation.
        seed: Of the pair scorers.
        say: Takes a line on what is being done.
    """
    items = [event_item(read_document(message), type_=risks[message.id].type) for message in corpus.messages]
    folds = {id_: risk.fold for id_, risk in risks.items()}
    reader = OutOfFold({(m.title, m.content): risks[m.id] for m in corpus.messages})
    active: dict[int, ActiveTriage] = {}
    for fold, scorer in train_pairs_by_fold(items, corpus.events, folds, meanings=meanings, seed=seed):
        say(f"pair scorer without fold {fold + 1}")
        # Vectors must be comparable, so the encoder is one for all; it learns from no annotation.
        encoder = active[min(active)].encoder if active else HashedProjection(scorer.frequencies)
        active[fold] = ActiveTriage(triage=reader, bundle="out of fold", scorer=scorer, encoder=encoder)
    say("receiving the stream")
    return receive_all(corpus.messages, folds, active)


def receive_all(
    messages: Sequence[Appeal], folds: Mapping[str, int], active: Mapping[int, ActiveTriage]
) -> list[Arrived]:
    """Receive messages in the order of time into a store of their own, which is thrown away.

    Args:
        messages: Each with its time.
        folds: Message → fold.
        active: Fold → the models that may judge its messages.

    Raises:
        ValueError: A message has no time.
    """
    ordered = sorted(messages, key=lambda message: (_time(message), message.id))
    clock = _Clock(_time(ordered[0]))
    with (
        tempfile.TemporaryDirectory(prefix="triage-") as folder,
        open_store(StoreSettings(data=Path(folder) / "data")) as store,
    ):
        desk = open_desk(store.database, active[min(active)], secret=store.secret, clock=clock, words=WordCutter())
        events: dict[object, int] = {}
        people: dict[str, int] = {}
        found = []
        for number, message in enumerate(ordered):
            if number % _COUNT_EVERY == 0:
                desk.rarity.refresh(desk.database)
            clock.now = _time(message)
            desk.current.replace(active[folds[message.id]])
            receipt = _receive(desk, message)
            risk = receipt.decision_record["risk"]
            arrived = Arrived(
                id=message.id,
                at=clock.now,
                event=events.setdefault(receipt.event_id, len(events)),
                person=people.setdefault(message.user or message.id, len(people)),
                level=int(risk["level"]),
                score=float(risk["score"]),
            )
            found.append(arrived)
        return found


def _receive(desk: Desk, message: Appeal) -> Receipt:
    at = desk.clock()
    new = NewAppeal(content=message.content, title=message.title, user=message.user, created_at=at, received_at=at)
    return receive(desk, SYSTEM, new)


class _Clock:
    """Shows the time of the message at hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _time(message: Appeal) -> datetime:
    if message.created_at is None:
        raise ValueError(f"message {message.id} has no time; the stream cannot be put in order")
    return message.created_at


def write_arrivals(arrivals: Iterable[Arrived], path: Path) -> None:
    """Write a run as CSV; ids and numbers only."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Arrived.__slots__)
        for one in arrivals:
            writer.writerow([one.id, one.at.isoformat(), one.event, one.person, one.level, one.score])


def read_arrivals(path: Path) -> list[Arrived]:
    """Read what `write_arrivals` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Arrived(
                id=row["id"],
                at=datetime.fromisoformat(row["at"]),
                event=int(row["event"]),
                person=int(row["person"]),
                level=int(row["level"]),
                score=float(row["score"]),
            )
            for row in csv.DictReader(file)
        ]
