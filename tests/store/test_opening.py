"""The one place that opens the store: embedded or a server, and only with tables and rights that fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from tests.store_fixtures import TCP, TestServer, temporary_folder
from triage.store import opening
from triage.store.access import EVERYWHERE
from triage.store.errors import Locked, MigrationNeeded, StoreError, StoreUnavailable
from triage.store.migrations.running import upgrade
from triage.store.opening import open_as_owner, open_store
from triage.store.roles import OWNER, SUPERUSER
from triage.store.settings import StoreSettings

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with temporary_folder() as folder:
        (folder / "postgresql.conf").write_text("fsync = off\nshared_buffers = 32MB\n")
        yield folder


def on_server(url: URL) -> StoreSettings:
    return StoreSettings(url=url, secret=SECRET)


def test_a_folder_is_all_it_takes(data: Path) -> None:
    with open_store(StoreSettings(data=data)) as store, store.database.transaction(EVERYWHERE) as connection:
        assert connection.scalar(text("SELECT count(*) FROM appeals")) == 0
        assert connection.scalar(text("SELECT current_user")) == "triage_app"
        assert len(store.secret) >= 32
        assert store.secret.decode() not in repr(store)
    store.close()  # again: nothing happens


def test_the_secret_stays_the_same_from_start_to_start_and_the_environments_goes_first(data: Path) -> None:
    with open_store(StoreSettings(data=data)) as first:
        pass
    with open_store(StoreSettings(data=data)) as second:
        assert first.secret == second.secret
    with open_store(StoreSettings(data=data, secret=SECRET)) as third:
        assert third.secret == SECRET


def test_a_command_beside_the_service_joins_it_and_a_second_service_is_refused(data: Path) -> None:
    with open_store(StoreSettings(data=data)) as service:
        with pytest.raises(Locked, match="正被另一个服务使用"):
            open_store(StoreSettings(data=data))
        with (
            open_store(StoreSettings(data=data), join=True) as beside,
            open_as_owner(StoreSettings(data=data)) as place,
        ):
            assert beside.url == service.url
            assert place.joined
        with service.database.transaction(EVERYWHERE) as connection:  # closing the other one has not stopped the server
            assert connection.scalar(text("SELECT 1")) == 1


def test_a_worker_joins_a_running_service_and_never_starts_the_store_itself(data: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"上没有运行中的服务；请先启动 triage serve"):
        open_store(StoreSettings(data=data), join=True, start=False)
    with open_store(StoreSettings(data=data)) as service:
        with open_store(StoreSettings(data=data), join=True, start=False) as beside:
            assert (beside.url, beside.sealing_key) == (service.url, service.sealing_key)
        with service.database.transaction(EVERYWHERE) as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    with pytest.raises(StoreError, match="未指定数据位置"):
        open_store(StoreSettings(), join=True, start=False)


def test_a_folder_behind_the_program_is_upgraded_when_it_is_opened(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = short_folder / "data"
    with monkeypatch.context() as earlier:
        earlier.setattr(opening, "upgrade", partial(upgrade, target="0001"))
        with pytest.raises(MigrationNeeded):
            open_store(StoreSettings(data=data))
    with open_store(StoreSettings(data=data)) as store, store.database.transaction(EVERYWHERE) as connection:
        assert connection.scalar(text("SELECT to_regclass('ix_appeals_delivery_state') IS NOT NULL"))


def test_nothing_to_open_is_said_with_the_choices() -> None:
    with pytest.raises(StoreError, match=r"--data 目录.*TRIAGE_DATA.*TRIAGE_DATABASE_URL"):
        open_store(StoreSettings())


def test_a_server_of_the_citys_own_is_opened_by_an_ordinary_role_over_tcp(server: TestServer) -> None:
    with server.migrated() as name, open_store(on_server(server.url(name, way=TCP))) as store:
        with store.database.transaction(EVERYWHERE) as connection:
            assert connection.scalar(text("SELECT inet_server_port()")) is not None
        assert store.secret == SECRET


def test_a_server_without_a_secret_is_refused(server: TestServer) -> None:
    with server.migrated() as name, pytest.raises(StoreError, match="必须设置 TRIAGE_SECRET"):
        open_store(StoreSettings(url=server.url(name)))


@pytest.mark.parametrize("role", [OWNER, SUPERUSER])
def test_a_role_that_row_security_would_not_hold_is_refused(server: TestServer, role: str) -> None:
    with server.migrated() as name, pytest.raises(StoreError, match="区县隔离将失效；请改用普通角色 triage_app"):
        open_store(on_server(server.url(name, role=role)))


@pytest.mark.parametrize("right", ["BYPASSRLS", "IN ROLE triage_owner"])
def test_a_role_that_could_switch_row_security_off_is_refused(server: TestServer, right: str) -> None:
    with server.superuser() as connection, server.migrated() as name:
        connection.execute(f"CREATE ROLE sly LOGIN PASSWORD 'p' {right}".encode())
        try:
            connection.execute(f"GRANT CONNECT ON DATABASE {name} TO sly".encode())
            sly = server.url(name, way=TCP).set(username="sly", password="p")
            with pytest.raises(StoreError, match="区县隔离将失效"):
                open_store(on_server(sly))
        finally:
            connection.execute(b"DROP OWNED BY sly")
            connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM sly".encode())
            connection.execute(b"DROP ROLE sly")


def test_a_server_whose_tables_are_missing_or_old_is_refused_with_the_command(server: TestServer) -> None:
    with server.empty() as name:
        with pytest.raises(MigrationNeeded, match=r"版本为 空.*TRIAGE_DATABASE_OWNER_URL.*triage db upgrade"):
            open_store(on_server(server.url(name)))
        upgrade(server.url(name, role=OWNER), target="0001")
        with pytest.raises(MigrationNeeded, match=r"版本为 0001.*triage db upgrade"):
            open_store(on_server(server.url(name)))


def test_a_wrong_password_is_unavailable_and_not_shown(server: TestServer) -> None:
    with server.migrated() as name, pytest.raises(StoreUnavailable, match="用户名或密码不正确") as refused:
        open_store(on_server(server.url(name, way=TCP).set(password="hidden-word")))
    assert "hidden-word" not in str(refused.value)


def test_the_owner_must_be_named_for_a_servers_upgrade(server: TestServer, database_url: URL) -> None:
    with (
        pytest.raises(StoreError, match="请设置 TRIAGE_DATABASE_OWNER_URL"),
        open_as_owner(on_server(database_url)),
    ):
        pass
