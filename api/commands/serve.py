"""``triage serve`` and ``triage worker``."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from triage.commands.stores import Data
from triage.commands.terminal import one_thread_each

if TYPE_CHECKING:
    from api.service import Service
    from api.settings import Settings

_GRACE_SECONDS = 20

Demo = Annotated[
    bool, typer.Option("--demo", help="试用：启动时显示密钥，不要求 https / Trial mode, never for real data.")
]


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="监听地址 / Address [127.0.0.1].", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="端口 / Port [8000].", show_default=False)] = None,
    demo: Demo = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="批量任务另由 triage worker 处理 / Batches are worked on elsewhere.")
    ] = False,
    units: Annotated[
        Path | None,
        typer.Option(help="单位名录，库中尚无名录时导入 / Units to import into an empty list.", show_default=False),
    ] = None,
) -> None:
    """启动 HTTP 服务 / Serve the HTTP API until SIGTERM or Ctrl-C."""
    one_thread_each()
    from api.settings import settings_from_environment

    settings = settings_from_environment(
        data=data,
        host=host,
        port=port,
        demo=demo or None,
        worker=False if no_worker else None,
        units=units,
    )
    _serve(settings)


def worker(data: Data = None, demo: Demo = False) -> None:
    """后台任务：批量、消息投递、时限、预警，与 triage serve --no-worker 配合 / Background work beside a service."""
    one_thread_each()
    from api.service import Service
    from api.settings import settings_from_environment

    settings = settings_from_environment(data=data, demo=demo or None, worker=True)
    _log(settings)
    service = Service(settings, join=True)
    _end_cleanly()
    try:
        service.start()
        service.stopped.wait()
    finally:
        service.stop()


def _serve(settings: Settings) -> None:
    import uvicorn

    from api.app import create_app

    _log(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        lifespan="on",
    )
    _end_cleanly()
    _check_free(settings)
    # Started here and not by uvicorn alone, so that what is wrong becomes one line instead of a traceback.
    app.state.service.start()
    try:
        if settings.demo:
            _show_key(app.state.service)
        if sys.stdout.isatty():  # for a person; a log that a machine reads holds JSON lines only
            typer.echo(f"服务地址：http://{settings.host}:{settings.port}，按 Ctrl-C 停止")
        uvicorn.Server(config).run()
    finally:
        app.state.service.stop()


def _check_free(settings: Settings) -> None:
    """Say in one line that the port is taken; uvicorn would only log it, after the store has been started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            from api.settings import SettingsError

            why = "端口已被占用" if error.errno == errno.EADDRINUSE else error.strerror
            raise SettingsError(
                f"无法在 {settings.host}:{settings.port} 提供服务（{why}）；"
                "请用 --port 换一个端口，或检查 --host 和占用该端口的程序"
            ) from error


def _show_key(service: Service) -> None:
    from datetime import timedelta

    from triage.casework import access
    from triage.store.access import SYSTEM

    desk = service.desk
    until = desk.clock() + timedelta(hours=12)
    made = access.create_key(desk.database, SYSTEM, label="demo", role="admin", districts=["*"], expires_at=until)
    typer.echo(f"试用密钥（12 小时内有效） / demo key: {made.secret}")
    if service.demo is not None:
        names = "、".join(account.name for account in service.demo.login.accounts)
        typer.echo(f"工作台 / console: http://{service.settings.host}:{service.settings.port}/console/")
        typer.echo(f"试用账号 / demo accounts: {names}；口令 / password: {service.demo.login.password}")


def _log(settings: Settings) -> None:
    from api.logs import configure_logs

    configure_logs(level=settings.log_level.upper())


def _end_cleanly() -> None:
    """End with status 0 on SIGTERM; uvicorn raises the signal again after it has shut down."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
