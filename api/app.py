"""The one place where a service is put together. Nothing is opened before the app starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.console.mounting import install_console
from api.handlers import install_handlers
from api.limits import BodyLimit, Gate
from api.observe import Observe, TrustedHosts
from api.openapi import describe
from api.routes import ROUTERS
from api.service import Service
from api.settings import Settings

DISTRIBUTION = "citizen-appeal-triage"


def create_app(settings: Settings) -> FastAPI:
    """Put a service together; its store opens when the app starts and closes when it ends.

    Args:
        settings: What an operator set.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await run_in_threadpool(service.start)
            yield
        finally:
            await run_in_threadpool(service.stop)

    # docs_url: the shipped pages fetch their scripts from elsewhere, and this service works without a network.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    release = _release()
    app.openapi = lambda: describe(app, release)  # type: ignore[method-assign]
    install_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    install_console(app)
    # The last one added is the outermost.
    app.add_middleware(Gate, limits=settings.limits, metrics=service.metrics)
    app.add_middleware(BodyLimit, limits=settings.limits)
    app.add_middleware(TrustedHosts, allowed=settings.allowed_hosts)
    app.add_middleware(Observe, metrics=service.metrics)
    return app


def _release() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0"
