"""Puts the console into the app: its pages, the files that they load, and where the bare address leads."""

from __future__ import annotations

import os

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import problems
from api.console.pages import PAGES
from api.console.routing import PREFIX, page_router
from api.console.templating import FOLDER, STATIC
from api.problems import Problem

_KEPT = "public, max-age=31536000, immutable"
"""The address of a file changes with its content (`templating.static_address`)."""


class _Files(StaticFiles):
    """Files of the console; kept by browsers, so that a page loads nothing twice."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        MutableHeaders(raw=response.raw_headers)["Cache-Control"] = _KEPT
        return response


def install_console(app: FastAPI) -> None:
    """Add the console to an app."""
    app.mount(STATIC, _Files(directory=FOLDER / "static"), name="console-static")
    for router in PAGES:
        app.include_router(router)
    app.include_router(_around())


def _around() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    @router.get(PREFIX)
    def begin() -> Response:
        """Lead to the first page."""
        return RedirectResponse(f"{PREFIX}/queue", status_code=303)

    pages = page_router()

    @pages.get("/{rest:path}")
    def nowhere(rest: str) -> Response:
        """Say that there is no such page."""
        raise Problem(problems.NOT_FOUND, "没有这个页面；请从左侧导航进入")

    router.include_router(pages)
    return router
