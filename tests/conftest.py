"""Fixtures for all tests."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.leaks import leaks_in

# Machines that run the tests differ tenfold in speed; a deadline per example would only find slow machines.
settings.register_profile("steady", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of annotated corpora beside the checkout (``../shared/data``), which is never part of it.

    Without it a test is skipped; with the variable CI set that is a failure, so that no pipeline passes by measuring
    nothing.
    """
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        reason = "the annotated corpora are not there: put them into shared/data beside the checkout"
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(f"{reason}, or unset CI to skip this test")
        pytest.skip(reason)
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the way by which the store's tests reach their databases."""
    parser.addoption("--store", choices=["socket", "tcp"], default="socket", help="how tests reach the embedded server")


_LEAKED = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Log as the service does, so that the scan at the end of the run has something to read."""
    config.stash[_LEAKED] = []
    for name in ("triage", "models", "training", "api"):
        logging.getLogger(name).setLevel(logging.DEBUG)


class _Scan:
    """Reads the log and the error output of every test; a run in which one holds a text of a citizen has failed."""

    def __init__(self, leaked: list[str]) -> None:
        self.leaked = leaked

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "quotes_a_text" not in report.keywords and leaks_in(f"{report.capstderr}\n{report.caplog}"):
            self.leaked.append(f"{report.nodeid} ({report.when})")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.leaked and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.leaked:
            terminalreporter.section("personal data or a text in the log or error output of")
            for place in self.leaked:
                terminalreporter.write_line(place)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Put the scan in place, after the stash exists."""
    session.config.pluginmanager.register(_Scan(session.config.stash[_LEAKED]))
