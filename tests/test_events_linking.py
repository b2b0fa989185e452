"""Linking appeals about the same event."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.pairs import Line, PairModel, PairScorer, TermFrequencies, Trees, WordMeanings
from triage.events import EventItem, EventLinker, LinkSettings, WordCutter, make_signature
from triage.events.features import FEATURES
from triage.events.grouping import average_link, join_in_order

START = datetime(2024, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
WORDS = WordCutter()


def scorer(feature_names: tuple[str, ...] = FEATURES) -> PairScorer:
    """Log-odds ``24 · gram_cosine + 4 · lead_covered_most - 10``: alike texts are one event unless something forbids it."""
    weights = np.zeros(len(feature_names), dtype=np.float32)
    if feature_names == FEATURES:
        weights[FEATURES.index("gram_cosine")] = 24.0
        weights[FEATURES.index("lead_covered_most")] = 4.0
    flat = np.zeros(len(weights), dtype=np.float32)
    leaf = np.zeros(1, dtype=np.int32)
    model = PairModel(
        trees=Trees(
            roots=leaf, feature=leaf.astype(np.int16), threshold=np.zeros(1), left=leaf, right=leaf,
            value=np.zeros(1, dtype=np.float32), depth=0,
        ),
        bias=0.0,
        line=Line(centre=flat, scale=flat + np.float32(1), weights=weights, intercept=-10.0),
        line_share=1.0,
    )  # fmt: skip
    return PairScorer(
        feature_names=feature_names,
        titled=model,
        untitled=model,
        link_at=0.5,
        frequencies=TermFrequencies.count([]),
        meanings=WordMeanings.none(),
    )


def item(id_: str, title: str, content: str, *, day: float = 0, user: str = "") -> EventItem:
    return EventItem(id=id_, title=title, content=content, created_at=START + timedelta(days=day), user=user)


def linker(**changes: object) -> EventLinker:
    return EventLinker(scorer(), LinkSettings(**changes), words=WORDS)  # type: ignore[arg-type]


def events(items: Sequence[EventItem]) -> dict[str, str]:
    return {found.id: found.event_id for found in linker().link(items)}


SMOKE = "楼下烧烤店油烟直排进楼道,每天营业到凌晨两点,孩子无法入睡,多次投诉没有结果,请尽快处理"
PIT = "路口的井盖破损多日,夜里有老人被绊倒受伤,周围没有警示标志,请派人修复"
OTHERS = [
    item("o1", "松林小学门口没有斑马线", "松林小学门口车流很大,孩子过马路危险,建议施划斑马线并安排交警执勤", day=5),
    item("o2", "咨询公租房申请条件", "我在本市工作三年,想了解公租房的申请条件和需要的材料", day=6),
    item("o3", "青石大道绿化带垃圾成堆", "青石大道中段绿化带里垃圾成堆,夏天气味很大,希望环卫部门清理", day=7),
]


def test_the_same_complaint_by_two_people_about_one_place_is_one_event() -> None:
    found = events([
        item("1", "云栖小区烧烤店油烟扰民", SMOKE, user="甲"),
        item("2", "云栖小区烧烤店油烟扰民", SMOKE, day=2, user="乙"),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] == found["2"] == "E-1"


def test_the_same_text_about_another_estate_is_another_event() -> None:
    found = events([
        item("1", "云栖小区烧烤店油烟扰民", SMOKE),
        item("2", "枫桥小区烧烤店油烟扰民", SMOKE, day=1),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] != found["2"]


def test_a_misspelt_estate_is_the_same_estate() -> None:
    found = events([
        item("1", "青澜湖小区烧烤店油烟扰民", SMOKE),
        item("2", "青蓝湖小区烧烤店油烟扰民", SMOKE, day=1),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] == found["2"]


@pytest.mark.parametrize("spelling", ["润万小区", "万闰小区", "闰万小区"])
def test_a_name_with_characters_swapped_or_written_by_their_sound_is_the_same_name(spelling: str) -> None:
    found = events([
        item("1", "万润小区烧烤店油烟扰民", SMOKE),
        item("2", f"{spelling}烧烤店油烟扰民", SMOKE, day=1),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] == found["2"]


def test_a_chain_does_not_join_two_places() -> None:
    # The middle one names both estates and is like each; the ends contradict each other.
    found = events([
        item("1", "云栖小区烧烤店油烟扰民", SMOKE),
        item("2", "云栖小区和枫桥小区之间烧烤店油烟扰民", SMOKE, day=1),
        item("3", "枫桥小区烧烤店油烟扰民", SMOKE, day=2),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] != found["3"]


def test_unrelated_appeals_stand_alone() -> None:
    assert len(set(events(OTHERS).values())) == len(OTHERS)


def test_people_who_ask_the_same_bare_question_are_no_event() -> None:
    found = linker().link([
        item("1", "", "请问换领驾驶证需要带什么材料", user="甲"),
        item("2", "", "请问换领驾驶证需要带什么材料", day=30, user="乙"),
        *OTHERS,
    ])  # fmt: skip
    assert [one.size for one in found[:2]] == [1, 1]


def test_one_person_who_repeats_a_question_is_one_event() -> None:
    question = "请问换领驾驶证需要带什么材料"
    found = linker().link([
        item("1", "咨询换领驾驶证", question, user="甲"),
        item("2", "咨询换领驾驶证", question, day=30, user="甲"),
        *OTHERS,
    ])  # fmt: skip
    assert [one.size for one in found[:2]] == [2, 2]


def test_two_short_tickets_of_one_road_about_different_matters_are_not_linked() -> None:
    found = events([
        item("1", "", "柳溪区青石路中段有多辆货车占道停放"),
        item("2", "", "柳溪区青石路中段路灯连续三晚不亮", day=1),
        *OTHERS,
    ])  # fmt: skip
    assert found["1"] != found["2"]


def test_a_ticket_that_quotes_another_ticket_belongs_to_it() -> None:
    first = item("20240301000017", "", f"柳溪区云栖小区{SMOKE}")
    second = item(
        "20240304000052", "", "热线来电询问工单20240301000017的处理结果,云栖小区烧烤店油烟仍然扰民,孩子无法入睡", day=3
    )
    found = events([first, second, *OTHERS])
    assert found[first.id] == found[second.id]


def test_the_event_is_named_after_its_earliest_appeal_whatever_the_order() -> None:
    items = [
        item("9", "云栖小区烧烤店油烟扰民", SMOKE),
        item("1", "云栖小区烧烤店油烟扰民", SMOKE, day=1),
        item("5", "青石路井盖破损", PIT, day=2),
        item("4", "青石路井盖破损绊倒老人", PIT, day=3),
        *OTHERS,
    ]
    expected = events(items)
    assert expected["1"] == "E-9"
    for seed in range(4):
        shuffled = items.copy()
        random.Random(seed).shuffle(shuffled)
        assert events(shuffled) == expected


def test_answers_come_in_the_order_of_the_question_with_size_and_similar_appeals() -> None:
    items = [
        item("b", "云栖小区烧烤店油烟扰民", SMOKE, day=1),
        *OTHERS,
        item("a", "云栖小区烧烤店油烟扰民", SMOKE),
    ]
    found = linker().link(items)
    assert [one.id for one in found] == [one.id for one in items]
    assert found[0].size == 2
    assert found[0].similar[0].id == "a"
    assert 0.5 < found[0].similar[0].probability <= 1.0
    assert found[1].similar == ()


def test_at_most_five_similar_appeals_are_shown_best_first() -> None:
    items = [item(str(k), "云栖小区烧烤店油烟扰民", SMOKE + "谢谢" * k, day=k) for k in range(9)]
    similar = linker().link([*items, *OTHERS])[0].similar
    assert len(similar) == 5
    assert [one.probability for one in similar] == sorted((one.probability for one in similar), reverse=True)


def test_a_hundred_and_fifty_identical_appeals_become_one_event() -> None:
    items = [item(f"{k:03}", "云栖小区烧烤店油烟扰民", SMOKE, day=k / 10) for k in range(150)]
    assert {one.size for one in linker().link([*items, *OTHERS])[:150]} == {150}


def test_an_empty_collection_and_a_single_appeal_are_answered() -> None:
    assert linker().link([]) == []
    assert linker().link([OTHERS[0]])[0].event_id == "E-o1"


def test_two_appeals_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="share an id"):
        linker().link([OTHERS[0], OTHERS[0]])


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="event item 7: created_at has no time zone"):
        EventItem(id="7", content="", created_at=datetime(2024, 3, 1))  # noqa: DTZ001


def test_a_scorer_for_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="other features"):
        EventLinker(scorer(("likeness",)))


def test_signatures_made_elsewhere_give_the_same_events() -> None:
    items = [item("1", "云栖小区烧烤店油烟扰民", SMOKE), item("2", "云栖小区烧烤店油烟", SMOKE, day=1), *OTHERS]
    sent = pickle.dumps([make_signature(one, words=WORDS) for one in items])
    assert linker().link_signatures(pickle.loads(sent)) == linker().link(items)


def test_the_word_cutter_keeps_its_cache_where_it_is_told(tmp_path: Path) -> None:
    assert "小区" in WordCutter(tmp_path).cut("云栖小区")
    assert [path.suffix for path in tmp_path.iterdir()] == [".cache"]


def test_a_veto_binds_the_whole_group() -> None:
    similarity = np.array([[0.0, 0.9, -0.9], [0.9, 0.0, 0.8], [-0.9, 0.8, 0.0]])
    assert average_link(similarity, link_at=0.3).tolist() == [0, 0, 2]


def test_groups_join_by_their_average_not_by_one_strong_link() -> None:
    similarity = np.array([[0.0, 0.9, 0.1], [0.9, 0.0, 0.6], [0.1, 0.6, 0.0]])
    assert average_link(similarity, link_at=0.5).tolist() == [0, 0, 2]
    assert average_link(similarity, link_at=0.3).tolist() == [0, 0, 0]


def test_a_stream_joins_each_newcomer_to_the_group_it_fits_best() -> None:
    kind = np.array([0, 1, 0, 1, 2])

    def score(
        left: np.ndarray[tuple[int], np.dtype[np.int64]], right: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return np.where(kind[left] == kind[right], 0.9, 0.2).astype(np.float32)

    assert join_in_order(np.arange(5), score, link_at=0.5).tolist() == [0, 1, 0, 1, 4]


texts = st.text(max_size=200)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_any_texts_are_linked_without_complaint(pairs: list[tuple[str, str]]) -> None:
    items = [EventItem(id=str(k), title=title, content=content) for k, (title, content) in enumerate(pairs)]
    found = linker().link(items)
    assert [one.id for one in found] == [one.id for one in items]
    assert all(one.size >= 1 for one in found)


def test_a_very_long_text_is_read_in_bounded_time() -> None:
    hostile = [item("1", "路" * 50_000, "小区" * 50_000), item("2", "1" * 50_000, "（" * 100_000)]
    assert len(linker().link(hostile)) == 2
