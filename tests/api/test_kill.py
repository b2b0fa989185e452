"""The real process: started, killed while clients post, stopped in order."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import httpx
import pytest

from benchmarks import kill
from benchmarks.disturbances import Surroundings
from tests.api.harness import traces_in
from tests.api.texts import WAGES
from tests.store_fixtures import free_port

POSTS, KILLS = 400, 3


@pytest.mark.timeout(280)
def test_nothing_accepted_is_lost_or_doubled_when_the_process_is_killed_again_and_again(short_folder: Path) -> None:
    found = kill.run(short_folder, posts=POSTS, kills=KILLS, port=free_port())
    assert len(found.accepted) == POSTS
    assert (found.lost, found.doubled, found.contradictions) == ([], [], 0)
    assert found.stored == POSTS
    assert max(found.restarts) <= 30
    assert "井盖" not in found.log
    assert traces_in(found.log) == []


@pytest.mark.timeout(280)
def test_every_alert_arrives_once_or_is_visible_when_worker_and_service_are_killed(
    short_folder: Path,
) -> None:
    """Two kills of each; the receivers are away for a while, the clock jumps six times. The full run is a benchmark."""
    with tempfile.TemporaryDirectory() as public:  # not pytest's: the database's user must be able to read there
        surroundings = Surroundings(Path(public), down_seconds=4)
        found = kill.run(short_folder, posts=100, kills=2, port=free_port(), surroundings=surroundings)
    assert (found.lost, found.doubled, found.contradictions, found.stored) == ([], [], 0, 100)
    arrivals = found.arrivals
    assert arrivals is not None
    assert (arrivals.lost, arrivals.doubled, arrivals.untold) == ([], [], 0)
    assert arrivals.alerts >= 2
    assert arrivals.to_program == arrivals.alerts
    assert arrivals.to_robot + arrivals.visible >= arrivals.alerts
    assert traces_in(found.log) == []


def test_a_service_ends_in_order_on_sigterm_and_logs_json_without_texts(short_folder: Path) -> None:
    server = kill.Server(short_folder, free_port())
    server.start()
    try:
        posted = httpx.post(f"{server.url}/v1/appeals", json=WAGES, headers=server.headers, timeout=30)
        assert posted.status_code == 201
        assert httpx.get(f"{server.url}/v1/search?q=讨说法", headers=server.headers, timeout=30).status_code == 200
    finally:
        status = server.stop()
    assert status == 0
    lines = server.log.read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line).get("action") for line in lines]
    assert actions[0] == "start"
    assert {"request", "stop"} <= set(actions)
    assert traces_in("\n".join(lines)) == []
    assert not (server.data / "pg" / "postmaster.pid").exists()
