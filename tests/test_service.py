from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import load_bundle
from models.ngrams import unpack
from tests.deletion import delete_and_compare
from training.config import LocalRecipe
from training.local import save_local, train_local
from training.local_stack import Ticket
from triage import Appeal, Triage
from triage.base_model import base_bundle_path
from triage.directory import Directory
from triage.document import read_document
from triage.errors import BundleError, DirectoryError
from triage.io.readers import read_rows
from triage.samples import sample_path

KEYS = [
    "id",
    "unit",
    "function",
    "area",
    "category",
    "type",
    "risk",
    "event",
    "explanation",
    "demands",
    "level",
    "assisting",
    "route_out",
    "deadline",
    "versions",
]
NOON = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def triage() -> Triage:
    return Triage.load(units=sample_path("units.csv"))


@pytest.fixture(scope="module")
def samples() -> list[Appeal]:
    return [row.appeal for row in read_rows(sample_path("appeals.csv"))]


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in sample_path("answers.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def base_triage() -> Triage:
    return Triage.load()


def record_of(triage: Triage, text: str, **fields: Any) -> dict[str, Any]:
    return triage.decide(Appeal(id="1", content=text, created_at=NOON, **fields)).to_record()


def quotes(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from record["risk"]["evidence"]
    for reason in record["explanation"]:
        yield from reason.get("spans", ())


def test_the_record_has_the_documented_keys_in_their_order(triage: Triage) -> None:
    record = record_of(triage, "临澜区桃溪街道有人占道经营，多次投诉无果")
    assert list(record) == KEYS
    assert set(record["unit"]) == {"candidates", "decision", "reason"}
    assert set(record["risk"]) == {
        *("level", "color", "probabilities", "score", "emergency", "factors", "evidence"),
    }
    assert set(record["event"]) == {"id", "size", "similar"}
    assert set(record["versions"]) == {"bundle", "normaliser"}
    assert json.loads(json.dumps(record, ensure_ascii=False)) == record


def test_five_candidates_are_named_where_there_are_five(triage: Triage) -> None:
    record = record_of(triage, "小区停水三天了")
    for part in ("unit", "function", "category", "type"):
        probabilities = [candidate["probability"] for candidate in record[part]["candidates"]]
        assert len(probabilities) == 5
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 <= sum(probabilities) <= 1.001


def test_without_a_list_of_units_the_function_answers() -> None:
    record = record_of(Triage.load(), "路口红绿灯坏了，车都堵在一起")
    assert record["unit"]["candidates"] == []
    assert record["unit"]["decision"] == "review"
    assert record["function"]["candidates"][0]["name"] == "交警"


def test_a_batch_decides_as_one_by_one(triage: Triage, samples: list[Appeal]) -> None:
    some = samples[:40]
    together = [decision.to_record() for decision in triage.decide_batch(some)]
    alone = [triage.decide(appeal).to_record() for appeal in some]
    for a, b in zip(together, alone, strict=True):
        for part in ("unit", "function", "category", "type"):
            names = [[c.get("name", c.get("l2")) for c in record[part]["candidates"]] for record in (a, b)]
            assert names[0] == names[1]
        assert a["risk"]["level"] == b["risk"]["level"]
        assert a["risk"]["evidence"] == b["risk"]["evidence"]
        assert a["risk"]["score"] == pytest.approx(b["risk"]["score"], abs=2e-4)


@given(title=st.text(max_size=20), content=st.text(max_size=200))
@settings(max_examples=40)
def test_any_text_gives_a_valid_record_with_exact_offsets(title: str, content: str) -> None:
    appeal = Appeal(id="x", title=title, content=content, created_at=NOON)
    record = base_triage().decide(appeal).to_record()
    assert list(record) == KEYS
    assert sum(record["risk"]["probabilities"]) == pytest.approx(1.0, abs=2e-3)
    for quote in record["risk"]["evidence"]:
        assert appeal.field(quote["field"])[quote["start"] : quote["end"]] == quote["text"]
    for demand in record["demands"]:
        source = content if content.strip() else title
        assert 0 <= demand["start"] < demand["end"] <= max(len(source), len(title))


def test_quotes_of_the_samples_are_verbatim(triage: Triage, samples: list[Appeal]) -> None:
    found = 0
    for appeal, decision in zip(samples, triage.decide_batch(samples), strict=True):
        for quote in decision.to_record()["risk"]["evidence"]:
            assert appeal.field(quote["field"])[quote["start"] : quote["end"]] == quote["text"]
            found += 1
    assert found > 100


def test_serious_and_urgent_matters_are_never_automatic(city: Triage, samples: list[Appeal]) -> None:
    for decision in city.decide_batch(samples):
        if decision.unit.decision == "auto":
            assert decision.risk.level < 3
            assert decision.risk.emergency < 0.5
            assert len(decision.demands) == 1
            assert decision.route_out is None


def test_an_appeal_about_a_unit_itself_goes_to_its_superior(triage: Triage) -> None:
    text = "我要投诉临澜区城管局执法人员态度恶劣、乱罚款，请上级严肃处理"
    record = record_of(triage, text)
    names = [candidate["name"] for candidate in record["unit"]["candidates"]]
    assert "临澜区城管局" not in " ".join(names)
    assert record["unit"]["decision"] == "review"
    assert "履职问题" in record["unit"]["reason"]


def test_a_matter_before_a_court_is_routed_out_with_a_reason(triage: Triage) -> None:
    record = record_of(triage, "我不服区法院的一审判决，要求改判，法院判决书不公。")
    assert record["route_out"]["channel"] == "诉讼"
    assert record["unit"]["decision"] == "review"


def test_life_in_danger_is_handed_over(triage: Triage) -> None:
    record = record_of(triage, "着火了！五楼现在正在着火，有老人被困在里面，快来人救命！")
    assert record["route_out"]["channel"] == "119"


def test_demands_quote_the_raw_text_with_personal_data_masked(triage: Triage) -> None:
    text = "1、要求退还押金，电话13800001234。2、另外要求修好电梯。"
    record = record_of(triage, text)
    assert len(record["demands"]) == 2
    assert "13800001234" not in json.dumps(record, ensure_ascii=False)


def test_a_deadline_needs_a_time_of_arrival(triage: Triage) -> None:
    assert record_of(triage, "小区停水")["deadline"] is not None
    assert triage.decide(Appeal(id="1", content="小区停水")).to_record()["deadline"] is None


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, samples: list[Appeal], answers: list[dict[str, Any]]) -> Triage:
    """A city that has trained on its own tickets: the samples, several times over."""
    recipe = LocalRecipe(seed=0, orders=(1, 2), min_texts=3, max_features=4000, svm_c=1.0, held_out_share=0.25)
    tickets = [
        Ticket(read_document(replace(appeal, id=f"{appeal.id}-{copy}")), answer["unit"])
        for copy in range(3)
        for appeal, answer in zip(samples, answers, strict=True)
        if answer["unit"]
    ]
    model = train_local(tickets, Directory.load(sample_path("units.csv")), recipe=recipe, label="unit", strip=True)
    folder = tmp_path_factory.mktemp("bundles") / "city"
    save_local(model, folder, name="city", tickets=tickets, metrics={}, card=lambda _: "")
    return Triage.load(folder, units=sample_path("units.csv"))


def test_a_local_bundle_answers_in_the_units_of_the_city(
    city: Triage, samples: list[Appeal], answers: list[dict[str, Any]]
) -> None:
    decisions = city.decide_batch(samples)
    right = [
        decision.unit.candidates[0].name == answer["unit"]
        for decision, answer in zip(decisions, answers, strict=True)
        if answer["unit"]
    ]
    assert sum(right) / len(right) > 0.9
    assert "+" in decisions[0].bundle
    assert "city" in decisions[0].bundle


def test_a_higher_target_dispatches_fewer_appeals(city: Triage, samples: list[Appeal]) -> None:
    strict = Triage(
        city.base,
        local=city.local,
        directory=city.directory,
        settings=replace(city.settings, precision=0.999),
    )
    lenient = Triage(
        city.base, local=city.local, directory=city.directory, settings=replace(city.settings, precision=0.5)
    )
    auto = [sum(d.unit.decision == "auto" for d in t.decide_batch(samples)) for t in (lenient, strict)]
    assert auto[0] > auto[1]


def test_a_bundle_of_another_normaliser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        Triage.load(tmp_path)


def test_a_broken_list_of_units_is_refused_with_row_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("名称,层级\n甲局,星球\n", encoding="utf-8")
    with pytest.raises(DirectoryError, match="2"):
        Triage.load(units=tmp_path / "units.csv")


def test_deleting_the_shown_words_hurts_more_than_deleting_others(triage: Triage, samples: list[Appeal]) -> None:
    names = triage.base.classes["function"]

    def probability(judge: Triage, appeal: Appeal, name: str) -> float:
        return float(judge.read([appeal])[0].functions[names.index(name)])

    found = delete_and_compare(triage, samples, first=lambda d: d.functions[0].name, probability=probability)
    assert found.judged > 200
    assert found.better / found.judged >= 0.8


def test_the_vocabulary_holds_nothing_like_a_number_of_a_person() -> None:
    tensors = load_bundle(base_bundle_path()).tensors
    vocabularies = {
        f"{part}.{name}": keys
        for part, arrays in tensors.items()
        for name, keys in arrays.items()
        if name.startswith("vocabulary")
    }
    # A bundle over n-grams alone has no list of words.
    assert set(vocabularies) - {"meaning.vocabulary"} == {
        "text.vocabulary_title",
        "text.vocabulary_content",
        "clauses.vocabulary",
    }
    for keys in vocabularies.values():
        ngrams = [unpack(key) for key in keys.tolist()]
        assert not any(c in "123456789" for ngram in ngrams for c in ngram)
        assert all(len(ngram) <= 4 for ngram in ngrams)


def test_the_base_bundle_is_small_enough_for_the_repository() -> None:
    assert sum(path.stat().st_size for path in base_bundle_path().iterdir()) <= 40 * 2**20
