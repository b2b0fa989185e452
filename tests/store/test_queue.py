"""The queue's tables lie in the same database, and the service's ordinary role can use them."""

from __future__ import annotations

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import URL

from tests.store_fixtures import both_ways
from triage.store.roles import conninfo


@both_ways()
def test_the_services_role_defers_fetches_and_finishes_jobs(database_url: URL) -> None:
    app = App(connector=SyncPsycopgConnector(conninfo=conninfo(database_url)))

    @app.task(name="greet")
    def greet(number: int) -> None:
        assert number

    with app.open():
        assert app.check_connection()
        job = greet.defer(number=1)
        (found,) = app.job_manager.list_jobs()
        assert (found.id, found.status) == (job, "todo")
        app.job_manager.cancel_job_by_id(job)
        assert app.job_manager.get_job_status(job).value == "cancelled"
