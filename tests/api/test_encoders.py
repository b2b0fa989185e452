"""A change of the encoder under a running service: its worker does the work, and every request is answered meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import House
from tests.api.texts import numbered
from tests.encoders import write_encoder
from triage.casework import encoders, reencoding
from triage.store import encoders as stored_encoders
from triage.store.access import EVERYWHERE, SYSTEM


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"worker": True}


def test_the_service_changes_its_encoder_while_it_serves(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencoding, "FOLLOWED", 0.0)
    desk, intake = house.service.desk, house.caller("intake")
    before = desk.encoder.fingerprint
    first = intake.post("/v1/appeals", numbered(1)).json()["id"]
    with desk.database.transaction(EVERYWHERE) as connection:
        stored = encoders.add_folder(
            connection, write_encoder(tmp_path / "letters"), actor=SYSTEM, at=datetime.now(UTC)
        )
        job = encoders.use(connection, stored.fingerprint, actor=SYSTEM, at=datetime.now(UTC))
    assert job is not None
    until, number = time.monotonic() + 90, 1
    body: dict[str, Any] = {"finished_at": None}
    while body["finished_at"] is None and time.monotonic() < until:
        number += 1
        assert intake.post("/v1/appeals", numbered(number)).status_code == 201
        body = house.caller("admin").get(f"/v1/jobs/{job.id}").json()
        time.sleep(0.2)
    assert (body["state"], body["error"]) == ("done", "")
    assert body["kind"] == "encoders.fill"
    assert desk.encoder.fingerprint == stored.fingerprint != before
    found = house.caller("dispatcher").get("/v1/appeals", params={"words": "路灯"})
    assert found.status_code == 200
    with desk.database.transaction(EVERYWHERE) as connection:
        assert not stored_encoders.has_strangers(connection)
        assert stored_encoders.lacking(connection, stored.fingerprint, after=None, most=1) == []
    assert house.caller("dispatcher").get(f"/v1/appeals/{first}/similar").status_code == 200
