"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings, settings_from_environment
from triage.errors import TriageError
from triage.store.settings import StoreSettings


def test_values_are_read_from_the_environment_and_options_win(tmp_path: Path) -> None:
    found = settings_from_environment(
        {"TRIAGE_PORT": "9000", "TRIAGE_HOST": "0.0.0.0", "TRIAGE_LIMIT_WORKERS": "3", "TRIAGE_DEMO": "yes"},
        data=tmp_path,
        port=9001,
    )
    assert (found.port, found.host, found.limits.workers, found.demo) == (9001, "0.0.0.0", 3, True)
    assert found.store.data == tmp_path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TRIAGE_PORT", "70000"),
        ("TRIAGE_PORT", "http"),
        ("TRIAGE_DEMO", "maybe"),
        ("TRIAGE_PRECISION", "2"),
        ("TRIAGE_LIMIT_WORKERS", "0"),
        ("TRIAGE_LIMIT_RATE_PER_SECOND", "-1"),
        ("TRIAGE_LOG_LEVEL", "loud"),
        ("TRIAGE_ALLOWED_HOSTS", ","),
    ],
)
def test_a_value_that_does_not_parse_is_named_with_its_key(key: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(TriageError) as caught:
        settings_from_environment({key: value}, data=tmp_path)
    assert f"{key}={value}" in str(caught.value)


@pytest.mark.parametrize("secret", ["change-me", "a" * 64, "short"])
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(secret: str, tmp_path: Path) -> None:
    with pytest.raises(TriageError) as caught:
        settings_from_environment({"TRIAGE_SECRET": secret}, data=tmp_path)
    assert "TRIAGE_SECRET" in str(caught.value)
    assert secret not in str(caught.value)


def test_settings_do_not_show_their_secrets() -> None:
    assert "squirrel" not in repr(Settings(store=StoreSettings(secret=b"squirrel" * 8)))
