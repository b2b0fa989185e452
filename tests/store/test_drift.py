"""The drift report: new words, falling precision per unit with bounds, new units, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from tests.store.filing import DISPATCHER, LONGHUA, StandingClock, add_units, file_appeal, person
from triage.casework import review
from triage.casework.desk import Desk
from triage.casework.learning.drift import drift
from triage.casework.learning.precision import FALLING, STEADY, UNKNOWN, WATCHED, Share, unit_changes
from triage.casework.learning.words import LEAST_PEOPLE, new_words
from triage.directory import Unit
from triage.store import units
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import Refused
from triage.store.labels import JudgedProposal
from triage.store.learning import MaskedText
from triage.testing import PairCutter, fake_desk

ANALYST = person("analyst")
CLOCK = StandingClock()


def judged(unit: str, right: int, wrong: int) -> list[JudgedProposal]:
    return [
        JudgedProposal(at=CLOCK(), proposed=unit, right=place < right, confidence=0.9) for place in range(right + wrong)
    ]


def texts(*given: str, people: Iterable[str] | None = None) -> list[MaskedText]:
    names = list(people) if people is not None else [str(place) for place in range(len(given))]
    return [MaskedText(who, text) for who, text in zip(names, given, strict=True)]


def test_the_bounds_are_those_of_clopper_and_pearson() -> None:
    found = Share.counted(20, 18)
    assert (found.share, found.low, found.high) == (0.9, 0.683, 0.9877)
    assert (Share.counted(0, 0).share, Share.counted(0, 0).low, Share.counted(0, 0).high) == (None, 0.0, 1.0)
    assert (Share.counted(5, 5).high, Share.counted(5, 0).low) == (1.0, 0.0)


def test_a_unit_falls_only_beyond_chance_over_all_units() -> None:
    before = judged("甲局", 95, 5) + judged("乙局", 45, 5) + judged("丙局", 90, 10) + judged("丁局", 3, 0)
    recent = judged("甲局", 10, 20) + judged("乙局", 6, 4) + judged("丙局", 18, 2) + judged("丁局", 0, 9)
    verdicts = {change.unit: change.verdict for change in unit_changes(recent, before)}
    assert verdicts == {"甲局": FALLING, "乙局": WATCHED, "丙局": STEADY, "丁局": UNKNOWN}
    assert unit_changes(recent, before)[0].unit == "甲局"


def test_a_word_is_new_when_many_people_use_it_who_did_not_before() -> None:
    recent = texts(*["换气扇噪音大"] * 10, *["路灯坏了请修"] * 40)
    earlier = texts(*["路灯坏了请修"] * 300, "换气管道")
    (found, *_) = new_words(recent, earlier, words=PairCutter())
    assert (found.word, found.now) in (("换气", 10), ("扇噪", 10))
    shown = {word.word for word in new_words(recent, earlier, words=PairCutter())}
    assert "路灯" not in shown


def test_what_one_person_repeats_is_no_new_word() -> None:
    earlier = texts(*["路灯坏了请修"] * 300)
    by_one = texts(*["换气扇噪音大"] * 10, people=["同一人"] * 10)
    assert new_words(by_one, earlier, words=PairCutter()) == ()
    by_few = texts(*["换气扇噪音大"] * 10, people=[str(place % (LEAST_PEOPLE - 1)) for place in range(10)])
    assert new_words(by_few, earlier, words=PairCutter()) == ()


def test_masks_and_digits_are_no_words() -> None:
    earlier = texts(*["路灯坏了请修"] * 300)
    masked = texts(*["[姓名][电话]12"] * 20)
    assert new_words(masked, earlier, words=PairCutter()) == ()


@pytest.fixture
def desk(database: Database) -> Desk:
    CLOCK.now = StandingClock().now
    add_units(database)
    return fake_desk(database, clock=CLOCK)


def test_the_report_compares_the_latest_days_with_the_weeks_before(database: Database, desk: Desk) -> None:
    for _ in range(30):
        review.confirm(desk, DISPATCHER, file_appeal(database))
    CLOCK.pass_(days=10)
    for _ in range(12):
        review.reassign(desk, DISPATCHER, file_appeal(database), unit="市供水公司", reason="管网问题")
    found = drift(desk, ANALYST, days=7, before=30)
    assert (found.before.n, found.before.share, found.now.n, found.now.share) == (30, 1.0, 12, 0.0)
    (change,) = found.units
    assert (change.unit, change.verdict) == ("龙华区城管局", FALLING)
    assert found.confidence == 0.6
    assert any("龙华区城管局等1个单位的建议准确率明显下降" in line for line in found.advice)


def test_a_returned_proposal_counts_as_wrong_although_it_was_confirmed(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, DISPATCHER, appeal)
    assert drift(desk, ANALYST).now.right == 1
    review.send_back(desk, DISPATCHER, appeal, reason="不属于我局职责")
    assert drift(desk, ANALYST).now.right == 0


def test_units_that_came_into_the_list_and_units_that_left_it_are_named(database: Database, desk: Desk) -> None:
    review.confirm(desk, DISPATCHER, file_appeal(database))
    CLOCK.pass_(days=2)
    fake = fake_desk(database, clock=CLOCK)
    with_new = ("龙华区住建局", "市交警支队", "秀英区城管局", "市供水公司", "市数据局")
    with database.transaction(EVERYWHERE) as connection:
        units.replace_all(connection, [Unit(name=name, level="市") for name in with_new], actor="system", at=CLOCK())
    found = drift(fake, ANALYST)
    assert [unit.name for unit in found.new_units] == ["市数据局"]
    assert found.withdrawn == ("龙华区城管局",)


def test_the_report_covers_the_own_districts_and_needs_the_right_to_figures(database: Database, desk: Desk) -> None:
    for district in ("龙华区", "秀英区"):
        review.confirm(desk, DISPATCHER, file_appeal(database, district=district))
    assert drift(desk, ANALYST).now.n == 2
    assert drift(desk, person("analyst", "龙华区")).now.n == 1
    with pytest.raises(Refused):
        drift(desk, LONGHUA)


def test_times_beyond_the_limits_are_cut(desk: Desk) -> None:
    found = drift(desk, ANALYST, days=10_000, before=10_000)
    assert found.until - found.since == timedelta(days=92)
    assert found.since - found.before_since == timedelta(days=368)
    assert found.advice == ()
