"""Hints while a call-taker is still writing: units, risk and appeals that may be the same. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal, prepare
from triage.casework.rights import require
from triage.decision import Candidate, Decision, DemandText, RiskDecision
from triage.events.arrival import Scored, score_arrival
from triage.store import appeals, search, signatures
from triage.store.access import Actor
from triage.store.appeals import AppealView

COMPARED = 8
"""Candidates that the pair scorer reads; fewer than at recording, since somebody is waiting at every stroke of a key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarHint:
    """A stored appeal that may be about the same matter.

    Attributes:
        appeal: Masked.
        probability: Of the same event, 0 to 1.
        vetoed: They name different places or organisations.
    """

    appeal: AppealView
    probability: float
    vetoed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """What can be said about a draft.

    Attributes:
        decision: As if it were received now, without an event.
        similar: Stored appeals the actor may see, most probable first.
    """

    decision: Decision
    similar: tuple[SimilarHint, ...]

    @property
    def units(self) -> tuple[Candidate, ...]:
        """Return the suggested units, best first; the functions where no directory names units."""
        return self.decision.unit.candidates or self.decision.functions

    @property
    def risk(self) -> RiskDecision:
        """Return the risk."""
        return self.decision.risk

    @property
    def demands(self) -> tuple[DemandText, ...]:
        """Return the separate demands."""
        return self.decision.demands


def hint(desk: Desk, actor: Actor, draft: NewAppeal) -> Hint:
    """Look at a draft.

    Args:
        desk: Composition.
        actor: Who is writing; only appeals of the actor's districts are named.
        draft: As far as it is written.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """
    require(actor, "appeal.hint")
    active = desk.current()
    (prepared,) = prepare(desk, active, [draft], scope=None)
    with desk.database.transaction(actor.scope) as connection:
        query = prepared.query(active.encoder.fingerprint, unrelated=active.encoder.unrelated)
        hits = search.candidates(connection, query, wanted=COMPARED, least=search.LEAST_CLOSENESS)
        read = signatures.load(connection, [hit.appeal_id for hit in hits])
        scored = score_arrival(
            prepared.signature,
            list(read.values()),
            scorer=desk.rarity.scorer(active.scorer),
            settings=desk.linking,
        )
        best = sorted((s for s in scored if s.probability >= desk.linking.show_at), key=lambda s: -s.probability)
        shown = best[: desk.linking.shown]
        views = appeals.get_many(connection, [UUID(s.id) for s in shown])
    return Hint(decision=prepared.decision, similar=tuple(_similar(s, views) for s in shown if UUID(s.id) in views))


def _similar(scored: Scored, views: dict[UUID, AppealView]) -> SimilarHint:
    return SimilarHint(appeal=views[UUID(scored.id)], probability=round(scored.probability, 4), vetoed=scored.vetoed)
