"""The encoder beside the base bundle: weights are kept in a file, checked, and used only with the models they were fitted for."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from models.bundle import load_bundle
from models.calibration import Platt
from models.encoder import EncoderReading, OnnxEncoder
from models.errors import EncoderError
from models.fusion import Fusion, fusion_from, in_order
from models.ordinal import OrdinalModel
from tests.encoders import write_encoder
from triage import Appeal, Triage, second_opinion
from triage.base_model import (
    CALL_FUNCTION,
    CATEGORY,
    EMERGENCY,
    FACTORS,
    FUNCTION,
    RISK,
    TYPE,
    BaseModel,
    base_bundle_path,
    base_model_from,
)
from triage.second_opinion import ENCODER_HEADS, SecondOpinion, ShippedEncoder

NOISE = Appeal(
    id="1", content="青湖街道文汇路3号楼下烧烤店每晚营业到凌晨两点，噪音和油烟影响居民休息，多次反映没有解决。"
)
ROAD = Appeal(id="2", content="临江大道与学府路交叉口红绿灯坏了三天，早高峰非常拥堵，希望尽快修复。")


@cache
def base() -> BaseModel:
    return base_model_from(load_bundle(base_bundle_path()))


def fusion(*, encoder: str = "e", weight: float = 1.0, base_print: str = "b") -> Fusion:
    factors = len(base().classes[FACTORS])
    flat = Platt(np.ones(factors, np.float32), np.zeros(factors, np.float32))
    return Fusion(
        base=base_print,
        encoder=encoder,
        weights={
            FUNCTION: (1.0, weight, weight),
            CATEGORY: (1.0, weight),
            TYPE: (1.0, weight),
            RISK: (1.0, weight),
            FACTORS: (1.0, weight),
            EMERGENCY: (1.0, weight),
        },
        ordinal=OrdinalModel(
            Platt(np.ones(4, np.float32), np.zeros(4, np.float32)), np.array([0.5, 1.5, 2.5, 3.5], "f4")
        ),
        factors=flat,
        factor_thresholds=np.full(factors, 0.4, np.float32),
        emergency=Platt(np.ones(1, np.float32), np.zeros(1, np.float32)),
    )


def shipped(folder: Path, *, weight: float) -> ShippedEncoder:
    classes = {head: base().classes[question] for question, head in ENCODER_HEADS.items()}
    encoder = OnnxEncoder.load(write_encoder(folder, heads=classes))
    weights = fusion(encoder=encoder.fingerprint, weight=weight, base_print=base().heads_fingerprint)
    return ShippedEncoder(encoder, weights)


def with_encoder(encoder: ShippedEncoder | None) -> Triage:
    plain = Triage.load(encoder=False)
    return Triage(plain.base, local=None, directory=None, settings=plain.settings, encoder=encoder)


def test_weights_come_back_from_their_file_as_they_were() -> None:
    found = fusion_from(fusion(weight=0.25).to_json().encode())
    assert found.weights == fusion(weight=0.25).weights
    assert found.ordinal.cuts.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert (found.base, found.encoder) == ("b", "e")


@pytest.mark.parametrize("spoil", ["weights", "risk", "factors", "version"])
def test_a_file_that_lacks_something_is_refused_with_its_name(spoil: str) -> None:
    record = json.loads(fusion().to_json())
    record[spoil] = "nothing" if spoil == "version" else {}
    with pytest.raises(EncoderError, match=r"fusion\.json 缺少或写错了字段"):
        fusion_from(json.dumps(record).encode())


def test_numbers_that_are_none_are_refused() -> None:
    record = json.loads(fusion().to_json())
    record["weights"][TYPE] = [1.0, float("nan")]
    with pytest.raises(EncoderError, match="weights"):
        fusion_from(json.dumps(record).encode())


def test_columns_follow_the_names_and_an_unknown_class_is_all_but_impossible() -> None:
    logits = np.array([[1.0, 2.0]], np.float32)
    assert in_order(logits, ["甲", "乙"], ["乙", "丙", "甲"]).tolist() == [[2.0, -19.0, 1.0]]


def test_an_encoder_that_is_sure_outweighs_a_base_model_that_is_not() -> None:
    names = base().classes[FUNCTION]
    mixer = SecondOpinion(fusion(), {head: base().classes[q] for q, head in ENCODER_HEADS.items()}, base().classes)
    margins = {q: np.zeros((1, len(base().classes[q])), np.float32) for q in (FUNCTION, CATEGORY)}
    judged = {q: np.zeros((1, len(base().classes[q])), np.float32) for q in (TYPE, RISK, FACTORS, EMERGENCY)}
    heads = {head: np.zeros((1, len(base().classes[q])), np.float32) for q, head in ENCODER_HEADS.items()}
    heads[FUNCTION][0, 3] = heads[CALL_FUNCTION][0, 5] = 9.0
    heads[RISK][0] = 2.0
    said = EncoderReading(np.zeros((1, 4), np.float32), heads)
    letter = mixer.mix(margins, judged, said, np.array([0.05], np.float32))
    call = mixer.mix(margins, judged, said, np.array([0.95], np.float32))
    assert names[int(letter.logs[FUNCTION].argmax())] == names[3]
    assert names[int(call.logs[FUNCTION].argmax())] == names[5]
    assert np.exp(letter.logs[FUNCTION]).sum() == pytest.approx(1.0, abs=1e-4)
    assert letter.margins[RISK].tolist() == [[2.0] * 4]


def test_an_encoder_without_weight_changes_no_answer(tmp_path: Path) -> None:
    plain, silent = with_encoder(None), with_encoder(shipped(tmp_path, weight=0.0))
    for appeal in (NOISE, ROAD):
        mine, theirs = plain.decide(appeal), silent.decide(appeal)
        assert mine.categories[0].l2 == theirs.categories[0].l2
        assert mine.functions[0].name == theirs.functions[0].name
        assert mine.types[0].name == theirs.types[0].name


def test_an_encoder_with_weight_has_a_say_and_is_quoted(tmp_path: Path) -> None:
    encoder = shipped(tmp_path, weight=3.0)
    plain, loud = with_encoder(None), with_encoder(encoder)
    mine, theirs = plain.decide(NOISE), loud.decide(NOISE)
    assert [c.probability for c in mine.functions] != [c.probability for c in theirs.functions]
    assert encoder.name in theirs.bundle
    assert mine.bundle == base().version


def test_each_appeal_is_decided_in_a_batch_as_it_is_alone(tmp_path: Path) -> None:
    triage = with_encoder(shipped(tmp_path, weight=1.0))
    together = triage.decide_batch([NOISE, ROAD, replace(NOISE, id="3", content="停电")])
    for appeal, decision in zip((NOISE, ROAD), together, strict=False):
        assert triage.decide(appeal).to_record() == decision.to_record()


def test_the_vector_of_the_search_index_is_made_once(tmp_path: Path) -> None:
    encoder = shipped(tmp_path, weight=1.0)
    (reading,) = with_encoder(encoder).read([NOISE])
    assert reading.encoder == encoder.encoder.fingerprint
    assert reading.vector is not None
    assert np.allclose(reading.vector, encoder.encoder.encode([reading.document.text])[0], atol=1e-6)


def test_weights_for_another_base_bundle_or_encoder_are_not_used(tmp_path: Path) -> None:
    encoder = shipped(tmp_path, weight=3.0).encoder
    for odd in (fusion(encoder=encoder.fingerprint), fusion(base_print=base().heads_fingerprint)):
        assert second_opinion.second_opinion(base(), encoder, odd) is None


def test_weights_that_do_not_cover_every_question_are_refused(tmp_path: Path) -> None:
    whole = shipped(tmp_path, weight=1.0)
    assert whole.fusion is not None
    part = {question: weights for question, weights in whole.fusion.weights.items() if question != TYPE}
    with pytest.raises(EncoderError, match="缺少与自带模型合并所需的 type"):
        second_opinion.second_opinion(base(), whole.encoder, replace(whole.fusion, weights=part))


def test_a_folder_without_an_encoder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_opinion, "shipped_encoder_path", lambda: tmp_path / "nothing")
    assert second_opinion.load_shipped_encoder() is None
