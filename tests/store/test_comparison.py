"""Champion against challenger: only what neither has learned from, unit by unit, with the bounds of the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.store.filing import DISPATCHER, StandingClock, add_units, file_appeal
from triage.appeal import Appeal
from triage.casework import evaluation, review
from triage.casework.desk import ActiveTriage
from triage.casework.evaluation import Comparison, compare, compare_on, rehearsal_of
from triage.decision import AUTO, REVIEW, Candidate, Decision, UnitDecision
from triage.reading import Reading
from triage.service import Context
from triage.store.database import Database
from triage.testing import FakeDecider, fake_active, fake_desk


class Knower(FakeDecider):
    """Proposes the unit that stands in the text, except of units it does not know."""

    def __init__(self, name: str, unknown: Sequence[str] = ()) -> None:
        super().__init__(name)
        self.unknown = unknown

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        decided = super().decide_readings(readings, contexts=contexts)
        return [replace(one, unit=self._unit(reading)) for one, reading in zip(decided, readings, strict=True)]

    def _unit(self, reading: Reading) -> UnitDecision:
        named = reading.document.text.strip()
        name = "某局" if named in self.unknown else named
        return UnitDecision((Candidate(name, 0.9),), REVIEW, "")


def knowing(name: str, *unknown: str) -> ActiveTriage:
    return replace(fake_active(name), triage=Knower(name, unknown))


def cases(**counts: int) -> list[tuple[Appeal, str]]:
    return [
        (Appeal(id=f"{unit}{number}", content=unit), unit) for unit, count in counts.items() for number in range(count)
    ]


def test_gains_losses_and_the_bounds_of_the_change_are_told() -> None:
    found = compare_on(knowing("new", "乙局"), knowing("old", "甲局"), cases(甲局=40, 乙局=10, 丙局=50))
    assert (found.n, found.gained, found.lost) == (100, 40, 10)
    assert found.difference is not None
    low, high = found.difference
    assert low < 0.30 < high
    assert low > 0.15
    assert found.candidate is not None
    assert found.candidate.top1 == pytest.approx(0.9)


def test_a_better_average_is_not_paid_for_by_one_unit() -> None:
    found = compare_on(knowing("new", "乙局"), knowing("old", "甲局"), cases(甲局=40, 乙局=10, 丙局=50))
    assert found.worse == ("乙局的 10 件中首选正确的减少 10 件",)


def test_what_chance_does_to_a_unit_is_no_reason_to_stay() -> None:
    found = compare_on(knowing("new", "乙局"), knowing("old", "甲局"), cases(甲局=40, 乙局=3, 丙局=50))
    assert (found.lost, found.worse) == (3, ())


def test_two_bundles_that_decide_alike_differ_by_nothing_with_open_bounds() -> None:
    found = compare_on(knowing("a"), knowing("b"), cases(甲局=40))
    assert (found.gained, found.lost, found.worse) == (0, 0, ())
    assert found.difference is not None
    low, high = found.difference
    assert low < 0 < high


def test_what_one_of_the_two_has_learned_from_is_not_compared(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_units(database)
    clock = StandingClock()
    desk = fake_desk(database, clock=clock)
    for _ in range(3):
        review.confirm(desk, DISPATCHER, file_appeal(database))
    learned = clock()
    clock.pass_(days=1)
    for _ in range(2):
        review.confirm(desk, DISPATCHER, file_appeal(database))
    known: dict[str, datetime] = {}
    monkeypatch.setattr(evaluation, "learned_until", lambda active: known.get(active.bundle))
    assert compare(desk, knowing("new"), knowing("old")).n == 5
    known["new"] = learned
    assert compare(desk, knowing("new"), knowing("old")).n == 2
    known["old"] = clock() + timedelta(days=1)
    nothing = compare(desk, knowing("new"), knowing("old"))
    assert (nothing.n, nothing.judged) == (0, False)


class Sure(Knower):
    """Dispatches everything without a person."""

    def _unit(self, reading: Reading) -> UnitDecision:
        return replace(super()._unit(reading), decision=AUTO)


def sure(name: str, *unknown: str) -> ActiveTriage:
    return replace(fake_active(name), triage=Sure(name, unknown))


def test_a_few_errors_of_few_automatic_dispatches_are_no_reason_to_stay() -> None:
    few = compare_on(sure("new", "乙局"), sure("old", "丙局"), cases(甲局=45, 乙局=2, 丙局=2))
    assert few.candidate is not None
    assert few.candidate.auto_precision == pytest.approx(47 / 49)
    assert few.worse == ()
    many = compare_on(sure("new", "乙局"), sure("old"), cases(甲局=180, 乙局=20))
    assert "自动派单准确率由 100.0% 降为 90.0%" in many.worse


@pytest.fixture
def rehearsed() -> Comparison:
    return compare_on(knowing("rehearsal", "乙局"), knowing("old", "甲局"), cases(甲局=40, 乙局=10, 丙局=50))


def test_a_rehearsal_counts_against_the_bundle_it_was_held_against(rehearsed: Comparison) -> None:
    found = rehearsal_of({"rehearsal": rehearsed.to_record()}, against="old")
    assert found is not None
    assert (found.rehearsed, found.judged, found.n, found.gained) == (True, True, 100, 40)
    assert found.worse == rehearsed.worse
    assert rehearsal_of({"rehearsal": rehearsed.to_record()}, against="another") is None


@pytest.mark.parametrize(
    "claimed",
    [{}, {"rehearsal": None}, {"rehearsal": "good"}, {"rehearsal": {"n": 9}}, {"rehearsal": {"candidate": 1}}],
)
def test_a_manifest_that_claims_nonsense_is_no_rehearsal(claimed: dict[str, Any]) -> None:
    assert rehearsal_of(claimed, against="old") is None


def test_a_rehearsal_that_was_worse_says_so_whatever_its_manifest_claims(rehearsed: Comparison) -> None:
    record = compare_on(knowing("rehearsal", "甲局"), knowing("old"), cases(甲局=40, 丙局=50)).to_record()
    found = rehearsal_of({"rehearsal": {**record, "worse": []}}, against="old")
    assert found is not None
    assert found.worse[0] == "首选准确率由 100.0% 降为 55.6%"
