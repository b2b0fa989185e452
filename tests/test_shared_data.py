from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_USES_THE_DATA = """
def test_reads_the_corpora(shared_data):
    assert (shared_data / "README.md").read_text() == "here"
"""


@pytest.fixture
def checkout(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with this project's conftest and one test that needs the data."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tests = pytester.mkdir("checkout") / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (tests / "test_data.py").write_text(_USES_THE_DATA)
    return tests


def test_a_test_without_its_data_is_skipped_with_the_remedy(pytester: pytest.Pytester, checkout: Path) -> None:
    result = pytester.runpytest("-rs", checkout)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*put them into shared/data beside the checkout*"])


def test_in_continuous_integration_missing_data_is_a_failure(
    pytester: pytest.Pytester, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.runpytest(checkout).assert_outcomes(errors=1)


def test_ci_set_to_false_counts_as_unset(
    pytester: pytest.Pytester, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "false")
    pytester.runpytest(checkout).assert_outcomes(skipped=1)


def test_data_beside_the_checkout_is_found(pytester: pytest.Pytester, checkout: Path) -> None:
    data = pytester.path / "shared" / "data"
    data.mkdir(parents=True)
    (data / "README.md").write_text("here")
    pytester.runpytest(checkout).assert_outcomes(passed=1)
