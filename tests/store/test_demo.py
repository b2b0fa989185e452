"""The trial: only a folder that held nothing becomes the sample city, and only the sample city is put back."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL

from api.demo import ACCOUNTS, MARK, Demo, samples_until
from tests.store.filing import CLOCK, DISPATCHER, add_units, count, file_appeal
from triage.casework import access, review
from triage.casework.desk import Desk
from triage.store import units
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import StateConflict, Unauthenticated
from triage.testing import fake_desk


@pytest.fixture
def desk(database: Database) -> Desk:
    return fake_desk(database, clock=CLOCK)


def demo_on(desk: Desk, owner_url: URL, folder: Path) -> Demo:
    """A trial whose thread does nothing: the service is over."""
    stopped = threading.Event()
    stopped.set()
    return Demo(desk, owner_url=owner_url, data=folder, stopped=stopped)


def test_an_empty_folder_becomes_the_sample_city_with_its_accounts(desk: Desk, owner_url: URL, tmp_path: Path) -> None:
    demo = demo_on(desk, owner_url, tmp_path)
    assert demo.start() is not None
    assert (tmp_path / MARK).is_file()
    for account in ACCOUNTS:
        begun = access.log_in(desk.database, account.name, demo.login.password)
        assert (begun.user.role, begun.user.districts) == (account.role, account.districts)


def test_a_folder_with_appeals_or_people_is_left_as_it_is(
    desk: Desk, database: Database, owner_url: URL, tmp_path: Path
) -> None:
    file_appeal(database)
    demo = demo_on(desk, owner_url, tmp_path)
    assert demo.start() is None
    assert not (tmp_path / MARK).exists()
    assert count(database, "users") == 0
    with pytest.raises(StateConflict, match="不是样例城市"):
        demo.reset()
    assert count(database, "appeals") == 1


def test_a_reset_brings_the_city_back_to_its_beginning(
    desk: Desk, database: Database, owner_url: URL, tmp_path: Path
) -> None:
    demo = demo_on(desk, owner_url, tmp_path)
    demo.start()
    add_units(database)
    review.confirm(desk, DISPATCHER, file_appeal(database))
    begun = access.log_in(database, ACCOUNTS[0].name, demo.login.password, clock=CLOCK)
    access.add_user(database, SYSTEM, name="stranger", password="somebody else 1", role="admin", districts=["*"])
    audited = count(database, "audit")
    demo.reset()
    assert [count(database, table) for table in ("appeals", "history", "feedback", "outbox")] == [0, 0, 0, 0]
    with database.transaction(EVERYWHERE) as connection:
        assert "澜江市公安局" in units.names(connection, day=CLOCK().date())
    with pytest.raises(Unauthenticated):
        access.session(database, begun.token, clock=CLOCK)
    assert {user.name for user in access.users(database, SYSTEM)} == {account.name for account in ACCOUNTS}
    assert count(database, "audit") > audited


def test_a_new_start_gives_the_accounts_a_new_password(desk: Desk, owner_url: URL, tmp_path: Path) -> None:
    former = demo_on(desk, owner_url, tmp_path)
    former.start()
    later = demo_on(desk, owner_url, tmp_path)
    later.start()
    assert former.login.password != later.login.password
    with pytest.raises(Unauthenticated):
        access.log_in(desk.database, ACCOUNTS[0].name, former.login.password)


def test_the_samples_end_within_the_last_day() -> None:
    moved = list(samples_until(CLOCK()))
    assert timedelta() <= CLOCK() - moved[-1].at < timedelta(days=1)
    assert [sample.at for sample in moved] == sorted(sample.at for sample in moved)
    assert len({sample.new.reference for sample in moved}) == len(moved)
