"""Applies the changes, and tells how far a database is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InternalError, OperationalError, ProgrammingError

from triage.store.database import unavailable
from triage.store.errors import MigrationNeeded, StoreError

_OLDEST_SERVER = 15
_OLDEST_VECTOR = (0, 8, 4)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('triage migrations'))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How far a database is.

    Attributes:
        current: Number of its last change; None where there is none.
        newest: Number of the last change this program knows.
        known: Whether this program knows ``current``; a newer program's number is unknown.
    """

    current: str | None
    newest: str
    known: bool

    @property
    def fits(self) -> bool:
        """Whether program and tables belong together."""
        return self.current == self.newest


def script() -> ScriptDirectory:
    """Return the changes of this program."""
    return ScriptDirectory.from_config(configuration())


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no ini file."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found


def level(connection: Connection) -> Level:
    """Tell how far a database is."""
    changes = script()
    current = MigrationContext.configure(connection).get_current_revision()
    newest = changes.get_current_head()
    assert newest is not None
    return Level(
        current=current,
        newest=newest,
        known=current in {None, *(change.revision for change in changes.walk_revisions())},
    )


def read_level(url: URL) -> Level:
    """Tell how far the database at a URL is.

    Raises:
        StoreUnavailable: If it cannot be reached.
    """
    with owner_engine(url) as engine, engine.connect() as connection:
        return level(connection)


def upgrade(url: URL, *, target: str = "head") -> Level:
    """Bring a database to the newest level, or to ``target``.

    Every change is one transaction. Two programs that upgrade at once do it one after the other.

    Args:
        url: Where the owner of the tables reaches the database.
        target: Number of a change; an earlier one than the present is refused.

    Raises:
        MigrationNeeded: If the database belongs to a newer program.
        StoreError: If a change fails; it is undone, those before it stay.
        StoreUnavailable: If the database cannot be reached.
    """
    with owner_engine(url) as engine, engine.connect() as waiting:
        waiting.execute(_ONE_AT_A_TIME)
        with engine.connect() as connection:
            check_known(level(connection))
            connection.rollback()
            _check_extension(connection)
            connection.rollback()
            try:
                command.upgrade(configuration(connection), target)
            except (ProgrammingError, IntegrityError, InternalError, DataError) as error:
                raise _failed(error) from None
            return level(connection)


@contextmanager
def owner_engine(url: URL) -> Iterator[Engine]:
    """Reach a database as the owner of its tables, for as long as the block lasts.

    Raises:
        StoreUnavailable: If it cannot be reached.
    """
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        yield engine
    except OperationalError as error:
        raise unavailable(error) from None
    finally:
        engine.dispose()


def check_known(found: Level) -> None:
    """Refuse a database of a newer program.

    Raises:
        MigrationNeeded: If it is one.
    """
    if not found.known:
        raise MigrationNeeded(
            f"数据库的表结构版本 {found.current} 比本程序（{found.newest}）新；请升级本程序，不要用旧版本打开"
        )


def _check_extension(connection: Connection) -> None:
    """Find the extension vector, or say what the DBA must do: to make one takes a superuser.

    Raises:
        StoreError: If it is missing or too old, or the server is.
    """
    server = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if server < _OLDEST_SERVER:
        raise StoreError(f"数据库服务器为 PostgreSQL {server}，须为 {_OLDEST_SERVER} 或更新")
    version = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    if version is None:
        raise StoreError(
            "数据库中没有 vector 扩展；请数据库管理员以超级用户在该库执行：CREATE EXTENSION vector;"
            "（服务器须先安装 pgvector 0.8.4 或更新版本；完整脚本见 triage db prepare-sql）"
        )
    if tuple(int(part) for part in str(version).split(".")[:3]) < _OLDEST_VECTOR:
        raise StoreError(
            f"vector 扩展版本为 {version}，须为 0.8.4 或更新；请数据库管理员升级 pgvector 并执行 ALTER EXTENSION vector UPDATE;"
        )


def _failed(error: DBAPIError) -> StoreError:
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None) or type(error.orig).__name__
    return StoreError(
        f"表结构升级失败，这一步已全部撤销：{said}；请确认所用角色是数据表的属主，且库中没有其他程序的同名表"
    )
