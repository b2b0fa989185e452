"""Opens the store, embedded or on a server of the city's own: the one place that builds a `Database`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Connection, text

from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.embedded.folder import DataFolder
from triage.store.embedded.server import EmbeddedServer, url_of
from triage.store.errors import Locked, MigrationNeeded, StoreError, StoreUnavailable
from triage.store.migrations.running import check_known, level, upgrade
from triage.store.roles import APP, OWNER
from triage.store.sealing import derived_key, key_in
from triage.store.settings import DATA, DATABASE_OWNER_URL, DATABASE_URL, SECRET, StoreSettings

_ROLE = text("""
    SELECT rolsuper OR rolbypassrls OR EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = 'appeals' AND pg_has_role(relowner, 'MEMBER'))
    FROM pg_roles WHERE rolname = current_user
""")


_NOWHERE = f"未指定数据位置；请用 --data 目录（或环境变量 {DATA}），或用 {DATABASE_URL} 指定数据库服务器"


@dataclass(kw_only=True, slots=True)
class Store:
    """An open store; a context manager. Closing it stops the embedded server, if it is this store's own.

    Attributes:
        database: Connections as the service's role.
        url: Where that role reaches the database; for the queue, which keeps connections of its own.
        owner_url: Where the owner of the tables does; None where the settings of a server do not say.
        secret: Key of keyed hashes.
        sealing_key: Key under which addresses of receivers are encrypted; in no backup.
        data: The data folder, for bundles and caches; None where only a server is configured.
        embedded: Whether the database is the embedded one.
    """

    database: Database
    url: URL
    owner_url: URL | None
    secret: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)
    data: Path | None
    embedded: bool
    _exit: ExitStack = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and stop what was started; a second call does nothing."""
        self._exit.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the owner of the tables works, for ``triage db``.

    Attributes:
        owner_url: Where it reaches the database.
        data: The data folder; None for a server.
        key: Key of keyed hashes in the data folder; None for a server, whose key is in the environment.
        joined: Whether a running service's embedded server is used.
    """

    owner_url: URL
    data: Path | None
    key: str | None = field(repr=False)
    joined: bool

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return self.key is not None

    def replace_key(self, key: str) -> None:
        """Store the key of a restored backup in the data folder."""
        if self.data is not None:
            DataFolder.at(self.data).replace_key(key)


def open_store(settings: StoreSettings, *, join: bool = False, start: bool = True, pool_size: int = 8) -> Store:
    """Open the store and make sure that its tables are those of this program.

    The tables of an embedded database are brought up to date here; those of a server are the DBA's and only checked.

    Args:
        settings: Where it is. A URL goes before the data folder.
        join: Whether to use the embedded server of a service that already runs on the folder, instead of refusing;
            for commands beside it, such as ``triage keys``.
        start: Whether to start the embedded server where none runs. A worker that lives as long as the service must not:
            it would take the folder from a service that is just being started again.
        pool_size: Connections kept open.

    Raises:
        Locked: If another service uses the folder and ``join`` is False.
        MigrationNeeded: If a server's tables are older or newer than this program.
        StoreError: If the settings do not suffice, or the role has rights that would switch row-level security off.
        StoreUnavailable: If the database cannot be reached.
    """
    with ExitStack() as building:
        if settings.url is not None:
            url, owner, secret = settings.url, settings.owner_url, settings.secret
            if secret is None:
                raise StoreError(
                    f"使用 {DATABASE_URL} 时必须设置 {SECRET}（可用 openssl rand -hex 32 生成，并妥善保存）"
                )
            sealing = derived_key(secret)
        else:
            folder, running = _embedded(settings, building, join=join) if start else (_running(settings), True)
            own = folder.read_secrets()
            url, owner = url_of(folder, own, APP), url_of(folder, own, OWNER)
            secret = settings.secret or own.key.encode("ascii")
            sealing = key_in(folder.root)
            if not running:
                upgrade(owner)
        database = Database(url, pool_size=pool_size)
        building.callback(database.close)
        check(database)
        return Store(
            database=database,
            url=url,
            owner_url=owner,
            secret=secret,
            sealing_key=sealing,
            data=settings.data,
            embedded=settings.url is None,
            _exit=building.pop_all(),
        )


@contextmanager
def open_as_owner(settings: StoreSettings, *, sharing: bool = True) -> Iterator[Place]:
    """Reach the store as the owner of its tables, whatever their level; nothing is upgraded.

    Args:
        settings: Where it is. A URL goes before the data folder.
        sharing: Whether the embedded server of a running service may be used.

    Raises:
        Locked: If another service uses the folder and ``sharing`` is False.
        StoreError: If the settings do not suffice.
    """
    with ExitStack() as opened:
        if settings.owner_url is not None:
            yield Place(owner_url=settings.owner_url, data=None, key=None, joined=False)
            return
        if settings.url is not None:
            raise StoreError(f"请设置 {DATABASE_OWNER_URL}：升级、备份和恢复须以数据表的属主 {OWNER} 连接")
        folder, running = _embedded(settings, opened, join=sharing)
        own = folder.read_secrets()
        yield Place(owner_url=url_of(folder, own, OWNER), data=folder.root, key=own.key, joined=running)


def _embedded(settings: StoreSettings, opened: ExitStack, *, join: bool) -> tuple[DataFolder, bool]:
    """Start the embedded server, or find it running; returns the folder and whether it runs for somebody else."""
    if settings.data is None:
        raise StoreError(_NOWHERE)
    server = EmbeddedServer(settings.data)
    try:
        server.start()
    except Locked:
        if not join:
            raise
        return server.folder, True
    opened.callback(server.stop)
    return server.folder, False


def _running(settings: StoreSettings) -> DataFolder:
    """Return the data folder of a service that runs.

    Raises:
        StoreUnavailable: None runs on it.
        StoreError: No folder is named.
    """
    if settings.data is None:
        raise StoreError(_NOWHERE)
    folder = DataFolder.at(settings.data)
    if not folder.is_held():
        raise StoreUnavailable(f"数据目录 {folder.root} 上没有运行中的服务；请先启动 triage serve")
    return folder


def check(database: Database) -> None:
    """Refuse tables of another level, and a role that row-level security would not hold.

    Raises:
        MigrationNeeded: If the tables are older or newer than this program.
        StoreError: If the role is a superuser, bypasses row-level security, or is or can become the owner of the tables.
        StoreUnavailable: If the database cannot be reached.
    """
    with database.transaction(EVERYWHERE) as connection:
        _check_role(connection)
        found = level(connection)
    check_known(found)
    if not found.fits:
        raise MigrationNeeded(
            f"数据库的表结构版本为 {found.current or '空'}，本程序需要 {found.newest}；"
            f"请先备份，再设置 {DATABASE_OWNER_URL} 并运行 triage db upgrade"
        )


def _check_role(connection: Connection) -> None:
    if connection.scalar(_ROLE):
        raise StoreError(
            f"{DATABASE_URL} 的数据库角色是超级用户、可绕过行级权限或拥有数据表，区县隔离将失效；"
            f"请改用普通角色 {APP}（建立方法见 triage db prepare-sql）"
        )
