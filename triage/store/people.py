"""Rows of users, sessions and keys. Rules (who may, how long, how often) are in `triage.casework.access`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, case, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from triage.store.access import Actor, Scope
from triage.store.errors import Conflict
from triage.store.schema import keys, sessions, users

USED_EVERY = timedelta(minutes=1)
"""A key's ``used_at`` is written at most this often; else every request would cost a write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person who may log in; without the password's hash.

    Attributes:
        id: Goes into history and audit as ``user:<id>``.
        name: What is typed at the log-in.
        role: One of `triage.store.schema.ROLES`.
        districts: ``("*",)`` is the whole city.
        disabled: Can no longer log in.
        locked_until: No log-in before this moment; None if not locked.
        created_at: When the account was made.
    """

    id: UUID
    name: str
    role: str
    districts: tuple[str, ...]
    disabled: bool
    locked_until: datetime | None
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """Return the user as somebody who acts."""
        return Actor(name=f"user:{self.id}", role=self.role, scope=Scope(self.districts))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that may go on: the account and the stored hash to compare with."""

    user: User
    password: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An API key; the secret itself is stored nowhere.

    Attributes:
        id: Goes into history and audit as ``key:<id>``.
        label: What it is for.
        role: One of `triage.store.schema.ROLES`.
        districts: ``("*",)`` is the whole city.
        created_at: When it was made.
        expires_at: From when on it is refused; None for never.
        revoked_at: Since when it is refused; None if it is not.
        used_at: About when it was last used, to the minute.
    """

    id: UUID
    label: str
    role: str
    districts: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    @property
    def actor(self) -> Actor:
        """Return the key as somebody who acts."""
        return Actor(name=f"key:{self.id}", role=self.role, scope=Scope(self.districts))

    def valid_at(self, moment: datetime) -> bool:
        """Say whether it opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


_USER_COLUMNS = tuple(users.c[field] for field in User.__slots__)
_KEY_COLUMNS = tuple(keys.c[field] for field in Key.__slots__)


def names(connection: Connection, actors: Sequence[str]) -> dict[str, str]:
    """Return for each actor (``user:<id>``, ``key:<id>``, ``system``) what people call it; one unknown keeps its id."""
    wanted = {actor: actor for actor in actors}
    for kind, table, column in (("user", users, users.c.name), ("key", keys, keys.c.label)):
        ids = [found for actor in wanted if (found := _id_of(actor, kind)) is not None]
        if ids:
            rows = connection.execute(select(table.c.id, column.label("name")).where(table.c.id.in_(ids)))
            wanted.update((f"{kind}:{row.id}", row.name) for row in rows)
    if "system" in wanted:
        wanted["system"] = "系统"
    return wanted


def _id_of(actor: str, kind: str) -> UUID | None:
    prefix, _, id_ = actor.partition(":")
    try:
        return UUID(id_) if prefix == kind else None
    except ValueError:
        return None


def insert_user(
    connection: Connection, *, name: str, password: str, role: str, districts: Sequence[str], at: datetime
) -> User:
    """Add a user.

    Raises:
        Conflict: If the name is taken.
    """
    values = {"id": uuid4(), "name": name, "password": password, "role": role, "created_at": at}
    statement = insert(users).values(**values, districts=list(districts)).returning(*_USER_COLUMNS)
    try:
        return _user(connection.execute(statement).one())
    except IntegrityError as error:
        raise Conflict(f"用户名“{name}”已被使用，请换一个") from error


def list_users(connection: Connection) -> list[User]:
    """Return all users by name."""
    return [_user(row) for row in connection.execute(select(*_USER_COLUMNS).order_by(users.c.name))]


def find_user(connection: Connection, name: str) -> User | None:
    """Return the user of that name."""
    row = connection.execute(select(*_USER_COLUMNS).where(users.c.name == name)).one_or_none()
    return _user(row) if row else None


