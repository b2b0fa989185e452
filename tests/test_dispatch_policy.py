"""What an operator may set, and the draw that gives appeals to people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.settings import SettingsError, settings_from_environment
from triage.casework.dispatch_policy import ON, SHADOW, Policy

SECRET = b"of a test, not a secret"


def ids(number: int) -> list[UUID]:
    return [UUID(int=(n * 0x9E3779B97F4A7C15F39CC0605CEDC834) % (1 << 128)) for n in range(1, number + 1)]


def test_five_of_a_hundred_appeals_are_drawn() -> None:
    drawn = sum(Policy(mode=ON).draws(SECRET, one) for one in ids(20_000))
    assert 900 <= drawn <= 1_100


def test_the_draw_can_be_repeated_with_the_secret_and_foreseen_only_with_it() -> None:
    policy, some = Policy(mode=ON, sample=0.5), ids(200)
    mine = [policy.draws(SECRET, one) for one in some]
    assert mine == [policy.draws(SECRET, one) for one in some]
    others = [policy.draws(b"another secret of a test", one) for one in some]
    assert 60 < sum(a != b for a, b in zip(mine, others, strict=True)) < 140


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    small, large = Policy(sample=0.05), Policy(sample=0.2)
    assert all(large.draws(SECRET, one) for one in ids(2_000) if small.draws(SECRET, one))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "yes"},
        {"sample": 0.0},
        {"sample": 1.5},
        {"recall": timedelta(seconds=-1)},
        {"recall": timedelta(days=2)},
        {"target": 0.4},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        Policy(**wrong)


def environment(**more: str) -> dict[str, str]:
    return {"TRIAGE_DATA": "/srv/triage", **more}


def test_without_a_setting_it_only_runs_in_shadow() -> None:
    policy = settings_from_environment(environment()).dispatch
    assert (policy.mode, policy.recall, policy.sample, policy.target) == (SHADOW, timedelta(minutes=10), 0.05, 0.95)


def test_everything_is_set_by_the_environment() -> None:
    given = environment(
        TRIAGE_AUTO_DISPATCH="ON", TRIAGE_RECALL_SECONDS="0", TRIAGE_AUTO_SAMPLE="0.1", TRIAGE_PRECISION="0.97"
    )
    policy = settings_from_environment(given).dispatch
    assert (policy.mode, policy.recall, policy.sample, policy.target) == (ON, timedelta(), 0.1, 0.97)


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("TRIAGE_AUTO_DISPATCH", "true", "off、shadow 或 on"),
        ("TRIAGE_RECALL_SECONDS", "-5", "0 到 86400"),
        ("TRIAGE_RECALL_SECONDS", "90000", "0 到 86400"),
        ("TRIAGE_AUTO_SAMPLE", "0.001", "0.01 到 1"),
        ("TRIAGE_AUTO_SAMPLE", "5%", "0.01 到 1"),
    ],
)
def test_a_setting_that_does_not_parse_is_named_with_its_key(key: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=rf"{key}={value}.*{remedy}"):
        settings_from_environment(environment(**{key: value}))
