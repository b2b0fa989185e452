"""The scan of logs and error output that every test run ends with can fail."""

from __future__ import annotations

from tests.leaks import leaks_in, sample_pieces

PHONE = "1390000" + "1234"


def test_a_phone_number_is_a_leak() -> None:
    assert leaks_in(f"user {PHONE} called") == [PHONE]


def test_a_stretch_of_a_sample_is_a_leak() -> None:
    piece = sorted(sample_pieces())[7]
    assert leaks_in(f"error near {piece}!") == [piece]


def test_ids_times_and_names_of_units_are_none() -> None:
    assert leaks_in("appeal 01a2050e-a6f7-7d6e-bb55-253e13900001 to 临澜区城市管理局 in 1390.00 ms") == []
