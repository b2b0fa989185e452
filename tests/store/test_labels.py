"""What people decide becomes labelled rows: units, pairs of appeals, warnings; nothing that the machine decided does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert

from tests.store.filing import (
    CLOCK,
    DISPATCHER,
    LONGHUA,
    StandingClock,
    add_units,
    file_appeal,
    file_event,
    person,
    rows,
)
from tests.store_fixtures import both_ways
from triage.casework import alerts, events, privacy, review
from triage.casework.desk import Desk
from triage.casework.learning.labels import counts, export, lessons
from triage.store import labels, schema
from triage.store.access import EVERYWHERE, SYSTEM, Scope
from triage.store.database import Database
from triage.store.errors import Refused
from triage.store.ids import new_id
from triage.store.labels import PairLabel, RiskLabel, UnitLabel
from triage.testing import fake_desk

EVER = CLOCK() - timedelta(days=3650)
WRONG, RIGHT = "龙华区城管局", "市供水公司"
ADMIN = person("admin")


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database)
    return fake_desk(database, clock=StandingClock())


def unit_labels(database: Database, scope: Scope = EVERYWHERE) -> dict[UUID, UnitLabel]:
    with database.transaction(scope) as connection:
        return {label.appeal_id: label for label in labels.units(connection, since=EVER, most=100)}


def pair_labels(database: Database) -> list[PairLabel]:
    with database.transaction(EVERYWHERE) as connection:
        return labels.pairs(connection, since=EVER, most=100)


@both_ways()
def test_a_confirmed_proposal_and_a_corrected_one_are_labels(database: Database, desk: Desk) -> None:
    confirmed, corrected = file_appeal(database), file_appeal(database)
    review.confirm(desk, DISPATCHER, confirmed)
    review.reassign(desk, DISPATCHER, corrected, unit=RIGHT, reason="管网问题")
    found = unit_labels(database)
    assert (found[confirmed].proposed, found[confirmed].unit, found[confirmed].kind) == (WRONG, WRONG, "confirm")
    assert (found[corrected].proposed, found[corrected].unit, found[corrected].kind) == (WRONG, RIGHT, "reassign")


def test_the_last_word_counts_and_the_unit_that_returned_it_is_known_as_wrong(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, DISPATCHER, appeal)
    review.send_back(desk, DISPATCHER, appeal, reason="不属于我局职责")
    returned = unit_labels(database)[appeal]
    assert (returned.unit, returned.refused, returned.proposed) == ("", (WRONG,), WRONG)
    review.reassign(desk, DISPATCHER, appeal, unit=RIGHT, reason="管网问题")
    settled = unit_labels(database)[appeal]
    assert (settled.unit, settled.refused, settled.proposed) == (RIGHT, (WRONG,), WRONG)


def test_what_the_machine_decided_is_no_label(database: Database, desk: Desk) -> None:
    by_machine, checked = file_appeal(database, unit=WRONG), file_appeal(database, unit=WRONG)
    review.confirm(desk, DISPATCHER, checked)
    review.confirm(desk, SYSTEM, file_appeal(database))
    assert by_machine not in unit_labels(database)
    assert set(unit_labels(database)) == {checked}


def test_a_district_sees_its_own_labels_only(database: Database, desk: Desk) -> None:
    mine, theirs = file_appeal(database), file_appeal(database, district="秀英区")
    review.confirm(desk, DISPATCHER, mine)
    review.confirm(desk, DISPATCHER, theirs)
    assert set(unit_labels(database, LONGHUA.scope)) == {mine}


def test_only_appeals_undecided_until_then_are_unseen(database: Database, desk: Desk) -> None:
    clock = desk.clock
    assert isinstance(clock, StandingClock)
    before, again, after = (file_appeal(database) for _ in range(3))
    review.confirm(desk, DISPATCHER, before)
    review.confirm(desk, DISPATCHER, again)
    learned = clock()
    clock.pass_(days=1)
    review.reassign(desk, DISPATCHER, again, unit=RIGHT, reason="管网问题")
    review.confirm(desk, DISPATCHER, after)
    with database.transaction(EVERYWHERE) as connection:
        unseen = labels.units(connection, since=EVER, unseen=learned, most=100)
    assert [label.appeal_id for label in unseen] == [after]


def test_a_merge_says_same_and_a_split_says_apart(database: Database, desk: Desk) -> None:
    into, other = file_event(database), file_event(database)
    old, moved = file_appeal(database, event_id=into, days_ago=3), file_appeal(database, event_id=other)
    events.merge(desk, DISPATCHER, into=into, others=[other])
    assert [(pair.appeal_id, pair.other_id, pair.same) for pair in pair_labels(database)] == [(moved, old, True)]
    events.split(desk, DISPATCHER, into, appeal_ids=[moved])
    (pair,) = pair_labels(database)
    assert {pair.appeal_id, pair.other_id} == {old, moved}
    assert not pair.same


def test_a_judged_warning_is_a_label_and_a_false_alarm_is_level_nought(database: Database, desk: Desk) -> None:
    raised = {level: file_alert(database, level=level) for level in (3, 4)}
    silent = file_alert(database, level=3)
    assert alerts.acknowledge(desk, DISPATCHER, raised[3], judged_level=0).judged_level == 0
    alerts.acknowledge(desk, DISPATCHER, raised[4], judged_level=3)
    alerts.acknowledge(desk, DISPATCHER, silent)
    with database.transaction(EVERYWHERE) as connection:
        found: list[RiskLabel] = labels.risks(connection, since=EVER, most=100)
    assert sorted((label.warned, label.judged) for label in found) == [(3, 0), (4, 3)]
    (told,) = [row for row in rows(database, "history") if row["detail"].get("judged_level") == 0]  # type: ignore[attr-defined]
    assert told["action"] == "alert.acknowledged"


def file_alert(database: Database, *, level: int) -> UUID:
    appeal, alert = file_appeal(database), new_id(CLOCK())
    (row,) = rows(database, "appeals", id=appeal)
    values = {"id": alert, "event_id": row["event_id"], "appeal_id": appeal, "district": "龙华区", "level": level}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.alerts).values(**values, reason="风险等级"))
    return alert


def test_a_training_reads_raw_texts_by_right_and_on_record(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database, raw="路灯不亮，电话13900001234")
    review.confirm(desk, DISPATCHER, appeal)
    read = lessons(desk, ADMIN)
    assert [(row.appeal.content, row.unit) for row in read.rows] == [("路灯不亮，电话13900001234", WRONG)]
    assert read.until == desk.clock()
    (entry,) = [row for row in rows(database, "audit") if row["action"] == "labels.read"]
    assert entry["detail"] == {"appeals": 1, "days": 730}
    for other in (person("admin", "龙华区"), person("officer")):
        with pytest.raises(Refused):
            lessons(desk, other)


def test_a_training_leaves_out_what_was_erased_returned_or_belongs_to_a_unit_of_old(
    database: Database, desk: Desk
) -> None:
    who = desk.appellant_hash("某人")
    erased, returned, old = file_appeal(database, appellant=who), file_appeal(database), file_appeal(database)
    for appeal in (erased, returned):
        review.confirm(desk, DISPATCHER, appeal)
    review.send_back(desk, DISPATCHER, returned, reason="不属于我局职责")
    review.reassign(desk, DISPATCHER, old, unit="秀英区城管局", reason="属地办理")
    privacy.erase(desk, ADMIN, "某人")
    add_units(database, *(name for name in ("龙华区城管局", "市供水公司")))
    read = lessons(desk, ADMIN)
    assert (read.rows, read.erased, read.without_unit, read.withdrawn) == ((), 1, 1, 1)


def test_labels_are_counted_and_exported_masked(database: Database, desk: Desk, tmp_path: Path) -> None:
    appeals = [file_appeal(database, raw="路灯不亮，电话13900001234") for _ in range(3)]
    review.confirm(desk, DISPATCHER, appeals[0])
    review.reassign(desk, DISPATCHER, appeals[1], unit=RIGHT, reason="管网问题")
    alerts.acknowledge(desk, DISPATCHER, file_alert(database, level=3), judged_level=0)
    found = counts(desk, person("analyst"))
    assert (found.confirmed, found.corrected, found.returned, found.false_alarms) == (1, 1, 0, 1)
    path = tmp_path / "labels.jsonl"
    assert export(desk, person("analyst"), path) == 2
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {row["unit"] for row in written} == {WRONG, RIGHT}
    assert "13900001234" not in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert export(desk, person("analyst"), tmp_path / "risks.jsonl", kind="risk") == 1
    with pytest.raises(Refused):
        export(desk, DISPATCHER, path)
