"""The contract: the OpenAPI document with every answer of every route. ``python -m api.openapi`` prints it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import BY_STATUS, MEDIA_TYPE, ProblemBody, example_of
from api.settings import Settings
from triage.store.settings import StoreSettings

TITLE = "诉求智能分拨 / Citizen appeal triage"
DESCRIPTION = """\
市民诉求的登记、派单建议、风险预警与并单。
Receives citizen appeals, proposes the responsible unit, warns of risk and links appeals about one event.

**身份 / access** — `Authorization: Bearer tk_…` (API key), or the cookie of `POST /v1/session`, whose changing requests
also carry `X-CSRF-Token`. Every principal sees the districts of its scope only; the database enforces it.

**错误 / errors** — every error is `application/problem+json` (RFC 9457). `instance` is the number of the request in the
log. No error repeats what was sent.

**限制 / limits** — 413 body too large, 429 too many requests and 503 busy come with what to do; 429 and 503 with
`Retry-After`.

**脱敏 / masking** — every text is masked; only `POST /v1/appeals/{appeal_id}/unmask` shows the original, and it is audited.
"""
_COMPONENT = "#/components/schemas/"


def describe(app: FastAPI, version: str) -> dict[str, Any]:
    """Return the document of an app; computed once per app."""
    if app.openapi_schema is None:
        document = get_openapi(title=TITLE, version=version, description=DESCRIPTION, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemBody.model_json_schema(ref_template=_COMPONENT + "{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["ProblemBody"] = problem
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operations in document["paths"].values():
            for method, operation in operations.items():
                _describe_errors(operation, sends=method != "get")
        app.openapi_schema = document
    return app.openapi_schema


def _describe_errors(operation: dict[str, Any], *, sends: bool) -> None:
    answers = operation["responses"]
    for status in (408, 413) if sends else ():
        answers.setdefault(str(status), {"description": BY_STATUS[status].title})
    for status, answer in answers.items():
        if int(status) >= 400:
            answer["content"] = {
                MEDIA_TYPE: {"schema": {"$ref": _COMPONENT + "ProblemBody"}, "example": example_of(int(status))}
            }
            if status in ("429", "503"):
                answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "秒 / seconds"}}


def main() -> None:
    """Print the document."""
    from api.app import create_app  # noqa: PLC0415 - the app imports this module

    app = create_app(Settings(store=StoreSettings(data=Path("data"))))
    sys.stdout.write(json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
