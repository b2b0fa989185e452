"""Somebody who has logged in to the console, without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from httpx2 import Response

from api.security import COOKIE
from tests.api.harness import House
from triage.casework import access
from triage.store.access import SYSTEM

PASSWORD = "青山不改 green-2026"
_TOKEN = re.compile(r'<meta name="csrf" content="([0-9a-f]{64})">')


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser of somebody; keeps the cookie of the session and sends what our pages send."""

    client: TestClient
    cookie: str
    csrf: str

    def get(self, path: str, *, partial: bool = False) -> Response:
        return self.client.get(path, headers=self._headers(partial=partial), follow_redirects=False)

    def post(
        self,
        path: str,
        data: Mapping[str, str | Sequence[str]] | None = None,
        *,
        partial: bool = False,
        token: str | None = None,
        **more: Any,
    ) -> Response:
        """Send a form; a script's request where ``partial``. ``token``: instead of the right one."""
        right = self.csrf if token is None else token
        headers = {**self._headers(partial=partial), **({"X-CSRF-Token": right} if partial else {})}
        headers.update(more.pop("headers", {}))
        if "content" not in more:
            more["data"] = {**(data or {}), **({} if partial else {"_csrf": right})}
        return self.client.post(path, headers=headers, follow_redirects=False, **more)

    def _headers(self, *, partial: bool) -> dict[str, str]:
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        return {**headers, "HX-Request": "true"} if partial else headers


def signed_in(house: House, *, role: str = "admin", districts: Sequence[str] = ("*",), name: str = "") -> Visitor:
    """Make an account and log in with it through the page."""
    database = house.service.desk.database
    called = name or f"{role}-{uuid4().hex[:8]}"
    access.add_user(database, SYSTEM, name=called, password=PASSWORD, role=role, districts=districts)
    client = TestClient(house.app, base_url="http://testserver")  # not entered: the app runs already
    answer = client.post("/console/login", data={"name": called, "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    cookie = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert cookie is not None
    shown = client.get("/console/password", headers={"Cookie": f"{COOKIE}={cookie[1]}"})
    token = _TOKEN.search(shown.text)
    assert token is not None
    return Visitor(client, cookie[1], token[1])
