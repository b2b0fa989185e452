"""The document is the contract: committed, current and complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api import openapi
from api.problems import MEDIA_TYPE

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
OPEN = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_committed_document_is_that_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    openapi.main()
    assert capsys.readouterr().out == COMMITTED.read_text(encoding="utf-8"), (
        "run: python -m api.openapi > docs/openapi.json"
    )


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        failures = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "500", "503"} <= set(failures), name
        for status, answer in failures.items():
            assert set(answer["content"]) == {MEDIA_TYPE}, (name, status)
            assert answer["content"][MEDIA_TYPE]["example"]["status"] == int(status)


def test_every_operation_on_data_needs_a_key_or_a_session(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"key", "session"}
    for name, operation in operations(document):
        path = name.partition(" ")[2]
        if path in OPEN or name == "POST /v1/session":
            continue
        assert operation["security"], name
        assert {"401", "429"} <= set(operation["responses"]), name


def test_bodies_of_appeals_and_decisions_have_examples(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("AppealIn", "DraftIn", "ReceiptOut", "DecisionRecord", "ProblemBody"):
        assert schemas[name]["example"], name


def test_every_named_body_is_described(document: dict[str, Any]) -> None:
    assert [name for name, schema in document["components"]["schemas"].items() if "description" not in schema] == []
