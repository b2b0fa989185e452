"""Connections to the store; every transaction states its scope first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from triage.store.access import Scope
from triage.store.errors import StoreError, StoreUnavailable

_SET_SCOPE = text("SELECT set_config('triage.districts', :districts, true)")
_SEPARATOR = "\x1f"

_LIMITS = "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
"""Milliseconds; a request that waits longer is better answered with 503 than held."""

_NETWORK = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "tcp_user_timeout": 30_000}
"""Seconds, the last one milliseconds; a server that vanished without a word is noticed within half a minute."""

_POOL_WAIT = 10.0
"""Seconds to wait for a free connection."""

_PATIENCE = 3.0
"""Seconds over which a connection is tried again; an embedded server that died is back within them."""

_TRY_AGAIN = 0.1
_INTEGRITY = "23"
_REASONS = {
    "55P03": "等待其他操作超时",
    "57014": "处理超时",
    "40P01": "与其他操作冲突",
    "53100": "数据库磁盘已满",
    "53300": "数据库连接数已满",
}
"""Words for the commonest SQLSTATEs of trouble that passes."""


class Database:
    """A pool of connections as the service's own role; safe to share between threads.

    Args:
        url: Where the role ``triage_app`` reaches the database.
        pool_size: Connections kept; as many again are opened under load and closed afterwards.
        patience: Seconds over which opening a connection is tried again before `StoreUnavailable`.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 8, patience: float = _PATIENCE) -> None:
        self.engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=_POOL_WAIT,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"options": _LIMITS, "application_name": "triage", **_NETWORK},
        )
        self._patience = patience
        event.listen(self.engine, "handle_error", _without_values)

    @contextmanager
    def transaction(self, scope: Scope, *, snapshot: bool = False) -> Iterator[Connection]:
        """Open a transaction in which only rows of ``scope`` exist; commit at the end, roll back on an error.

        A lost connection is replaced before the block begins. Nothing is repeated once it has begun: what it did with the
        outside world is unknown here.

        Args:
            scope: Which districts exist.
            snapshot: Whether all statements see the same moment, as figures that belong together must.

        Raises:
            StoreUnavailable: If the database cannot be reached, a lock or answer takes too long, or the connection breaks.
        """
        connection = self._connect(scope, snapshot=snapshot)
        committing = False
        try:
            yield connection
            committing = True
            connection.commit()
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error, uncertain=committing and error.connection_invalidated) from None
        finally:
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _connect(self, scope: Scope, *, snapshot: bool) -> Connection:
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._begin(scope, snapshot=snapshot)
            except PoolTimeout:
                raise StoreUnavailable("数据库连接已全部占用；请稍后重试") from None
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > until or _is_refused(error):
                    raise unavailable(error) from None
                time.sleep(_TRY_AGAIN)

    def _begin(self, scope: Scope, *, snapshot: bool) -> Connection:
        connection = self.engine.connect()
        try:
            if snapshot:
                connection.execution_options(isolation_level="REPEATABLE READ")
            connection.execute(_SET_SCOPE, {"districts": joined(scope)})
        except BaseException:
            connection.close()
            raise
        return connection


def joined(scope: Scope) -> str:
    """Return a scope as the policies read it.

    Raises:
        StoreError: If the name of a district holds the separator, by which it could name another one.
    """
    if any(_SEPARATOR in district for district in scope.districts):
        raise StoreError("区县名称含有控制字符；请改正单位名录或账号的区县设置")
    return "*" if scope.everywhere else _SEPARATOR.join(filter(None, scope.districts))


def unavailable(error: DBAPIError, *, uncertain: bool = False) -> StoreUnavailable:
    """Return an error of the connection in words, without what the driver says: that may quote values."""
    state = getattr(error.orig, "sqlstate", None) or ""
    reason = _REASONS.get(state, "连接已断开" if error.connection_invalidated else "连接不上")
    if _is_refused(error):
        reason = "用户名或密码不正确"
    code = f"，代码 {state}" if state else ""
    return StoreUnavailable(f"数据库暂不可用（{reason}{code}）；请稍后重试，或检查数据库服务", uncertain=uncertain)


def _is_refused(error: DBAPIError) -> bool:
    """Tell whether the server does not know us; it says so before it would give a SQLSTATE."""
    return "authentication failed" in str(error.orig)


def _without_values(context: ExceptionContext) -> None:
    """Take values out of a driver's error before anybody can log it.

    ``Key (reference)=(…) already exists`` and ``invalid input syntax for type integer: "…"`` quote what was stored. The name
    of the violated constraint, which callers look at, stays in ``error.orig.diag``.
    """
    original = context.original_exception
    if not isinstance(original, psycopg.Error):
        return
    state = original.sqlstate or ""
    if not state:
        return
    words = (original.diag.message_primary or "") if state.startswith(_INTEGRITY) else type(original).__name__
    clean: tuple[Any, ...] = (f"{words} (SQLSTATE {state})",)
    original.args = clean
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(original).__name__}) {clean[0]}",)
