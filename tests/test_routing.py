from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.ranker import CandidateRanker
from triage.appeal import Appeal
from triage.directory import Directory, Unit
from triage.document import Document, read_document
from triage.routing.features import FEATURES
from triage.routing.places import PlaceFinder, consistent, guess_place, narrowest
from triage.routing.router import UnitRouter

WEIGHTS = {
    "function": 1.0,
    "place_named": 1.0,
    "district_named": 1.0,
    "other_district_named": -2.0,
    "unit_named": 1.0,
    "duty_named": 0.5,
}


def unit(name: str, level: str, function: str, *, jurisdiction: str, duties: str = "", **dates: date) -> Unit:
    return Unit(
        name=name,
        level=level,
        function=function,
        jurisdiction=jurisdiction,
        duties=tuple(duties.split()),
        valid_from=dates.get("valid_from"),
        valid_to=dates.get("valid_to"),
    )


DIRECTORY = Directory(
    [
        unit("白鹭市城管局", "市", "城管局", jurisdiction="白鹭市"),
        unit("东岸区城管局", "区县", "城管局", jurisdiction="东岸区", duties="占道经营 噪音"),
        unit("西岭区城管局", "区县", "城管局", jurisdiction="西岭区"),
        unit("西岭区石桥街道办", "街镇", "街道乡镇", jurisdiction="石桥街道"),
        unit("白鹭市自来水公司", "企业", "供水公司", jurisdiction="白鹭市", duties="停水"),
    ]
)


def documents(*texts: str, day: str = "2026-11-22") -> list[Document]:
    when = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return [read_document(Appeal(id=str(i), content=text, created_at=when)) for i, text in enumerate(texts)]


def ranked(directory: Directory, text: str, *, day: str = "2026-11-22", **likely: float) -> list[str]:
    names = list(likely) or ["城管局"]
    logs = np.log(np.array([[likely.get(name, 0.9) for name in names]], np.float32))
    ranker = CandidateRanker(tuple(WEIGHTS), np.array(list(WEIGHTS.values()), np.float32))
    router = UnitRouter(directory, ranker)
    found = router.rank(documents(text, day=day), logs, names, {}).probabilities[0]
    order = np.argsort(-found, kind="stable")
    return [router.units[i].name for i in order if found[i] > 0]


def test_the_named_district_decides_between_twin_units() -> None:
    assert ranked(DIRECTORY, "东岸区滨江路有人占道经营")[0] == "东岸区城管局"
    assert ranked(DIRECTORY, "西岭区滨江路有人占道经营")[0] == "西岭区城管局"


def test_a_district_is_recognised_without_its_suffix_and_through_its_streets() -> None:
    assert ranked(DIRECTORY, "西岭这边垃圾没人收")[0] == "西岭区城管局"
    assert ranked(DIRECTORY, "石桥街道垃圾没人收")[0] == "西岭区城管局"


def test_the_function_outweighs_the_place() -> None:
    assert ranked(DIRECTORY, "东岸区停水了", 城管局=0.02, 供水公司=0.95)[0] == "白鹭市自来水公司"


def test_a_unit_that_has_been_abolished_is_no_candidate_any_more() -> None:
    old = unit("东岸区市容局", "区县", "城管局", jurisdiction="东岸区", valid_to=date(2026, 6, 30))
    directory = Directory([*DIRECTORY.units, old])
    assert "东岸区市容局" in ranked(directory, "东岸区垃圾", day="2026-06-30")
    assert "东岸区市容局" not in ranked(directory, "东岸区垃圾", day="2026-07-01")


def test_a_new_unit_without_any_ticket_is_reachable_through_function_and_place() -> None:
    new = unit("西岭区石桥街道城管所", "街镇", "城管局", jurisdiction="石桥街道")
    assert ranked(Directory([*DIRECTORY.units, new]), "石桥街道有人占道经营")[0] == "西岭区石桥街道城管所"


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("东岸区石桥府项目停工", "东岸区"),
        ("东岸区居民反映石桥街道门前积水", "石桥街道"),
        ("西岭区石桥路灯不亮", "石桥街道"),
        ("石桥路灯不亮", "石桥街道"),
        ("东岸区居民反映石桥那边积水，就是石桥街道门前", "石桥街道"),
    ],
)
def test_a_short_name_outside_the_district_that_the_text_names_is_no_place(text: str, area: str) -> None:
    places = consistent(PlaceFinder(DIRECTORY).find(text), DIRECTORY)
    found = narrowest(places)
    assert found is not None
    assert found.area == area


def test_places_are_listed_once_in_reading_order_and_the_narrowest_counts() -> None:
    mentions = PlaceFinder(DIRECTORY).find("西岭区石桥街道，西岭区石桥，后来搬到东岸区")
    assert [mention.area for mention in mentions] == ["西岭区", "石桥街道", "东岸区"]
    found = narrowest(mentions)
    assert found is not None
    assert (found.area, found.words) == ("石桥街道", "石桥街道")


@pytest.mark.parametrize(
    ("text", "address", "area"),
    [
        ("市民来电反映：青浦区夏阳街道某小区停水", "", "夏阳街道"),
        ("路灯不亮", "宝山区友谊路18号", "宝山区"),
        ("我们小区停水，本地区没有通知", "", None),
        ("12345", "", None),
    ],
)
def test_without_a_directory_administrative_names_are_read_off_the_text(
    text: str, address: str, area: str | None
) -> None:
    found = guess_place(text, address)
    assert (found.area if found else None) == area


def test_every_feature_is_finite_for_awkward_texts() -> None:
    router = UnitRouter(DIRECTORY, CandidateRanker(("function",), np.ones(1, np.float32)))
    evidence = router.features.evidence(documents("", "😀" * 500, "12345", "the quick brown fox"))
    names = [name for name in FEATURES if name not in ("base_function", "unit", "dense", "area", "centroid", "prior")]
    scores = {"function": np.zeros((4, len(router.units)), np.float32)}
    features = router.features.compute(evidence, scores, names)
    assert features.shape == (4, 5, len(names))
    assert np.isfinite(features).all()
