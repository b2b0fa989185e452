"""Logging in: users with passwords and sessions, programs with keys. Every answer is an `Actor` or a refusal."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from triage.casework.passwords import check_password, hash_password, is_outdated, password_matches, waste_time
from triage.casework.rights import require
from triage.errors import InputError
from triage.store import audit, people
from triage.store.access import EVERYWHERE, Actor
from triage.store.database import Database
from triage.store.errors import NotFound, Unauthenticated
from triage.store.people import Key, User
from triage.store.schema import ROLES

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

KEY_PREFIX = "tk_"
"""Begins every key, so that secret scanners and people recognise one in a file."""
ATTEMPTS = 5
"""Wrong passwords until an account is locked."""
LOCKED_FOR = timedelta(minutes=15)
SESSION = timedelta(hours=12)
"""A shift; then the password is asked for again."""

_SECRET_BYTES = 32
_NAME = re.compile(r"[\w.@-]{2,40}")
_WRONG = f"用户名或口令不正确；连续输错 {ATTEMPTS} 次，账号锁定 {LOCKED_FOR.seconds // 60} 分钟"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogIn:
    """A session that has begun.

    Attributes:
        token: What the browser keeps; shown once, stored only as its hash.
        actor: Who logged in.
        user: The account.
        expires_at: When the session ends.
    """

    token: str = field(repr=False)
    actor: Actor
    user: User
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A key that was just made; its secret is shown this once.

    Attributes:
        key: What is stored about it.
        secret: What the program sends with every request.
    """

    key: Key
    secret: str = field(repr=False)


def add_user(
    database: Database,
    actor: Actor,
    *,
    name: str,
    password: str,
    role: str,
    districts: Sequence[str],
    clock: Clock | None = None,
) -> User:
    """Make an account.

    Raises:
        Refused: The actor may not.
        InputError: The name, password, role or districts are not acceptable.
        Conflict: The name is taken.
    """
    require(actor, "people.change")
    if not _NAME.fullmatch(name):
        raise InputError("用户名应为 2 至 40 个字母、数字、汉字或 . _ @ -")
    check_password(password, name=name)
    _check_role(role)
    scope = _districts(districts)
    hashed = hash_password(password)
    with database.transaction(EVERYWHERE) as connection:
        user = people.insert_user(connection, name=name, password=hashed, role=role, districts=scope, at=_now(clock))
        detail = {"role": role, "districts": list(scope)}
        audit.append(connection, actor=actor.name, action="user.add", subject=user.actor.name, detail=detail)
    return user


def users(database: Database, actor: Actor) -> list[User]:
    """Return all accounts by name."""
    require(actor, "people.change")
    with database.transaction(EVERYWHERE) as connection:
        return people.list_users(connection)


def set_password(database: Database, actor: Actor, name: str, password: str) -> None:
    """Give an account another password; its sessions end and a lock is lifted.

    Raises:
        Refused: The actor is neither an administrator nor the account itself.
        InputError: The password is not acceptable.
        NotFound: There is no such account.
    """
    check_password(password, name=name)
    hashed = hash_password(password)
    with database.transaction(EVERYWHERE) as connection:
        user = people.find_user(connection, name) if _NAME.fullmatch(name) else None
        if user is None or user.actor.name != actor.name:
            require(actor, "people.change")
        user = _existing(user, name)
        people.set_password(connection, user.id, hashed)
        audit.append(connection, actor=actor.name, action="user.password", subject=user.actor.name)


def disable_user(database: Database, actor: Actor, name: str) -> None:
    """Shut an account and end its sessions.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such account.
    """
    require(actor, "people.change")
    with database.transaction(EVERYWHERE) as connection:
        user = _existing(people.find_user(connection, name) if _NAME.fullmatch(name) else None, name)
        people.disable_user(connection, user.id)
        audit.append(connection, actor=actor.name, action="user.disable", subject=user.actor.name)


def log_in(database: Database, name: str, password: str, *, clock: Clock | None = None) -> LogIn:
    """Begin a session.

    An attempt is counted before the password is compared. A name that does not exist, is disabled or locked takes the
    same time and gets the same answer as a wrong password. Only attempts on real accounts are audited: what is typed
    as a name may be a password, and a flood of inventions must not fill the audit.

    Raises:
        Unauthenticated: Always with the same message.
    """
    now = _now(clock)
    typed = password[:1000]  # hashing a megabyte would be a free way to keep the machine busy
    attempt = None
    if _NAME.fullmatch(name):
        with database.transaction(EVERYWHERE) as connection:
            attempt = people.begin_attempt(connection, name, now=now, allowed=ATTEMPTS, lock=LOCKED_FOR)
    if attempt is None:
        waste_time(typed)
        log.warning("log-in refused", extra={"action": "user.log_in.refused"})
        raise Unauthenticated(_WRONG)
    user = attempt.user
    if not password_matches(attempt.password, typed):
        locked = user.locked_until is not None
        with database.transaction(EVERYWHERE) as connection:
            audit.append(connection, actor=user.actor.name, action="user.log_in.failed", detail={"locked": locked})
        log.warning("log-in failed", extra={"action": "user.log_in.failed", "actor": user.actor.name})
        raise Unauthenticated(_WRONG)
    return _begin_session(database, attempt, typed, now)


