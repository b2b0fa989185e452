"""A service under test: the real app on a fresh database, and clients that are somebody."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from api.logs import JsonFormatter
from api.service import Service
from api.settings import Limits, Settings
from tests.api.texts import TRACES
from tests.leaks import leaks_in
from tests.store_fixtures import TestServer
from triage.casework import access
from triage.samples import sample_path
from triage.store.access import SYSTEM
from triage.store.settings import StoreSettings

SECRET = b"5f1d0c6a9b7e4832a1c0ffee15900d77"
GENEROUS = Limits(rate_per_second=1e6, rate_burst=1_000_000, failures_per_minute=1_000_000)
CITY, EAST, NORTH = "*", "临澜区", "北屏区"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key; every request carries it."""

    client: TestClient
    headers: dict[str, str]

    def get(self, path: str, **more: Any) -> Response:
        return self.client.get(path, headers=self.headers, **more)

    def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
        sent = {**self.headers, **(headers or {})}
        if body is not None:
            more["json"] = body
        return self.client.post(path, headers=sent, **more)

    def delete(self, path: str) -> Response:
        return self.client.delete(path, headers=self.headers)

    def put(self, path: str, body: Any) -> Response:
        return self.client.put(path, headers=self.headers, json=body)


@dataclass(slots=True)
class House:
    """A running service with callers of every role."""

    app: FastAPI
    client: TestClient
    folder: Path
    _callers: dict[tuple[str, tuple[str, ...]], Caller] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        found: Service = self.app.state.service
        return found

    def caller(self, role: str = "admin", districts: Sequence[str] = (CITY,)) -> Caller:
        who = (role, tuple(districts))
        if who not in self._callers:
            made = access.create_key(self.service.desk.database, SYSTEM, label="test", role=role, districts=districts)
            self._callers[who] = Caller(self.client, {"Authorization": f"Bearer {made.secret}"})
        return self._callers[who]


def settings_for(server: TestServer, name: str, folder: Path) -> Settings:
    """Settings of a service on a database of the tests' server."""
    store = StoreSettings(data=folder, url=server.url(name), secret=SECRET)
    return Settings(
        store=store,
        allowed_hosts=("testserver",),
        units=sample_path("units.csv"),
        limits=GENEROUS,
        worker=False,
    )


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    """What a test module wants different; override it there."""
    return {}


@pytest.fixture(scope="module")
def house(server: TestServer, house_settings: dict[str, Any], api_log: Path) -> Iterator[House]:
    """A running service on a fresh database, one per test module."""
    assert api_log
    folder = Path(tempfile.mkdtemp(prefix="triage-api-"))
    try:
        with server.migrated() as name:
            settings = replace(settings_for(server, name, folder), **house_settings)
            app = create_app(settings)
            with TestClient(app, base_url="http://testserver") as client:
                yield House(app, client, folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def api_log(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything that was logged during the run of these tests, also by the database; scanned for texts at the end."""
    path = tmp_path_factory.mktemp("log") / "service.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("api", "triage", "models", "uvicorn")}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel("DEBUG")
    try:
        yield path
    finally:
        root.removeHandler(handler)
        handler.close()
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for file in (path, *sorted(server.embedded.folder.logs.glob("*.log"))):
            said = file.read_text(encoding="utf-8", errors="replace")
            assert traces_in(said) == [], f"texts or personal data in {file.name}"


def traces_in(said: str) -> list[str]:
    """Return what a log must not hold: phone numbers, id numbers, pieces of the texts that the tests send."""
    return leaks_in(said, also=TRACES)
