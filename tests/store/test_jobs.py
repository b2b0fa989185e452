"""Jobs: progress that is never counted twice, work that goes on after a crash, rows only their owner sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from tests.store.filing import CLOCK, LONGHUA, file_appeal, person
from tests.store_fixtures import both_ways
from triage.store import jobs
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import NotFound
from triage.store.jobs import Job


def started(database: Database, total: int = 3, *, actor: Actor = SYSTEM) -> UUID:
    inputs = [{"content": f"第{number}件"} for number in range(1, total + 1)]
    with database.transaction(actor.scope) as connection:
        return jobs.create(connection, kind="appeals.batch", inputs=inputs, actor=actor, at=CLOCK()).id


def job(database: Database, job_id: UUID, scope: Scope = EVERYWHERE) -> Job:
    with database.transaction(scope) as connection:
        return jobs.get(connection, job_id)


@both_ways()
def test_a_job_counts_what_became_of_its_rows(database: Database) -> None:
    job_id, appeal = started(database), file_appeal(database)
    with database.transaction(EVERYWHERE) as connection:
        jobs.start(connection, job_id)
        jobs.item_done(connection, job_id, 1, appeal)
        jobs.item_failed(connection, job_id, 2, "缺少内容")
    found = job(database, job_id)
    assert (found.state, found.total, found.done, found.failed) == ("running", 3, 1, 1)
    with database.transaction(EVERYWHERE) as connection:
        done, failed, left = jobs.items(connection, job_id)
        assert [item.row for item in jobs.waiting(connection, job_id, most=10)] == [3]
    assert (done.input, done.appeal_id) == (None, appeal)  # what is recorded need not be kept twice
    assert (failed.error, failed.input) == ("缺少内容", {"content": "第2件"})
    assert left.input == {"content": "第3件"}


def test_a_row_settled_twice_counts_once(database: Database) -> None:
    job_id, appeal = started(database), file_appeal(database)

    def settle(_: int) -> None:
        with database.transaction(EVERYWHERE) as connection:
            jobs.item_done(connection, job_id, 1, appeal)
            jobs.item_failed(connection, job_id, 1, "again")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(settle, range(8)))
    assert (job(database, job_id).done, job(database, job_id).failed) == (1, 0)


def test_a_finished_job_stays_as_it_ended(database: Database) -> None:
    job_id = started(database)
    with database.transaction(EVERYWHERE) as connection:
        assert jobs.finish(connection, job_id, at=CLOCK()).state == "done"
        assert jobs.finish(connection, job_id, at=CLOCK(), error="late").state == "done"
        jobs.start(connection, job_id)
        assert jobs.get(connection, job_id).state == "done"
    other = started(database)
    with database.transaction(EVERYWHERE) as connection:
        failed = jobs.finish(connection, other, at=CLOCK(), error="模型无法载入")
    assert (failed.state, failed.error, failed.finished_at) == ("failed", "模型无法载入", CLOCK())


def test_a_job_is_seen_by_its_districts_and_the_city_only(database: Database) -> None:
    mine = started(database, actor=LONGHUA)
    assert job(database, mine, LONGHUA.scope).created_by == LONGHUA.name
    assert job(database, mine).districts == ("龙华区",)
    other = person("intake", "秀英区")
    for scope in (other.scope,):
        with pytest.raises(NotFound, match=f"没有任务 {mine}，或不在可见区划内"):
            job(database, mine, scope)
    with database.transaction(other.scope) as connection:
        assert jobs.latest(connection) == []
        assert jobs.items(connection, mine) == []
    with pytest.raises(NotFound):
        job(database, uuid4())


def test_a_large_job_is_paged(database: Database) -> None:
    job_id = started(database, 1201)
    with database.transaction(EVERYWHERE) as connection:
        page = jobs.items(connection, job_id, after=1100, most=200)
        assert [page[0].row, page[-1].row] == [1101, 1201]
        assert len(jobs.waiting(connection, job_id, most=500)) == 500
