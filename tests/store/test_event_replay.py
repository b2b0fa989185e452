"""The stream in memory finds what the store finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from training.event_replay import StreamItem, replay
from triage.appeal import Appeal
from triage.casework.intake import NewAppeal
from triage.casework.receive import receive
from triage.document import read_document
from triage.events import make_signature
from triage.linking import event_item
from triage.store.access import SYSTEM
from triage.store.database import Database
from triage.testing import PairCutter, fake_active, fake_desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACES = ("云栖小区", "枫桥小区", "柳溪路", "松林小学")
MATTERS = (
    "楼下烧烤店油烟直排进楼道，每天营业到凌晨两点，孩子无法入睡",
    "门口的井盖破损半个月，夜里有老人被绊倒，周围没有警示标志",
    "两部电梯轮流停运，老人被困过一次，物业说没有维修资金",
)


def stream() -> list[Appeal]:
    """Every matter of every place is told three times, twice in the same words, by different people."""
    texts = [f"{place}{matter}" for place in PLACES for matter in MATTERS]
    told = [*texts, *(f"{text}，请尽快处理" for text in texts), *texts]
    return [
        Appeal(id=f"{n:03}", content=text, created_at=NOON + timedelta(hours=n), user=f"{n % 7}")
        for n, text in enumerate(told)
    ]


def groups(events: Mapping[str, object]) -> set[frozenset[str]]:
    found: dict[object, set[str]] = {}
    for id_, event in events.items():
        found.setdefault(event, set()).add(id_)
    return {frozenset(members) for members in found.values()}


def test_a_stream_in_memory_and_in_the_store_makes_the_same_events(database: Database) -> None:
    active = fake_active()
    appeals = stream()
    clock = iter(appeals)
    desk = fake_desk(database, active=active, clock=lambda: NOON)
    stored = {}
    for appeal in clock:
        new = NewAppeal(content=appeal.content, user=appeal.user, created_at=appeal.created_at)
        received = replace(new, received_at=appeal.created_at)
        stored[appeal.id] = receive(desk, SYSTEM, received).event_id
    words = PairCutter()
    items = [
        StreamItem(
            signature=make_signature(event_item(document := read_document(appeal)), words=words), text=document.text
        )
        for appeal in appeals
    ]
    found = replay(items, {0: active.scorer}, active.encoder)
    assert groups(found) == groups(stored)
    assert len(set(found.values())) == 2 * len(PLACES) * len(MATTERS)


def test_the_same_stream_makes_the_same_events() -> None:
    active, words = fake_active(), PairCutter()
    items = [
        StreamItem(signature=make_signature(event_item(read_document(appeal)), words=words), text=appeal.content)
        for appeal in stream()
    ]
    once, again = (replay(items, {0: active.scorer}, active.encoder) for _ in range(2))
    assert once == again
    assert once["024"] == "000"
