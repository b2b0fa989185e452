"""Likeness of meaning between two appeals, where no word is shared."""

from __future__ import annotations

import numpy as np
import pytest

from models.pairs import WordMeanings
from triage.events import EventItem, Signature, WordCutter, make_signature
from triage.events.meaning import MEANING_FEATURES, MeaningTable
from triage.events.signature import hash_text
from triage.events.sounds import sound_alike, syllables

WORDS = WordCutter()


def meanings() -> WordMeanings:
    """油烟 and 餐馆 lie together, 井盖 and 道路 elsewhere."""
    vectors = {"油烟": (1.0, 0.0), "餐馆": (0.96, 0.28), "井盖": (0.0, 1.0), "道路": (0.28, 0.96)}
    order = sorted(vectors, key=hash_text)
    return WordMeanings(
        np.array([hash_text(word) for word in order], dtype=np.uint32),
        np.ones(len(order), dtype=np.float32),
        np.array([vectors[word] for word in order], dtype=np.float32),
        np.zeros((3, 2), dtype=np.float32),
    )


def sign(id_: str, title: str, content: str = "请处理") -> Signature:
    return make_signature(EventItem(id=id_, title=title, content=content), words=WORDS)


SMOKE, KITCHEN, COVER, NOTHING = sign("1", "油烟"), sign("2", "餐馆"), sign("3", "井盖和道路"), sign("4", "谢谢")


def compare(*pairs: tuple[int, int]) -> list[dict[str, float]]:
    left, right = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    found = MeaningTable([SMOKE, KITCHEN, COVER, NOTHING], meanings()).compare(left, right)
    return [dict(zip(MEANING_FEATURES, row, strict=True)) for row in found.tolist()]


def test_words_used_alike_make_two_appeals_alike() -> None:
    near, far = compare((0, 1), (0, 2))
    assert all(near[name] > 0.9 for name in MEANING_FEATURES)
    assert all(far[name] < 0.5 for name in MEANING_FEATURES)


def test_the_side_that_says_more_is_told_from_the_other() -> None:
    (found,) = compare((0, 2))
    # 油烟 comes near 道路 only (0.28); of 井盖 and 道路 one comes near it, the other not at all.
    assert found["matter_aligned_most"] == pytest.approx(0.28, abs=0.01)
    assert found["matter_aligned_least"] == pytest.approx(0.14, abs=0.01)


def test_it_does_not_matter_which_appeal_comes_first_or_what_else_is_compared() -> None:
    together = compare((0, 1), (1, 0), (1, 2), (0, 2))
    assert together[0] == pytest.approx(together[1])
    assert together[3] == pytest.approx(compare((0, 2))[0])


def test_without_known_words_nothing_is_alike() -> None:
    (found,) = compare((0, 3))
    assert set(found.values()) == {0.0}
    empty = MeaningTable([SMOKE, KITCHEN], WordMeanings.none())
    assert not empty.compare(np.array([0]), np.array([1])).any()


def test_characters_are_told_by_their_sound() -> None:
    assert syllables("金茂A") == ("jin", "mao", "A")
    assert sound_alike("金贸", "金茂")
    assert not sound_alike("金茂", "金润")
    assert not sound_alike("金茂", "金茂府")
