"""Settings of the store, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.store.errors import StoreError
from triage.store.settings import StoreSettings

GOOD = "7c1e0f5a93b84d26a0c9e1f2537d8b64"


def test_nothing_set_means_nothing_chosen() -> None:
    assert StoreSettings.read({"TRIAGE_DATA": " ", "TRIAGE_DATABASE_URL": ""}) == StoreSettings()


def test_the_option_goes_before_the_variable() -> None:
    assert StoreSettings.read({"TRIAGE_DATA": "/a"}, data=Path("/b")).data == Path("/b")
    assert StoreSettings.read({"TRIAGE_DATA": "/a"}).data == Path("/a")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_way_to_write_the_address_is_read(scheme: str) -> None:
    found = StoreSettings.read({"TRIAGE_DATABASE_URL": f"{scheme}://triage_app:p@db:5433/triage?sslmode=require"}).url
    assert found is not None
    assert (found.drivername, found.host, found.port) == ("postgresql+psycopg", "db", 5433)
    assert found.query["sslmode"] == "require"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("mysql://u:hidden-word@h/d", r"TRIAGE_DATABASE_URL=mysql://u:\*\*\*@h/d：只支持 PostgreSQL"),
        ("postgresql://h/d", "TRIAGE_DATABASE_URL=postgresql://h/d：缺少用户名"),
        ("postgresql://u:hidden-word@h", "缺少库名"),
        ("hidden-word", "TRIAGE_DATABASE_URL 不是数据库地址"),
        ("postgresql://u:请改-app@h/d", r"TRIAGE_DATABASE_URL=postgresql\+?\w*://u:\*\*\*@h/d：仍是模板中的密码"),
        ("postgresql://u:hidden-word@h:port/d", "TRIAGE_DATABASE_URL 不是数据库地址"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(value: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as refused:
        StoreSettings.read({"TRIAGE_DATABASE_URL": value})
    assert "hidden-word" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "x" * 64,
        "secret" * 6,
        "change-me-before-going-to-production",
        "Please_Replace_this-value-1234567890",
        "请改成自己的随机字符，至少三十二个字符，例如用命令行工具生成一个。",
        "0123456789abcdef" * 2,
    ],
)
def test_a_simple_secret_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(StoreError, match=r"TRIAGE_SECRET 过于简单.*openssl rand -hex 32") as refused:
        StoreSettings.read({"TRIAGE_SECRET": value})
    assert value not in str(refused.value)


def test_a_good_secret_is_taken_and_kept_out_of_logs() -> None:
    settings = StoreSettings.read({"TRIAGE_SECRET": GOOD, "TRIAGE_DATABASE_URL": "postgresql://u:hidden-word@h/d"})
    assert settings.secret == GOOD.encode()
    assert GOOD not in repr(settings)
    assert "hidden-word" not in repr(settings)
