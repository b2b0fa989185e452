from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ngrams import BOUNDARY, fit_vectoriser, fold, occurrences, pack, unpack

TEXTS = ["小区停水三天没人管", "小区停水通知", "停水了请问何时恢复", "路灯不亮", "路灯坏了", "路灯又坏了"]


@pytest.mark.parametrize("ngram", ["水", "停水", "供水公", "abc0", "一二三四"])
def test_an_ngram_survives_packing_and_unpacking(ngram: str) -> None:
    assert unpack(pack(ngram)) == ngram


def test_different_ngrams_never_share_a_key() -> None:
    ngrams = {a + b for a in "停水路灯" for b in ["", *"停水路灯"]}
    assert len({pack(ngram) for ngram in ngrams}) == len(ngrams)


def test_an_ngram_of_five_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 4 code units, not 5"):
        pack("一二三四五")


def test_occurrences_are_those_of_a_plain_loop() -> None:
    found = occurrences(["停水了", "灯"], orders=(1, 2))
    keys = {(int(k), int(t), int(p)) for k, t, p in zip(found.keys, found.texts, found.positions, strict=True)}
    expected = set()
    for number, text in enumerate(["停水了", "灯"]):
        bounded = f"{BOUNDARY}{text}{BOUNDARY}"
        for order in (1, 2):
            for at in range(len(bounded) - order + 1):
                ngram = bounded[at : at + order]
                if ngram != BOUNDARY:
                    expected.add((pack(ngram), number, at - 1))
    assert keys == expected


def test_a_vector_has_length_one_and_an_unknown_text_length_zero() -> None:
    vectoriser = fit_vectoriser(TEXTS, orders=(1, 2))
    lengths = np.sqrt(np.asarray(vectoriser.transform(["停水停水", "", "xyz"]).power(2).sum(axis=1))).ravel()
    assert lengths[0] == pytest.approx(1.0, abs=1e-6)
    assert lengths[1:].tolist() == [0.0, 0.0]


def test_ngrams_of_fewer_than_three_texts_are_not_learned() -> None:
    vectoriser = fit_vectoriser(TEXTS, orders=(1, 2))
    learned = {unpack(int(key)) for key in vectoriser.vocabulary}
    assert {"停水", "路灯"} <= learned
    assert "恢复" not in learned


def test_the_same_text_three_times_counts_once() -> None:
    vectoriser = fit_vectoriser(["张三丰的手机", "张三丰的手机", "张三丰的手机", *TEXTS], orders=(1, 2))
    assert pack("张三") not in set(vectoriser.vocabulary.tolist())


def test_a_minimum_below_three_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        fit_vectoriser(TEXTS, orders=(1, 2), min_texts=2)


def test_digits_are_folded_so_that_no_number_can_be_learned() -> None:
    assert fold(["电话13800001234，12栋"]) == ["电话00000000000，00栋"]


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_texts_give_the_same_vectors_together_and_alone(texts: list[str]) -> None:
    vectoriser = fit_vectoriser(TEXTS, orders=(1, 3))
    together = vectoriser.transform(texts)
    for row, text in enumerate(texts):
        alone = vectoriser.transform([text]).toarray()[0]
        assert np.allclose(together[row].toarray()[0] if together.shape[0] else alone, alone, atol=1e-7)


@given(st.text(max_size=60))
def test_folding_keeps_every_position(text: str) -> None:
    assert len(fold([text])[0]) == len(text)
