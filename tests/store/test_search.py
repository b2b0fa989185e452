"""Candidates: every kind of search finds what it should, in the caller's districts only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from models.pairs import TermFrequencies
from tests.store_fixtures import both_ways
from triage.casework.intake import NewAppeal, prepare
from triage.casework.receive import Receipt, receive, receive_many
from triage.store import search, vectors
from triage.store.access import EVERYWHERE, SYSTEM, Scope
from triage.store.database import Database
from triage.store.search import Query, Window, candidates, nearest
from triage.store.vectors import HashedProjection, NewVector
from triage.testing import fake_active, fake_desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"
ENCODER = HashedProjection()
OTHERS = [f"松林大道第{n}号路灯坏了半个月一直没有人来修，晚上出行很不安全{n * 7}" for n in range(30)]


def ids(answers: Sequence[object]) -> list[UUID]:
    return [answer.appeal_id for answer in answers if isinstance(answer, Receipt)]


def query(database: Database, new: NewAppeal) -> Query:
    desk = fake_desk(database)
    (prepared,) = prepare(desk, desk.current(), [new], scope=None)
    return prepared.query(ENCODER.fingerprint)


def found_by(database: Database, new: NewAppeal, kind: str, *, scope: Scope = EVERYWHERE) -> set[UUID]:
    """Ids that one kind of search finds."""
    asked = query(database, new)
    if kind != "dense":
        asked = replace(asked, vector=None)
    with database.transaction(scope) as connection:
        return {hit.appeal_id for hit in candidates(connection, asked) if kind in hit.kinds}


@both_ways()
def test_every_kind_of_search_finds_its_appeal(database: Database) -> None:
    desk = fake_desk(database)
    receive_many(desk, SYSTEM, [NewAppeal(content=text) for text in OTHERS])
    mine = receive(desk, SYSTEM, NewAppeal(content=SMOKE, user="甲", channel="热线", reference="20261120000017"))
    assert mine.appeal_id in found_by(database, NewAppeal(content=f"{SMOKE}，请处理"), "dense")
    rare = NewAppeal(content="市民询问烧烤店油烟直排一事的办理进展如何")
    assert found_by(database, rare, "terms") == {mine.appeal_id}
    place = NewAppeal(content="枫桥花园停车难，外来车辆占道，请加强管理")
    assert found_by(database, place, "places") == {mine.appeal_id}
    assert found_by(database, NewAppeal(content=SMOKE), "text") == {mine.appeal_id}
    assert found_by(database, NewAppeal(content="咨询社保", user="甲"), "appellant") == {mine.appeal_id}
    with database.transaction(EVERYWHERE) as connection:
        best = candidates(connection, query(database, NewAppeal(content="对工单20261120000017的答复不满意")))[0]
    assert best.appeal_id == mine.appeal_id
    assert best.kinds["terms"] > 1


@pytest.mark.parametrize("kind", ["dense", "terms", "places", "text", "appellant"])
def test_no_search_finds_an_appeal_of_another_district(database: Database, kind: str) -> None:
    desk = fake_desk(database)
    new = NewAppeal(content=SMOKE, user="甲", district="南汀区")
    mine = receive(desk, SYSTEM, new)
    assert found_by(database, new, kind) == {mine.appeal_id}
    assert found_by(database, new, kind, scope=Scope(("南汀区",))) == {mine.appeal_id}
    assert found_by(database, new, kind, scope=Scope(("北屏区",))) == set()
    assert found_by(database, new, kind, scope=Scope(())) == set()


@pytest.mark.parametrize("kind", ["dense", "terms", "places", "text", "appellant"])
def test_a_window_bounds_every_search(database: Database, kind: str) -> None:
    desk = fake_desk(database)
    new = NewAppeal(content=SMOKE, user="甲")
    days = [receive(desk, SYSTEM, replace(new, received_at=NOON + timedelta(days=day))) for day in range(3)]
    asked = replace(query(database, new), window=Window(NOON + timedelta(days=1), NOON + timedelta(days=2)))
    with database.transaction(EVERYWHERE) as connection:
        hits = candidates(connection, asked)
    assert [hit.appeal_id for hit in hits if kind in hit.kinds] == [days[1].appeal_id]


def test_vectors_of_different_encoders_never_meet(database: Database) -> None:
    old, new = fake_desk(database), fake_desk(database, active=replace(fake_active(), encoder=HashedProjection(seed=1)))
    first = receive(old, SYSTEM, NewAppeal(content=SMOKE))
    second = receive(new, SYSTEM, NewAppeal(content=SMOKE))
    assert old.encoder.fingerprint != new.encoder.fingerprint
    with database.transaction(EVERYWHERE) as connection:
        for desk, own in ((old, first), (new, second)):
            vector = desk.encoder.encode([SMOKE])[0]
            for exact_below in (search.EXACT_BELOW, 0):
                near = nearest(connection, vector, encoder=desk.encoder.fingerprint, exact_below=exact_below)
                assert [one.appeal_id for one in near] == [own.appeal_id]


@pytest.fixture
def crowd(database: Database) -> list[UUID]:
    """600 random vectors, every twentieth of them in the small district."""
    found = ids(receive_many(fake_desk(database), SYSTEM, [NewAppeal(content=f"{n}") for n in range(600)]))
    points = np.random.default_rng(3).normal(size=(600, 256)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    with database.transaction(EVERYWHERE) as connection:
        for n, (id_, point) in enumerate(zip(found, points, strict=True)):
            district = "小区县" if n % 20 == 0 else "大区县"
            moment = NOON + timedelta(hours=n)
            vectors.add(
                connection,
                NewVector(appeal_id=id_, encoder="random", district=district, received_at=moment, vector=point),
            )
    return found


@pytest.mark.parametrize("exact_below", [0, search.EXACT_BELOW])
def test_a_narrow_filter_still_gives_as_many_rows_as_are_wanted(
    database: Database, crowd: list[UUID], exact_below: int
) -> None:
    asked = np.zeros(256, dtype=np.float32)
    asked[7] = 1.0
    with database.transaction(Scope(("小区县",))) as connection:
        near = nearest(connection, asked, encoder="random", wanted=25, exact_below=exact_below)
        assert len(near) == 25
        assert {one.appeal_id for one in near} <= set(crowd[::20])
        assert [one.cosine for one in near] == sorted((one.cosine for one in near), reverse=True)
        window = Window(since=NOON, until=NOON + timedelta(hours=200))
        assert len(nearest(connection, asked, encoder="random", window=window, exact_below=exact_below)) == 10


def test_the_graph_finds_what_the_exact_search_finds(database: Database, crowd: list[UUID]) -> None:
    asked = np.random.default_rng(4).normal(size=(20, 256)).astype(np.float32)
    same = 0
    with database.transaction(Scope(("小区县", "大区县"))) as connection:
        for vector in asked / np.linalg.norm(asked, axis=1, keepdims=True):
            exact = nearest(connection, vector, encoder="random", exact_below=10_000)
            graph = nearest(connection, vector, encoder="random", exact_below=0)
            same += len({one.appeal_id for one in exact} & {one.appeal_id for one in graph})
    assert same >= 0.95 * 200


def test_a_key_that_many_share_proposes_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COMMON", 20)
    receive_many(fake_desk(database), SYSTEM, [NewAppeal(content=text) for text in OTHERS])
    new = NewAppeal(content="松林大道有车辆违停，影响通行")
    assert found_by(database, new, "places") == set()


def test_how_common_strings_are_is_counted_over_the_store(database: Database) -> None:
    desk = fake_desk(database)
    scorer = desk.current().scorer
    assert desk.rarity.scorer(scorer) is not None
    assert not desk.rarity.refresh(database)
    receive_many(desk, SYSTEM, [NewAppeal(content=f"{OTHERS[n % 30]}，{n}") for n in range(130)])
    assert desk.rarity.refresh(database)
    assert not desk.rarity.refresh(database)
    assert desk.rarity.stored == 130
    known = desk.rarity.scorer(scorer).frequencies
    assert known.total == 130
    assert int(known.documents.max()) == 130
    other = fake_desk(database)
    other.rarity.load(database)
    assert isinstance(other.rarity.scorer(scorer).frequencies, TermFrequencies)
    assert np.array_equal(other.rarity.scorer(scorer).frequencies.documents, known.documents)
