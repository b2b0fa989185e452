"""Clauses, cue words and the second level: what the risk is judged by, and the quotes that show it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clauses import (
    COLUMNS,
    FEATURE_NAMES,
    ClauseModel,
    clause_model_from,
    document_features,
)
from models.cues import CUE_NAMES, CUE_WORDS, NEGATORS
from models.errors import BundleError
from models.linear import Scores
from models.ngrams import pack
from models.stacked import StackedHeads, stacked_from
from triage.appeal import Appeal
from triage.clause_reading import ClauseTexts, read_clauses
from triage.document import Document, read_document
from triage.evidence import Clauses, risk_quotes
from triage.reading import split_clauses

WEIGHTS = {"讨薪": (9.0, 6.0), "欠": (4.0, 4.0), "跳楼": (12.0, 9.0), "路灯": (-3.0, -2.0), "半年": (1.0, 2.0)}
"""Weights that int8 holds exactly enough for equal scores within a thousandth."""


def model() -> ClauseModel:
    keys = np.array([pack(word) for word in WEIGHTS], dtype=np.uint64)
    order = np.argsort(keys)
    weights = np.array(list(WEIGHTS.values()), dtype=np.float32)[order]
    return ClauseModel(keys[order], weights, np.array([-3.0, -2.0], dtype=np.float32))


def document(content: str, title: str = "") -> Document:
    return read_document(Appeal(id="1", title=title, content=content))


def scored(document: Document) -> Clauses:
    reading = read_clauses([document])
    return split_clauses(reading.layout, model().scores(reading.found, reading.layout))[0]


def cues_of(content: str, title: str = "") -> dict[str, float]:
    return dict(zip(CUE_NAMES, read_clauses([document(content, title)]).cues[0].tolist(), strict=True))


def features_of(reading: ClauseTexts) -> Scores:
    return document_features(model().scores(reading.found, reading.layout), reading.layout)


def test_a_clause_scores_the_sum_of_its_ngrams_and_of_no_other_clause() -> None:
    found = scored(document("门前路灯坏了，工人讨薪被打"))
    assert (found.starts.tolist(), found.ends.tolist()) == ([0, 7], [7, 13])
    assert found.scores[0] == pytest.approx([-3 - 3 / np.sqrt(24), -2 - 2 / np.sqrt(24)], abs=1e-5)
    assert found.scores[1] == pytest.approx([-3 + 9 / np.sqrt(24), -2 + 6 / np.sqrt(24)], abs=1e-5)


def test_an_ngram_across_two_clauses_counts_for_neither() -> None:
    assert scored(document("他在讨，薪水没有。")).scores == pytest.approx(np.tile([-3.0, -2.0], (2, 1)))


def test_document_features_are_best_second_mean_and_total() -> None:
    features = dict(zip(FEATURE_NAMES, features_of(read_clauses([document("讨薪，路灯，半年")]))[0], strict=True))
    scores = np.sort(scored(document("讨薪，路灯，半年")).scores[:, 0])[::-1]
    assert features["serious_first"] == pytest.approx(scores[0])
    assert features["serious_second"] == pytest.approx(scores[1])
    assert features["serious_top5"] == pytest.approx(scores.mean())
    assert features["serious_total"] == pytest.approx(np.log(np.exp(scores).sum()), abs=1e-5)


def test_a_batch_gives_what_each_text_gives_alone() -> None:
    batch = [
        document(text, title)
        for title, text in (("讨薪", "欠薪半年，要跳楼"), ("", ""), ("", "路灯不亮。"), ("一", "😀讨薪"))
    ]
    together = read_clauses(batch)
    for row, one in enumerate(batch):
        alone = read_clauses([one])
        assert np.allclose(features_of(together)[row], features_of(alone)[0], atol=1e-5)
        assert np.array_equal(together.cues[row], alone.cues[0])


def test_a_part_of_a_reading_is_the_reading_of_that_part() -> None:
    batch = [document(text) for text in ("讨薪，欠钱", "路灯不亮。", "不想上访，要跳楼")]
    part = read_clauses(batch).part(np.array([2, 0]))
    alone = read_clauses([batch[2], batch[0]])
    assert np.allclose(features_of(part), features_of(alone))
    assert np.array_equal(part.cues, alone.cues)


def test_a_stored_clause_model_gives_the_same_scores() -> None:
    again = clause_model_from(model().tensors())
    reading = read_clauses([document("欠薪半年，工人讨薪，路灯不亮。")])
    before = model().scores(reading.found, reading.layout)
    assert again.scores(reading.found, reading.layout) == pytest.approx(before, abs=0.05)


def test_a_clause_model_with_missing_weights_is_refused() -> None:
    tensors = model().tensors()
    tensors["weights"] = tensors["weights"][:-1]
    with pytest.raises(BundleError, match="weights do not fit the vocabulary; train the bundle again"):
        clause_model_from(tensors)


def test_every_cue_word_is_one_ngram_of_one_group() -> None:
    words = [word for listed in CUE_WORDS.values() for word in listed.split()] + NEGATORS.split()
    assert all(pack(word) for word in words)
    assert [word for word in set(words) if words.count(word) > 1] == []


def test_cues_are_counted_in_their_group() -> None:
    cues = cues_of("多次投诉，业主们要去上访、上访！", "我要上访")
    assert cues["petition"] == pytest.approx(np.log1p(3))
    assert cues["serious_in_title"] == pytest.approx(np.log1p(1))
    assert (cues["again"], cues["many"], cues["exclamation"]) == pytest.approx((np.log(2),) * 3)
    assert cues["has_title"] == 1.0


def test_a_denied_threat_is_no_threat() -> None:
    cues = cues_of("我们不想再上访")
    assert (cues["petition"], cues["denied"]) == pytest.approx((0.0, np.log(2)))


def test_a_negator_in_one_text_does_not_reach_into_the_next() -> None:
    reading = read_clauses([document("我们不想"), document("上访")])
    assert reading.cues[1, CUE_NAMES.index("petition")] == pytest.approx(np.log(2))


def test_any_head_count_of_two_digits_is_many() -> None:
    assert cues_of("小区47户停水")["many"] == cues_of("小区90户停水")["many"] > 0


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_is_read_and_its_clauses_cover_it(content: str, title: str) -> None:
    read = document(content, title)
    reading = read_clauses([read])
    assert np.isfinite(features_of(reading)).all()
    assert np.isfinite(reading.cues).all()
    spans = zip(reading.layout.starts, reading.layout.ends, strict=True)
    assert "".join(read.text[start:end] for start, end in spans) == read.text


@pytest.mark.parametrize("piece", ["不想", "上访", "，", "讨", "欠，", "😀", "[手机号]"])
def test_hostile_repetition_stays_linear(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    started = time.process_time()
    for quote in risk_quotes(document(text), scored(document(text)), level=3):
        assert text[quote.start : quote.end] == quote.text
    assert time.process_time() - started < 5.0


def test_quotes_are_raw_stretches_of_the_clauses_that_score_best() -> None:
    raw = "小区路灯不亮，物业不管。老板欠薪半年，  工人要跳楼。其他没有什么，谢谢您的关心和耐心。"
    quotes = risk_quotes(document(raw), scored(document(raw)), level=3)
    assert "欠薪半年，  工人要跳楼" in quotes[0].text + quotes[-1].text
    assert all(raw[quote.start : quote.end] == quote.text for quote in quotes)


def test_a_quote_never_holds_masked_personal_data() -> None:
    raw = "工人讨薪请打13812345678联系，另有许多事情要说。路灯不亮已经很久很久了，没有人来管过。"
    quotes = risk_quotes(document(raw), scored(document(raw)), level=4)
    assert quotes
    assert all("138" not in quote.text for quote in quotes)


def test_a_clause_is_quoted_once() -> None:
    raw = "老板欠薪，工人讨薪。"
    (quote,) = risk_quotes(document(raw), scored(document(raw)), level=3)
    assert quote.text == "老板欠薪，工人讨薪"


def test_title_and_text_are_never_joined_in_one_quote() -> None:
    quotes = risk_quotes(
        document("讨薪半年。", title="老板欠薪"), scored(document("讨薪半年。", title="老板欠薪")), level=3
    )
    assert [(quote.field, quote.text) for quote in quotes] == [("title", "老板欠薪"), ("content", "讨薪半年")]


def stacked() -> StackedHeads:
    generator = np.random.default_rng(0)
    centre, scale = generator.normal(size=3), generator.uniform(1, 2, size=3)
    weights, intercepts = generator.normal(size=(6, 3)), generator.normal(size=3)
    return StackedHeads(
        inputs=("a", "b", "c"),
        centre=centre.astype(np.float32),
        scale=scale.astype(np.float32),
        weights=weights.astype(np.float32),
        intercepts=intercepts.astype(np.float32),
        columns={"type": slice(0, 2), "risk": slice(2, 3)},
        gate="c",
    )


CLASSES = {"type": ["投诉", "求助"], "risk": ["≥1"]}


def test_stored_second_level_heads_give_the_same_margins() -> None:
    again = stacked_from(stacked().tensors(), stacked().settings(), CLASSES, inputs=("a", "b", "c"))
    inputs = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    for head, margins in stacked().margins(inputs).items():
        assert np.array_equal(again.margins(inputs)[head], margins)


def test_a_bundle_with_inputs_that_this_version_does_not_compute_is_refused() -> None:
    with pytest.raises(BundleError, match=r"inputs \['c', 'd'\] differ"):
        stacked_from(stacked().tensors(), stacked().settings(), CLASSES, inputs=("a", "b", "d"))


def test_the_columns_of_clauses_have_all_their_features() -> None:
    assert len(FEATURE_NAMES) == 4 * len(COLUMNS)
