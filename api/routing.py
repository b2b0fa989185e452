"""How routes read bodies: JSON only, strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.problems import Problem

_JSON = "application/json"


class StrictRequest(Request):
    """A request whose JSON has no ``NaN``, no endless numbers, no abysses; Python's reader would let them pass."""

    async def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            Problem: 400, if it is not JSON as RFC 8259 has it.
        """
        body = await self.body()
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            # ValueError: broken JSON, broken UTF-8 or a number of thousands of digits; the message would quote it.
            raise Problem(
                problems.MALFORMED, "请求体不是合法的 JSON（或嵌套过深、数字过长）；请检查引号、逗号、括号和编码"
            ) from error


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


class JsonRoute(APIRoute):
    """A route that takes JSON and answers 415 to anything else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the checks in front."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def checked(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if takes_json and await strict.body() and _media_type(strict) != _JSON:
                raise Problem(problems.MEDIA, f"只接受 {_JSON}；请设置 Content-Type")
            return await handle(strict)

        return checked


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
