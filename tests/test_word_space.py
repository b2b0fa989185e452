"""The meaning of words: which words are found, where texts are placed, and that a stored space is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BundleError
from models.ngrams import fold, occurrences, pack, unpack
from models.word_space import (
    ORDERS,
    VIEWS,
    Extents,
    MeaningHeads,
    WordSpace,
    find_words,
    meaning_heads_from,
    word_space_from,
)

WORDS = ("农民", "民工", "农民工", "工资", "拖欠", "欠薪", "噪音", "扰民")


def space() -> WordSpace:
    """Wages point one way, noise the other."""
    keys = sorted(pack(word) for word in WORDS)
    about_wages = [unpack(key) not in ("噪音", "扰民") for key in keys]
    vectors = np.array([[1.0, 0.1] if wages else [0.1, 1.0] for wages in about_wages], dtype=np.float32)
    marks = np.eye(2, dtype=np.float32)
    return WordSpace(
        np.array(keys, dtype=np.uint64),
        np.ones(len(keys), np.float32),
        vectors,
        np.zeros(2, np.float32),
        (marks,) * len(VIEWS),
        1.0,
    )


def nearness(texts: list[str], titles: list[str] | None = None) -> np.ndarray:
    found = occurrences(fold(texts), orders=ORDERS)
    return space().read(found, Extents.of(texts, titles or [""] * len(texts))).nearness


def words_in(text: str) -> list[str]:
    listed = np.array(sorted(pack(word) for word in WORDS), dtype=np.uint64)
    return [unpack(int(listed[at])) for at in find_words(listed, occurrences([text], orders=ORDERS)).words]


def test_a_longer_word_hides_the_shorter_ones_inside_it() -> None:
    assert words_in("农民工工资") == ["农民工", "工资"]


def test_words_that_overlap_without_holding_each_other_both_count() -> None:
    listed = np.array(sorted(pack(word) for word in ("拖欠薪", "欠薪资")), dtype=np.uint64)
    found = find_words(listed, occurrences(["拖欠薪资"], orders=ORDERS))
    assert [unpack(int(listed[at])) for at in found.words] == ["拖欠薪", "欠薪资"]


def test_a_word_of_one_text_does_not_hide_a_word_of_the_next() -> None:
    listed = np.array(sorted(pack(word) for word in WORDS), dtype=np.uint64)
    found = find_words(listed, occurrences(["农民工", "民工"], orders=ORDERS))
    assert found.texts.tolist() == [0, 1]


def test_words_never_seen_together_place_texts_near_each_other() -> None:
    near = nearness(["拖欠工资", "欠薪", "噪音扰民"])
    assert np.abs(near[0] - near[1]).max() < 0.02
    assert near[0, 0] > near[2, 0] + 0.5


def test_title_and_end_are_read_apart() -> None:
    near = nearness(["噪音扰民" + "，" * 100 + "拖欠工资"], ["噪音扰民"])[0].reshape(len(VIEWS), 2)
    _, title, end = near
    assert title[1] > title[0]
    assert end[0] > end[1]


def test_a_text_without_known_words_lies_equally_far_from_everything() -> None:
    near = nearness(["？？？"])[0]
    assert near == pytest.approx(np.full(near.shape, np.exp(-2.0)))


@given(st.lists(st.text(alphabet="农民工资拖欠薪噪音x\x00。\U0001f600", max_size=30), min_size=1, max_size=5))
def test_a_text_is_placed_alone_as_in_a_batch(texts: list[str]) -> None:
    together = nearness(texts)
    assert np.isfinite(together).all()
    assert together == pytest.approx(np.vstack([nearness([text]) for text in texts]), abs=1e-6)


def test_a_stored_space_adds_the_same() -> None:
    heads = MeaningHeads(space(), np.arange(12, dtype=np.float32).reshape(6, 2))
    again = meaning_heads_from(heads.tensors(), columns=2)
    texts = ["农民工工资", "噪音"]
    found, extents = occurrences(texts, orders=ORDERS), Extents.of(texts, ["", ""])
    before, after = heads.added(heads.space.read(found, extents)), again.added(again.space.read(found, extents))
    assert after == pytest.approx(before, rel=1e-2)


def test_a_bundle_over_ngrams_alone_adds_nothing() -> None:
    heads = meaning_heads_from(None, columns=3)
    added = heads.added(heads.space.read(occurrences(["农民工"], orders=ORDERS), Extents.of(["农民工"], [""])))
    assert added.shape == (1, 3)
    assert not added.any()


def test_weights_that_do_not_fit_the_landmarks_are_refused() -> None:
    tensors = MeaningHeads(space(), np.zeros((5, 2), np.float32)).tensors()
    with pytest.raises(BundleError, match="weights do not fit landmarks and heads; train the bundle again"):
        meaning_heads_from(tensors, columns=2)


def test_vectors_that_do_not_fit_the_words_are_refused() -> None:
    broken = replace(space(), idf=np.ones(3, np.float32))
    with pytest.raises(BundleError, match="vectors do not fit words and landmarks; train the bundle again"):
        word_space_from(broken.tensors())