def _begin_session(database: Database, attempt: people.Attempt, password: str, now: datetime) -> LogIn:
    user, token = attempt.user, secrets.token_urlsafe(_SECRET_BYTES)
    fresh = hash_password(password) if is_outdated(attempt.password) else None
    with database.transaction(EVERYWHERE) as connection:
        people.end_attempts(connection, user.id)
        if fresh:
            people.refresh_hash(connection, user.id, fresh)
        expires_at = now + SESSION
        people.insert_session(connection, token=_hashed(token), user_id=user.id, created_at=now, expires_at=expires_at)
        audit.append(connection, actor=user.actor.name, action="user.log_in")
    return LogIn(token=token, actor=user.actor, user=user, expires_at=expires_at)


def session(database: Database, token: str, *, clock: Clock | None = None) -> Actor:
    """Return who a session belongs to.

    Raises:
        Unauthenticated: The session is unknown or has ended, or the account was disabled.
    """
    with database.transaction(EVERYWHERE) as connection:
        user = people.session_user(connection, _hashed(token), now=_now(clock))
    if user is None:
        raise Unauthenticated("登录已失效，请重新登录")
    return user.actor


def log_out(database: Database, token: str) -> None:
    """End a session; an unknown one is no error."""
    with database.transaction(EVERYWHERE) as connection:
        people.end_session(connection, _hashed(token))


def create_key(
    database: Database,
    actor: Actor,
    *,
    label: str,
    role: str,
    districts: Sequence[str],
    expires_at: datetime | None = None,
    clock: Clock | None = None,
) -> NewKey:
    """Make a key for a program; the secret is in the answer and nowhere else.

    Raises:
        Refused: The actor may not.
        InputError: Label, role, districts or expiry are not acceptable.
    """
    require(actor, "key.change")
    now = _now(clock)
    if not 1 <= len(label.strip()) <= 100 or not label.isprintable():
        raise InputError("密钥名称应为 1 至 100 个字符，写明给哪个系统使用")
    _check_role(role)
    if expires_at is not None and expires_at <= now:
        raise InputError("密钥的到期时间已过，请写将来的日期")
    secret = KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    scope = _districts(districts)
    with database.transaction(EVERYWHERE) as connection:
        key = people.insert_key(
            connection,
            label=label.strip(),
            secret=_hashed(secret),
            role=role,
            districts=scope,
            at=now,
            expires_at=expires_at,
        )
        detail = {"role": role, "districts": list(scope), "expires_at": expires_at.isoformat() if expires_at else None}
        audit.append(connection, actor=actor.name, action="key.create", subject=key.actor.name, detail=detail)
    return NewKey(key=key, secret=secret)


def keys(database: Database, actor: Actor) -> list[Key]:
    """Return all keys, oldest first."""
    require(actor, "key.change")
    with database.transaction(EVERYWHERE) as connection:
        return people.list_keys(connection)


def revoke_key(database: Database, actor: Actor, key_id: UUID, *, clock: Clock | None = None) -> None:
    """Refuse a key from now on.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such key, or it was revoked before.
    """
    require(actor, "key.change")
    with database.transaction(EVERYWHERE) as connection:
        if not people.revoke_key(connection, key_id, now=_now(clock)):
            raise NotFound(f"没有有效的密钥 {key_id}；用 triage keys list 查看")
        audit.append(connection, actor=actor.name, action="key.revoke", subject=f"key:{key_id}")


def authenticate_key(database: Database, secret: str, *, clock: Clock | None = None) -> Actor:
    """Return who a key stands for.

    Raises:
        Unauthenticated: The key is unknown, revoked or expired.
    """
    now = _now(clock)
    if not secret.startswith(KEY_PREFIX):
        raise Unauthenticated(f"密钥无效：应以 {KEY_PREFIX} 开头")
    with database.transaction(EVERYWHERE) as connection:
        key = people.find_key(connection, _hashed(secret))
        if key is None or not key.valid_at(now):
            raise Unauthenticated("密钥无效、已吊销或已过期")
        people.touch_key(connection, key, now=now)
    return key.actor


def _hashed(secret: str) -> bytes:
    # A random secret of 256 bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"角色“{role[:20]}”不存在，请写：{'、'.join(ROLES)}")


def _districts(districts: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(district.strip() for district in districts if district.strip()))
    if not kept:
        raise InputError("未写明可见区划；全市请写 *")
    if any(len(district) > 40 or not district.isprintable() for district in kept):
        raise InputError("区划名称过长或含有控制字符")
    return ("*",) if "*" in kept else kept


def _existing(user: User | None, name: str) -> User:
    if user is None:
        raise NotFound(f"没有用户“{name[:40]}”；用 triage users list 查看")
    return user


def _now(clock: Clock | None) -> datetime:
    return clock() if clock else datetime.now(UTC)
