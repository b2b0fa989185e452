"""Fakes for tests of programs that use triage: no model file, no loading time, answers that can be foretold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from models.pairs import Line, PairModel, PairScorer, TermFrequencies, Trees, WordMeanings
from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage, Desk, open_desk
from triage.casework.dispatch_policy import ON, Policy
from triage.decision import (
    AUTO,
    REVIEW,
    AreaDecision,
    Candidate,
    CategoryCandidate,
    Decision,
    EventDecision,
    Reason,
    RiskDecision,
    UnitDecision,
)
from triage.directory import Directory
from triage.document import read_document
from triage.events import WordCutter
from triage.events.features import FEATURES
from triage.evidence import Clauses
from triage.pipeline.options import Engine
from triage.reading import Reading
from triage.rules import color
from triage.service import Context
from triage.store.database import Database
from triage.store.vectors import HashedProjection
from triage.text.normalise import NORMALISER_VERSION

_NOTHING = np.zeros(0, dtype=np.float32)
_NO_CLAUSES = Clauses(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.float32))


class FakeDecider:
    """Decides by one word each: 垃圾 goes to 城管局 automatically, all else to 住建局 by hand; 讨薪 is a red risk.

    Its ``read`` and ``decide_readings`` are those of `triage.service.Triage`.

    Attributes:
        bundle: What decisions name as their model.
        directory: None; a test may set one.
    """

    def __init__(self, bundle: str = "fake") -> None:
        """Store the name."""
        self.bundle = bundle
        self.directory: Directory | None = None

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        """Normalise and mask, as the real one does; all scores are empty or zero."""
        return [
            Reading(
                document=read_document(appeal),
                functions=_NOTHING,
                categories=_NOTHING,
                types=_NOTHING,
                risk_level=4 if "讨薪" in appeal.content else 0,
                risk_levels=_NOTHING,
                risk_score=0.0,
                factors=_NOTHING,
                emergency=0.0,
                units=_NOTHING,
                places=(),
                phrases=frozenset(),
                local_area=None,
                clauses=_NO_CLAUSES,
                route_credit=_NOTHING,
            )
            for appeal in appeals
        ]

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        """Decide."""
        surroundings = contexts if contexts is not None else [Context()] * len(readings)
        return [self._decide(*pair) for pair in zip(readings, surroundings, strict=True)]

    def _decide(self, reading: Reading, context: Context) -> Decision:
        appeal, level = reading.document.appeal, reading.risk_level
        waste = "垃圾" in reading.document.text
        function = Candidate("城管局" if waste else "住建局", 0.9)
        return Decision(
            id=appeal.id,
            unit=UnitDecision((function,), AUTO if waste else REVIEW, "按关键词"),
            functions=(function,),
            area=AreaDecision(),
            categories=(CategoryCandidate("城乡建设", "市容环境", 0.8),),
            types=(Candidate("投诉", 0.8),),
            risk=RiskDecision(
                level=level,
                color=color(level),
                probabilities=(0.2,) * 5,
                score=float(level >= 3),
                emergency=0.0,
                factors=(),
                evidence=(),
            ),
            event=context.event or EventDecision(f"E-{appeal.id}"),
            explanation=(Reason("words", "垃圾" if waste else "其他"),),
            demands=(),
            level=Reason("市级", "测试"),
            assisting=(),
            route_out=None,
            deadline=None,
            bundle=self.bundle,
            normaliser=NORMALISER_VERSION,
        )


class NoSample(Policy):
    """Draws no appeal for people, so that a test can foretell what is dispatched."""

    def draws(self, secret: bytes, appeal_id: UUID) -> bool:
        """Return False."""
        return False


def dispatch_at_once() -> Policy:
    """Return a policy that dispatches whatever is certain and tells the unit at once."""
    return NoSample(mode=ON, recall=timedelta())


class PairCutter(WordCutter):
    """Cuts text into pieces of two characters; loads no dictionary."""

    def cut(self, text: str) -> list[str]:
        """Cut a text."""
        return [text[at : at + 2] for at in range(0, len(text), 2)]

    def rarity(self, word: str) -> float:
        """Return how rare a word is: all alike."""
        return 0.5


def same_text_scorer() -> PairScorer:
    """Return a pair scorer that holds two appeals for one event exactly when their texts are the same."""
    trees = Trees(
        roots=np.array([0], dtype=np.int32),
        feature=np.array([FEATURES.index("same_text"), 0, 0], dtype=np.int16),
        threshold=np.array([0.5, 0.0, 0.0]),
        left=np.array([1, 1, 2], dtype=np.int32),
        right=np.array([2, 1, 2], dtype=np.int32),
        value=np.array([0.0, -12.0, 12.0], dtype=np.float32),
        depth=1,
    )
    flat = np.zeros(len(FEATURES), dtype=np.float32)
    line = Line(centre=flat, scale=flat + np.float32(1), weights=flat, intercept=0.0)
    model = PairModel(trees=trees, bias=0.0, line=line)
    return PairScorer(
        feature_names=FEATURES,
        titled=model,
        untitled=model,
        link_at=0.5,
        frequencies=TermFrequencies.count([]),
        meanings=WordMeanings.none(),
    )


def fake_engine(bundle: str = "fake") -> Engine:
    """Return an engine of both fakes."""
    return Engine(FakeDecider(bundle), same_text_scorer(), bundle)


def fake_active(bundle: str = "fake") -> ActiveTriage:
    """Return active models of both fakes; their vectors are those of the hashed projection."""
    return ActiveTriage(
        triage=FakeDecider(bundle), bundle=bundle, scorer=same_text_scorer(), encoder=HashedProjection()
    )


def fake_desk(
    database: Database,
    *,
    active: ActiveTriage | None = None,
    clock: Callable[[], datetime] | None = None,
    dispatch: Policy | None = None,
) -> Desk:
    """Return a desk with fake models over a real database."""
    return open_desk(
        database,
        active or fake_active(),
        secret=b"of a test, not a secret",
        clock=clock,
        words=PairCutter(),
        dispatch=dispatch,
    )
