"""The shipped models over the samples: events as they come in against events of the whole file, and threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest

from triage import Appeal
from triage.casework.desk import ActiveTriage, load_active, open_desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive, receive_many
from triage.casework.typing import hint
from triage.events import EventLinker, WordCutter, make_signature
from triage.io.readers import read_rows
from triage.linking import event_item
from triage.samples import sample_path
from triage.store.access import SYSTEM
from triage.store.database import Database

LEAST_PRECISION, LEAST_RECALL = 0.7, 0.78
"""Of the pairs that arrival puts together, and of those that linking the whole file does. An arrival decides with what is
there and never goes back; the whole file is seen at once."""


@pytest.fixture(scope="module")
def active() -> ActiveTriage:
    return load_active(units=sample_path("units.csv"))


@pytest.fixture(scope="module")
def samples() -> list[Appeal]:
    return [row.appeal for row in read_rows(sample_path("appeals.csv"))]


def new(appeal: Appeal) -> NewAppeal:
    return NewAppeal(
        content=appeal.content,
        title=appeal.title,
        created_at=appeal.created_at,
        received_at=appeal.created_at,
        user=appeal.user,
        address=appeal.address,
        channel=appeal.channel,
        reference=appeal.id,
    )


def pairs(events: Mapping[str, str]) -> set[tuple[str, str]]:
    groups = defaultdict(list)
    for id_, event in events.items():
        groups[event].append(id_)
    return {pair for members in groups.values() for pair in combinations(sorted(members), 2)}


@pytest.mark.timeout(300)
def test_events_of_arrival_are_nearly_those_of_the_whole_file(
    database: Database, active: ActiveTriage, samples: list[Appeal]
) -> None:
    words = WordCutter()
    readings = active.triage.read(samples)
    decisions = active.triage.decide_readings(readings)
    signatures = [
        make_signature(event_item(reading.document, type_=decision.types[0].name), words=words)
        for reading, decision in zip(readings, decisions, strict=True)
    ]
    whole = pairs({found.id: found.event_id for found in EventLinker(active.scorer).link_signatures(signatures)})
    desk = open_desk(database, active, secret=b"of a test, not a secret", words=words)
    answers = receive_many(desk, SYSTEM, [new(appeal) for appeal in samples])
    arrived = pairs(
        {a.id: str(answer.event_id) for a, answer in zip(samples, answers, strict=True) if isinstance(answer, Receipt)}
    )
    both = len(whole & arrived)
    assert len(whole) > 20
    assert both / len(arrived) >= LEAST_PRECISION
    assert both / len(whole) >= LEAST_RECALL


@pytest.mark.timeout(300)
def test_sixteen_threads_get_the_answers_of_one(
    database: Database, active: ActiveTriage, samples: list[Appeal]
) -> None:
    desk = open_desk(database, active, secret=b"of a test, not a secret")
    some = samples[:96]
    alone = {decision.id: decision.to_record() for decision in active.triage.decide_readings(active.triage.read(some))}
    with ThreadPoolExecutor(16) as pool:
        hints = list(pool.map(lambda appeal: hint(desk, SYSTEM, new(appeal)), some))
        receipts = list(pool.map(lambda appeal: receive(desk, SYSTEM, new(appeal)), some))
    for appeal, found, receipt in zip(some, hints, receipts, strict=True):
        expected = alone[appeal.id]
        for key in ("unit", "category", "type", "demands"):
            assert receipt.decision_record[key] == expected[key]
            assert found.decision.to_record()[key] == expected[key]
    assert len({receipt.appeal_id for receipt in receipts}) == 96
