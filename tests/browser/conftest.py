"""A real browser in front of a real service: an installed Chromium, driven by Playwright, and the sample city.

Without Chromium the tests are skipped; with the variable CI set that is a failure, so that no pipeline passes by looking
at nothing.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import uvicorn

from api.app import create_app
from api.service import Service
from tests.api.harness import GENEROUS, settings_for
from tests.store_fixtures import TestServer, free_port, server, short_folder
from triage.casework import access
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import OFF
from triage.casework.importing import Import, ImportOptions
from triage.samples import sample_path
from triage.store.access import SYSTEM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

__all__ = ["server", "short_folder"]

PASSWORD = "青山不改 green-2026"
DESK_SIZE, PHONE_SIZE = (1366, 768), (390, 844)
SAMPLES = 120
"""Appeals of the sample city that are loaded, the first ones; all of them take three times as long."""
_PATIENCE = 20_000
"""Milliseconds that a page may take before a test gives up; a busy machine is not a broken page."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """Where an installed Chromium is: named by ``TRIAGE_CHROMIUM``, else on the path."""
    named = os.environ.get("TRIAGE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@dataclass(slots=True)
class Console:
    """A running service with pages.

    Attributes:
        address: Where it listens.
        service: The service itself, for what a test looks up behind the pages.
    """

    address: str
    service: Service

    @property
    def desk(self) -> Desk:
        return self.service.desk

    def account(self, role: str = "dispatcher", districts: Sequence[str] = ("*",)) -> str:
        """Make an account with `PASSWORD` and return its name."""
        name = f"{role}-{uuid4().hex[:6]}"
        access.add_user(self.desk.database, SYSTEM, name=name, password=PASSWORD, role=role, districts=districts)
        return name

    def log_in(self, page: Page, *, role: str = "dispatcher", districts: Sequence[str] = ("*",), at: str = "") -> str:
        """Log in by the form, with the keyboard only, and return the account's name."""
        name = self.account(role, districts)
        page.goto(f"{self.address}/console/login" + (f"?next={at}" if at else ""))
        page.wait_for_function("document.activeElement?.name === 'name'")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{self.address}{at or '/console/queue'}*")
        return name


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """An installed Chromium without a window."""
    found = chromium()
    if found is None:
        reason = "no Chromium: install the package chromium, or name one in TRIAGE_CHROMIUM"
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(f"{reason}; or unset CI to skip this test")
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    # Chromium's own sandbox needs rights that a container seldom has; the pages are ours.
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def console(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A service on a port of its own, with the units and the first `SAMPLES` appeals of the sample city."""
    folder = tmp_path_factory.mktemp("console")
    with server.migrated() as name:
        settings = replace(settings_for(server, name, folder), demo=True, limits=GENEROUS, port=free_port())
        settings = replace(settings, allowed_hosts=("127.0.0.1",), auto_dispatch=OFF)
        app = create_app(settings)
        config = uvicorn.Config(app, host="127.0.0.1", port=settings.port, log_config=None, lifespan="on", ws="none")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        try:
            _wait_for(running)
            service: Service = app.state.service
            _load_samples(service.desk, folder)
            yield Console(f"http://127.0.0.1:{settings.port}", service)
        finally:
            running.should_exit = True
            thread.join(20)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page at the desk; a message on the browser's console that is an error fails the test."""
    yield from _page(browser, DESK_SIZE)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page on a phone."""
    yield from _page(browser, PHONE_SIZE)


def _page(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(_PATIENCE)
    opened = context.new_page()
    troubles: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # An answer of 4xx that the page shows in words is logged by the browser as well.
        if message.type == "error" and "Failed to load resource" not in message.text:
            troubles.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    yield opened
    context.close()
    assert troubles == []


def _load_samples(desk: Desk, folder: Path) -> None:
    source = folder / "samples.csv"
    with sample_path("appeals.csv").open(encoding="utf-8-sig") as whole:
        head = [line for _, line in zip(range(SAMPLES + 1), whole, strict=False)]
    source.write_text("".join(head), encoding="utf-8")
    options = ImportOptions(source=source, rejects=folder / "rejects.csv")
    Import(desk, SYSTEM, options).run(progress=lambda _done, _total: True)


def _wait_for(running: uvicorn.Server) -> None:
    until = time.monotonic() + 60
    while not running.started:
        assert time.monotonic() < until, "the service does not start"
        time.sleep(0.05)
