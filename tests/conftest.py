"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
