"""Event signatures survive their way through a file unchanged."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.errors import InputError
from triage.events import EventItem, Signature, WordCutter, make_signature
from triage.pipeline.packing import pack, unpack

WORDS = WordCutter()
TEXTS = st.text(max_size=80) | st.sampled_from(["", "平安路路灯不亮，工单20260101000012未处理", "🔥" * 40, "12345"])


def items(texts: list[str], *, moment: datetime | None) -> list[EventItem]:
    return [
        EventItem(
            id=f"号{n}", title=text[:5], content=text, created_at=moment, user=text[:1], type="咨询" if n % 2 else None
        )
        for n, text in enumerate(texts)
    ]


def assert_same(one: Signature, other: Signature) -> None:
    for name in Signature.__slots__:
        left, right = getattr(one, name), getattr(other, name)
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, name
            np.testing.assert_array_equal(left, right, err_msg=name)
        elif isinstance(left, float):
            assert left == right or (np.isnan(left) and np.isnan(right)), name
        else:
            assert left == right, name


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=6), st.none() | st.datetimes(timezones=st.just(UTC)).filter(lambda t: t.year > 1900))
def test_signatures_come_back_as_they_were(texts: list[str], moment: datetime | None) -> None:
    made = [make_signature(item, words=WORDS) for item in items(texts, moment=moment)]
    packed = pack(made)
    arrays = np.frombuffer(packed.arrays, dtype=np.uint8)
    back = list(unpack(packed.lines.splitlines(keepends=True), arrays))
    assert len(back) == len(made)
    for one, other in zip(made, back, strict=True):
        assert_same(one, other)


def test_chunks_can_be_put_one_behind_the_other() -> None:
    made = [make_signature(item, words=WORDS) for item in items(["井盖缺失", "路灯不亮了好几天", "噪音"], moment=None)]
    parts = [pack(made[:1]), pack(made[1:])]
    arrays = np.frombuffer(b"".join(part.arrays for part in parts), dtype=np.uint8)
    back = list(unpack([line for part in parts for line in part.lines.splitlines()], arrays))
    for one, other in zip(made, back, strict=True):
        assert_same(one, other)


def test_the_packed_form_is_small() -> None:
    (signature,) = (
        make_signature(item, words=WORDS) for item in items(["人民路12号门口的路灯不亮了" * 12], moment=None)
    )
    packed = pack([signature])
    assert len(packed.lines) + len(packed.arrays) < 6_000


def test_a_missing_signature_is_noticed() -> None:
    (signature,) = (make_signature(item, words=WORDS) for item in items(["路灯不亮了好几天"], moment=None))
    packed = pack([signature])
    with pytest.raises(InputError, match="不完整"):
        list(unpack([packed.lines, packed.lines], np.frombuffer(packed.arrays, dtype=np.uint8)))
