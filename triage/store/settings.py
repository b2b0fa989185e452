"""Where the store is and what it needs to know, from the command line and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from triage.store.errors import StoreError

DATA = "TRIAGE_DATA"
DATABASE_URL = "TRIAGE_DATABASE_URL"
DATABASE_OWNER_URL = "TRIAGE_DATABASE_OWNER_URL"
SECRET = "TRIAGE_SECRET"  # noqa: S105 - the name of the variable

MIN_SECRET = 32
"""Characters; `openssl rand -hex 32` gives 64."""

_DRIVER = "postgresql+psycopg"
_SCHEMES = {"postgres", "postgresql", _DRIVER}
_EXAMPLE = "postgresql://triage_app:密码@主机:5432/triage"
_FEWEST_LETTERS = 8
_TEMPLATE_PASSWORD = "请改"  # noqa: S105 - how the passwords of `triage db prepare-sql` begin
_PLACEHOLDERS = (
    "changeme",
    "password",
    "secret",
    "example",
    "placeholder",
    "replace",
    "default",
    "triage",
    "请改",
    "密码",
)
"""What stands in templates instead of a secret; 64 random letters hold one of these less than once in a million."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreSettings:
    """Where the store is.

    Attributes:
        data: Data folder; with it and no ``url`` the embedded database is used.
        url: A server of the city's own, as the service's role.
        owner_url: The same database as the owner of the tables; only ``triage db`` needs it.
        secret: Key of keyed hashes; None: the one in the data folder.
    """

    data: Path | None = None
    url: URL | None = None
    owner_url: URL | None = None
    secret: bytes | None = field(default=None, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str], *, data: Path | None = None) -> StoreSettings:
        """Return what the environment says; an empty variable counts as none.

        Args:
            environment: Usually ``os.environ``.
            data: The option ``--data``; goes before the variable.

        Raises:
            StoreError: If a value cannot be used, naming key and value (passwords hidden).
        """
        named = environment.get(DATA, "").strip()
        secret = environment.get(SECRET, "")
        return cls(
            data=data or (Path(named) if named else None),
            url=_url(DATABASE_URL, environment.get(DATABASE_URL, "")),
            owner_url=_url(DATABASE_OWNER_URL, environment.get(DATABASE_OWNER_URL, "")),
            secret=_secret(secret) if secret else None,
        )


def _url(key: str, value: str) -> URL | None:
    if not value.strip():
        return None
    try:
        url = make_url(value.strip())
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"{key} 不是数据库地址（无法解析）；应写成 {_EXAMPLE}") from error
    if url.drivername not in _SCHEMES:
        raise StoreError(f"{key}={url.render_as_string()}：只支持 PostgreSQL；应写成 {_EXAMPLE}")
    for part, name in ((url.username, "用户名"), (url.database, "库名")):
        if not part:
            raise StoreError(f"{key}={url.render_as_string()}：缺少{name}；应写成 {_EXAMPLE}")
    if str(url.password or "").startswith(_TEMPLATE_PASSWORD):
        raise StoreError(f"{key}={url.render_as_string()}：仍是模板中的密码；请在数据库中改掉后再用")
    return url.set(drivername=_DRIVER)


def _secret(value: str) -> bytes:
    plain = "".join(letter for letter in value.lower() if letter.isalnum())
    repeated = value in (value + value)[1:-1]  # "changeit" four times is no longer than once
    if len(value) < MIN_SECRET or len(set(value)) < _FEWEST_LETTERS or repeated:
        raise StoreError(f"{SECRET} 过于简单（不足 {MIN_SECRET} 个字符或字符过于重复）；可用 openssl rand -hex 32 生成")
    if any(word in plain for word in _PLACEHOLDERS):
        raise StoreError(f"{SECRET} 过于简单（含有示例中的占位词）；可用 openssl rand -hex 32 生成")
    return value.encode("utf-8")
