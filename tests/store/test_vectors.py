"""The hashed projection, and that vectors of different encoders never meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pairs import TermFrequencies
from triage.events.signature import hash_grams
from triage.store.vectors import HashedProjection

SMOKE = "柳溪路烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡"
LAMPS = "松林大道路灯坏了半个月一直没有人来修，晚上出行很不安全"


def cosine(encoder: HashedProjection, left: str, right: str) -> float:
    a, b = encoder.encode([left, right])
    return float(a @ b)


@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_texts_become_rows_of_unit_length(texts: Sequence[str]) -> None:
    found = HashedProjection().encode(texts)
    assert found.shape == (len(texts), 256)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_near_copies_are_neighbours_and_other_matters_are_not() -> None:
    encoder = HashedProjection()
    assert cosine(encoder, SMOKE, f"{SMOKE}，请处理") > 0.85
    assert abs(cosine(encoder, SMOKE, LAMPS)) < 0.3


def test_the_projection_estimates_the_cosine_of_the_weighted_strings() -> None:
    encoder = HashedProjection()
    texts = [SMOKE, LAMPS, f"{SMOKE}{LAMPS}", f"{LAMPS}，{SMOKE[:12]}"]
    sets = [set(hash_grams(text).tolist()) for text in texts]
    errors = [
        cosine(encoder, texts[i], texts[j]) - len(sets[i] & sets[j]) / np.sqrt(len(sets[i]) * len(sets[j]))
        for i in range(4)
        for j in range(i)
    ]
    assert max(map(abs, errors)) < 0.2


def test_a_text_is_encoded_the_same_alone_and_in_a_batch() -> None:
    encoder = HashedProjection()
    assert np.array_equal(encoder.encode([SMOKE, LAMPS])[1], encoder.encode([LAMPS])[0])


def test_another_seed_or_other_frequencies_are_another_encoder() -> None:
    known = TermFrequencies.count([np.unique(hash_grams(SMOKE))] * 3)
    found = {HashedProjection().fingerprint, HashedProjection(seed=1).fingerprint, HashedProjection(known).fingerprint}
    assert len(found) == 3
    assert HashedProjection(seed=1).fingerprint == HashedProjection(seed=1).fingerprint
    a, b = HashedProjection().encode([SMOKE])[0], HashedProjection(seed=1).encode([SMOKE])[0]
    assert abs(float(a @ b)) < 0.3


def test_common_strings_weigh_less() -> None:
    greeting = "您好，请问这件事情什么时候能够解决"
    common = HashedProjection(TermFrequencies.count([np.unique(hash_grams(greeting))] * 500))
    left, right = f"{SMOKE}{greeting}", f"{LAMPS}{greeting}"
    assert cosine(common, left, right) < cosine(HashedProjection(), left, right) - 0.1


@pytest.mark.timeout(10)
def test_a_very_long_text_takes_no_long_time() -> None:
    HashedProjection().encode(["垃圾" * 500_000])
