"""The OpenAPI document against the service: every operation, many valid and broken requests, no surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.settings import Settings
from tests.api.harness import EAST, Caller, House
from tests.api.texts import GARBAGE, WAGES
from triage.store.settings import StoreSettings

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES, BROKEN = 8, 4
"""Per operation; making up texts that break a schema is slow, so there are fewer of those."""


@schemathesis.serializer("application/zip", "application/gzip", "application/x-tar", "text/csv")
def _as_it_is(_context: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def operations(*, taking_something: bool = False) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(create_app(Settings(store=StoreSettings())).openapi())
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if taking_something and not (operation.body or operation.query or operation.path_parameters):
            continue
        yield pytest.param(operation, id=f"{operation.method.upper()} {operation.path}")


@pytest.fixture(scope="module")
def ids(house: House) -> dict[str, str]:
    """Ids of things that exist, so that not every request ends with 404."""
    posted = [house.caller("intake").post("/v1/appeals", text).json() for text in (GARBAGE, WAGES)]
    alerts = house.caller().get("/v1/alerts").json()["items"]
    job = house.caller("intake").post("/v1/appeals/batch", {"appeals": [GARBAGE]}).json()
    return {
        "appeal_id": posted[0]["id"],
        "event_id": posted[0]["event_id"],
        "alert_id": alerts[0]["id"] if alerts else posted[0]["id"],
        "job_id": job["id"],
    }


def tried(operation: Any, mode: GenerationMode, send: Callable[[Case[Any]], None], *, examples: int = EXAMPLES) -> None:
    """Send a fixed set of generated requests."""

    @seed(12345)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        send(case)

    run()


def sent(case: Case[Any], caller: Caller, known: dict[str, str]) -> Any:
    """Send a request as the caller; two of three go to things that exist."""
    if case.path_parameters and len(str(case.path_parameters)) % 3:
        case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
    raw = case.as_transport_kwargs(base_url="http://testserver", headers=caller.headers)
    raw.pop("cookies", None)
    body = {"content": raw["data"]} if isinstance(raw.get("data"), (bytes, str)) else {"data": raw.get("data")}
    return caller.client.request(
        raw["method"],
        raw["url"],
        params=raw.get("params"),
        headers={name: value for name, value in raw["headers"].items() if value is not None},
        **({"json": raw["json"]} if raw.get("json") is not None else body),
    )


@pytest.mark.parametrize("operation", list(operations()))
@pytest.mark.parametrize("role", ["admin", "dispatcher"])
def test_valid_requests_are_answered_as_documented(
    house: House, ids: dict[str, str], operation: Any, role: str
) -> None:
    caller = house.caller(role) if role == "admin" else house.caller(role, [EAST])

    def send(case: Case[Any]) -> None:
        case.validate_response(sent(case, caller, ids), checks=CHECKS)

    tried(operation, GenerationMode.POSITIVE, send)


@pytest.mark.parametrize("operation", list(operations(taking_something=True)))
def test_broken_requests_are_refused_as_documented(house: House, ids: dict[str, str], operation: Any) -> None:
    caller = house.caller("admin")

    def send(case: Case[Any]) -> None:
        case.validate_response(sent(case, caller, {}), checks=[*CHECKS, negative_data_rejection])

    tried(operation, GenerationMode.NEGATIVE, send, examples=BROKEN)
