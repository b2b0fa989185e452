"""Event signatures as bytes, and by what an appeal is found."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.pairs import TermFrequencies
from triage.events import EventItem, Signature, make_signature
from triage.store.signatures import ASKED, TERMS, buckets, pack_signature, search_keys, unpack_signature
from triage.testing import PairCutter

SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡"
NOTHING_KNOWN = TermFrequencies.count([])


def signature(content: str, *, id_: str = "1") -> Signature:
    return make_signature(EventItem(id=id_, content=content, user="甲"), words=PairCutter())


@given(st.text(max_size=400))
def test_any_signature_comes_back_as_it_was(text: str) -> None:
    before = signature(text)
    after = unpack_signature(pack_signature(before))
    assert after is not None
    for field in fields(Signature):
        left, right = getattr(before, field.name), getattr(after, field.name)
        assert np.array_equal(left, right, equal_nan=field.name == "time"), field.name


def test_what_was_packed_by_another_version_or_is_damaged_is_not_read() -> None:
    packed = pack_signature(signature(SMOKE))
    assert unpack_signature(b"sig\0" + packed[4:]) is None or packed[3] == 0
    assert unpack_signature(packed[:-1]) is None
    assert unpack_signature(b"") is None


def test_near_copies_are_found_by_the_same_strings() -> None:
    left, right = (search_keys(signature(text), NOTHING_KNOWN) for text in (SMOKE, f"{SMOKE}，请处理"))
    shared = set(left.terms.tolist()) & set(right.terms.tolist())
    assert len(shared) > TERMS / 2
    assert set(left.places.tolist()) == set(right.places.tolist())


def test_common_strings_are_left_out_where_there_are_rarer_ones() -> None:
    opening = signature("附近居民无法入睡")
    known = TermFrequencies.count([opening.grams] * 50)
    chosen = set(search_keys(signature(f"{SMOKE}{'。柳溪路烧烤店' * 3}"), known).terms[:ASKED].view(np.uint32).tolist())
    assert not chosen & set(opening.grams.tolist())


def test_a_cited_ticket_goes_before_all_strings() -> None:
    cited = search_keys(signature("工单20261120000017没有结果"), NOTHING_KNOWN)
    named = search_keys(signature(SMOKE, id_="20261120000017"), NOTHING_KNOWN)
    assert set(cited.terms[:2].tolist()) & set(named.terms[:1].tolist())
    assert float(cited.weights.max()) == 100.0
    assert cited.asked < TERMS


@given(st.text(max_size=200))
def test_every_appeal_has_a_few_buckets(text: str) -> None:
    found = buckets(signature(text))
    assert 1 <= len(found) <= 7
    assert found == sorted(found)
    assert all(0 <= bucket < 2**32 for bucket in found)
