"""How the models do on what people decided: right ones, coverage, calibration, and who may see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from tests.store.filing import CLOCK, DISPATCHER, PROPOSED, add_units, file_appeal, person
from triage.casework import review
from triage.casework.desk import Desk
from triage.casework.model_figures import bins_of, calibration_error, figures
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import Refused
from triage.store.labels import JudgedProposal
from triage.testing import fake_desk

ANALYST = person("analyst")


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database)
    return fake_desk(database, clock=CLOCK)


def judged(confidence: float | None, *, right: bool) -> JudgedProposal:
    return JudgedProposal(at=CLOCK(), proposed="甲局", right=right, confidence=confidence)


def test_proposals_fall_into_ten_steps_of_probability() -> None:
    rows = [judged(0.0, right=False), judged(0.05, right=True), judged(0.95, right=True), judged(1.0, right=True)]
    bins = bins_of([*rows, judged(None, right=True)])
    assert [(one.low, one.share.n, one.share.right) for one in bins if one.share.n] == [(0.0, 2, 1), (0.9, 2, 2)]
    assert bins[9].stated == pytest.approx(0.975)


def test_the_calibration_error_is_the_mean_distance_weighted_by_number() -> None:
    rows = [judged(0.9, right=True)] * 3 + [judged(0.9, right=False)] + [judged(0.1, right=False)] * 4
    assert calibration_error(bins_of(rows)) == pytest.approx((4 * 0.15 + 4 * 0.1) / 8)
    assert calibration_error(bins_of([])) is None


def test_figures_count_what_people_kept_and_what_they_changed(database: Database, desk: Desk) -> None:
    kept, changed = file_appeal(database), file_appeal(database)
    file_appeal(database)
    review.confirm(desk, DISPATCHER, kept)
    review.reassign(desk, DISPATCHER, changed, unit=PROPOSED[1], reason="属住建职责")
    found = figures(desk, ANALYST)
    assert (found.overall.n, found.overall.right, found.received) == (2, 1, 3)
    assert [(row.unit, row.share.n, row.share.right) for row in found.units] == [(PROPOSED[0], 2, 1)]
    assert (found.automatic, found.coverage) == (0, 0.0)


def test_coverage_and_precision_come_from_what_could_have_gone_by_itself(database: Database, desk: Desk) -> None:
    ids = [file_appeal(database) for _ in range(4)]
    values = {"unit": PROPOSED[0], "bundle": "fake", "probability": 0.97, "outcome": "shadow", "at": CLOCK()}
    with database.transaction(EVERYWHERE) as connection:
        for place, appeal_id in enumerate(ids[:3]):
            row = {**values, "appeal_id": appeal_id, "agreed": (True, False, None)[place]}
            connection.execute(insert(schema.dispatching.dispatches).values(**row))
    found = figures(desk, ANALYST)
    assert (found.automatic, found.coverage) == (3, 0.75)
    assert (found.checked.n, found.checked.right) == (2, 1)


def test_only_the_days_asked_for_count(database: Database, desk: Desk) -> None:
    old = file_appeal(database)
    with database.transaction(EVERYWHERE) as connection:
        moment = CLOCK() - timedelta(days=40)
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == old).values(received_at=moment))
    assert figures(desk, ANALYST, days=30).received == 0
    assert figures(desk, ANALYST, days=60).received == 1


def test_figures_of_the_models_are_for_the_whole_city(desk: Desk) -> None:
    with pytest.raises(Refused, match="涉及全市"):
        figures(desk, person("analyst", "龙华区"))
    with pytest.raises(Refused, match="无权查看模型"):
        figures(desk, person("dispatcher"))