def begin_attempt(connection: Connection, name: str, *, now: datetime, allowed: int, lock: timedelta) -> Attempt | None:
    """Count a log-in attempt *before* the password is compared, so that a hundred at once are not a hundred guesses.

    Returns:
        None where the name is unknown, disabled or locked; nothing is counted then.
    """
    # After a lock that has run out the count starts again at one.
    count = case((users.c.locked_until.is_not(None), 1), else_=users.c.failures + 1)
    statement = (
        update(users)
        .where(users.c.name == name, users.c.disabled.is_(False))
        .where(or_(users.c.locked_until.is_(None), users.c.locked_until <= now))
        .values(failures=count, locked_until=case((count >= allowed, now + lock), else_=None))
        .returning(*_USER_COLUMNS, users.c.password)
    )
    row = connection.execute(statement).one_or_none()
    return Attempt(_user(row), row.password) if row else None


def end_attempts(connection: Connection, user_id: UUID) -> None:
    """Forget failed attempts after a log-in."""
    connection.execute(update(users).where(users.c.id == user_id).values(failures=0, locked_until=None))


def set_password(connection: Connection, user_id: UUID, password: str) -> None:
    """Store another hash, unlock the account and end its sessions."""
    values = {"password": password, "failures": 0, "locked_until": None}
    connection.execute(update(users).where(users.c.id == user_id).values(**values))
    end_sessions(connection, user_id)


def refresh_hash(connection: Connection, user_id: UUID, password: str) -> None:
    """Store the same password under today's parameters."""
    connection.execute(update(users).where(users.c.id == user_id).values(password=password))


def disable_user(connection: Connection, user_id: UUID) -> None:
    """Shut an account and end its sessions."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled=True))
    end_sessions(connection, user_id)


def insert_session(
    connection: Connection, *, token: bytes, user_id: UUID, created_at: datetime, expires_at: datetime
) -> None:
    """Add a session and drop the user's expired ones."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at <= created_at))
    values = {"token": token, "user_id": user_id, "created_at": created_at, "expires_at": expires_at}
    connection.execute(insert(sessions).values(**values))


def session_user(connection: Connection, token: bytes, *, now: datetime) -> User | None:
    """Return whose session it is; None if there is none, it has expired or the account is shut."""
    statement = (
        select(*_USER_COLUMNS)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token == token, sessions.c.expires_at > now, users.c.disabled.is_(False))
    )
    row = connection.execute(statement).one_or_none()
    return _user(row) if row else None


def end_session(connection: Connection, token: bytes) -> bool:
    """Delete a session; say whether there was one."""
    return connection.execute(delete(sessions).where(sessions.c.token == token)).rowcount > 0


def end_sessions(connection: Connection, user_id: UUID) -> None:
    """Delete all sessions of a user."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def insert_key(
    connection: Connection,
    *,
    label: str,
    secret: bytes,
    role: str,
    districts: Sequence[str],
    at: datetime,
    expires_at: datetime | None,
) -> Key:
    """Add a key by the hash of its secret."""
    values = {"id": uuid4(), "label": label, "secret": secret, "role": role, "created_at": at}
    statement = insert(keys).values(**values, districts=list(districts), expires_at=expires_at)
    return _key(connection.execute(statement.returning(*_KEY_COLUMNS)).one())


def list_keys(connection: Connection) -> list[Key]:
    """Return all keys, oldest first."""
    return [_key(row) for row in connection.execute(select(*_KEY_COLUMNS).order_by(keys.c.created_at, keys.c.id))]


def find_key(connection: Connection, secret: bytes) -> Key | None:
    """Return the key whose secret has that hash."""
    row = connection.execute(select(*_KEY_COLUMNS).where(keys.c.secret == secret)).one_or_none()
    return _key(row) if row else None


def touch_key(connection: Connection, key: Key, *, now: datetime) -> None:
    """Note that a key was used, unless that was noted within the last minute."""
    if key.used_at is not None and now - key.used_at < USED_EVERY:
        return
    stale = or_(keys.c.used_at.is_(None), keys.c.used_at <= now - USED_EVERY)
    connection.execute(update(keys).where(keys.c.id == key.id, stale).values(used_at=now))


def revoke_key(connection: Connection, key_id: UUID, *, now: datetime) -> bool:
    """Refuse a key from now on; False if there is none or it was revoked before."""
    statement = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(statement).rowcount > 0


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=row.role,
        districts=tuple(row.districts),
        disabled=row.disabled,
        locked_until=row.locked_until,
        created_at=row.created_at,
    )


def _key(row: Row[Any]) -> Key:
    values = {name: getattr(row, name) for name in Key.__slots__ if name != "districts"}
    return Key(**values, districts=tuple(row.districts))
