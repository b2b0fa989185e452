"""Templates of the console: Jinja2 with autoescape for every template, strict about names, and our filters."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.console import wording
from api.problems import Problem

FOLDER = Path(__file__).parent
STATIC = "/console/static"

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What a page may load: only what this service serves, and nothing inline."""


def render(template: str, **context: Any) -> str:
    """Return a template as text; every value in it is escaped."""
    return _environment().get_template(template).render(**context)


def error_page(_request: Request, problem: Problem) -> Response:
    """Return the page that says what went wrong and what to do."""
    text = render("error.html", status=problem.status_code, title=problem.kind.title, detail=str(problem.detail))
    response = HTMLResponse(text, status_code=problem.status_code, headers=problem.headers)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


def static_address(name: str) -> str:
    """Return the address of a file that is served as it is; it changes with the content, so browsers may keep it."""
    return f"{STATIC}/{name}?v={_digest(name)}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(wording.FILTERS)
    environment.globals.update(static=static_address, **wording.NAMES)
    return environment


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:12]
