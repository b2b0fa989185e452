"""Training of the pair scorer on a small made-up stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.pairs import PairScorer, WordMeanings
from training.event_folds import cross_validate_events, event_figures, judge_events, tfidf_events
from training.event_metrics import GoldEvent
from training.pairs import split_batches, train_pairs
from triage.events import EventItem, EventLinker

NO_MEANINGS = WordMeanings.none()
START = datetime(2024, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
PLACES = ("云栖", "枫桥", "青澜", "松林", "晴川", "柳溪", "石门", "白露")
MATTERS = (
    ("烧烤店油烟扰民", "楼下烧烤店的油烟直排进楼道,每天营业到凌晨两点,孩子没法睡觉,请城管部门查处"),
    ("井盖破损", "大门口的井盖破损半个月,夜里有老人被绊倒,周围没有警示,请尽快派人修好"),
    ("电梯经常停运", "两部电梯轮流停运,老人被困过一次,物业说没有维修资金,请住建部门督促"),
)


def stream() -> tuple[list[EventItem], list[GoldEvent]]:
    """Four batches of two places and three matters; every event is told twice, in other words."""
    items: list[EventItem] = []
    gold: list[GoldEvent] = []
    for p, place in enumerate(PLACES):
        for m, (title, content) in enumerate(MATTERS):
            for told, words in enumerate((f"{place}小区{title}", f"请解决{place}小区{title}的问题")):
                id_ = f"{p}{m}{told}"
                text = f"我是{place}小区业主,{content}" if told else f"{content}。地点是{place}小区,盼复"
                items.append(
                    EventItem(
                        id=id_,
                        title=words,
                        content=text,
                        created_at=START + timedelta(days=p, hours=told),
                        user=f"{p}{told}",
                    )
                )
                gold.append(GoldEvent(id=id_, event=f"e{p}{m}", batch=f"b{p // 2}"))
    return items, gold


@pytest.fixture(scope="module")
def trained() -> PairScorer:
    return train_pairs(*stream(), meanings=NO_MEANINGS, seed=3)


def test_a_trained_scorer_links_retold_events_and_keeps_places_apart(trained: PairScorer) -> None:
    items, gold = stream()
    found = {one.id: one.event_id for one in EventLinker(trained).link(items)}
    for event in gold:
        assert found[event.id] == f"E-{event.id[:2]}0"


def test_the_same_seed_trains_the_same_scorer(trained: PairScorer) -> None:
    again = train_pairs(*stream(), meanings=NO_MEANINGS, seed=3).state()
    assert all(np.array_equal(array, again[name]) for name, array in trained.state().items())


def test_the_state_holds_no_text(trained: PairScorer) -> None:
    # Names of features are the only strings; terms are hashes of what at least three texts share.
    state = trained.state()
    assert bytes(state["feature_names"]).isascii()
    assert state["documents"].min() >= 3


def test_a_missing_message_is_named() -> None:
    items, gold = stream()
    with pytest.raises(ValueError, match="not in the stream: 000"):
        train_pairs(items[1:], gold, meanings=NO_MEANINGS, seed=0)


def test_one_batch_is_not_enough() -> None:
    items, gold = stream()
    with pytest.raises(ValueError, match="at least two batches"):
        train_pairs(items, [event for event in gold if event.batch == "b0"], meanings=NO_MEANINGS, seed=0)


def test_cross_validation_predicts_every_message_by_a_model_that_has_not_seen_its_batch() -> None:
    items, gold = stream()
    report = cross_validate_events(items, gold, meanings=NO_MEANINGS, seed=0, folds=2)
    assert set(report.predicted) == set(report.arrived) == {event.id for event in gold}
    assert len(report.link_at) == 2
    assert report.batch.pairs.f1 > 0.8
    assert report.incremental.pairs.f1 > 0.8
    assert report.agreement > 0.8
    assert report.tfidf.messages == report.batch.messages == report.incremental.messages == len(gold)


def test_a_trained_scorer_is_judged_in_three_ways(trained: PairScorer) -> None:
    figures = event_figures(judge_events(*stream(), trained))
    assert figures["n"] == len(stream()[1])
    assert figures["batch"]["pairs"]["f1"] == figures["incremental"]["pairs"]["f1"] == 1.0
    assert figures["tfidf_average_linkage"]["pairs"]["f1"] > 0.0


def test_batches_are_dealt_whole_and_evenly() -> None:
    parts = split_batches(["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"] * 2, folds=2, seed=1)
    assert sorted(map(sorted, parts)) == [["a", "d"], ["b", "c"]]


def test_the_tfidf_baseline_links_near_copies() -> None:
    texts = {"1": "云栖小区井盖破损", "2": "云栖小区井盖破损了", "3": "枫桥学校招生", "4": "枫桥学校的招生"}
    gold = [GoldEvent(id=id_, event=event, batch=event) for id_, event in zip("1234", "aabb", strict=True)]
    found = tfidf_events(texts, gold[:2], gold[2:])
    assert found["3"] == found["4"]
