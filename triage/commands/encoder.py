"""``triage encoder``: which encoder makes the vectors that searches compare."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

if TYPE_CHECKING:
    from triage.casework.bundle_watch import BundleWatcher
    from triage.casework.desk import Desk
    from triage.store.encoders import StoredEncoder
    from triage.store.jobs import Job
    from triage.store.opening import Store

encoder = group("编码器：列出、更换 / Encoders: list, use.")

SHIPPED = "shipped"
"""Name of the encoder that comes with the project."""
_EXPORTERS = "triage.encoder_exporters"
_STATES = {"preparing": "正在重算", "active": "使用中", "leaving": "正在换下", "retired": "未使用"}
_KINDS = {"hashed": "字串投影", "onnx": "ONNX"}
_TRAIN = "citizen-appeal-triage[train]"
_PLACE = "encoders"


@encoder.command("list")
def list_command(data: Data = None) -> None:
    """列出编码器与重算进度 / List the encoders of the store and how far a change is."""
    from triage.casework.encoders import shipped_fingerprint
    from triage.store import encoders, jobs
    from triage.store.access import EVERYWHERE

    with opened(data) as store, store.database.transaction(EVERYWHERE) as connection:
        found = encoders.listed(connection)
        work = {one.fingerprint: jobs.get(connection, one.job_id) for one in found if one.job_id is not None}
    shipped = shipped_fingerprint()
    if shipped is not None and shipped not in {one.fingerprint for one in found}:
        typer.echo(f"未入库：自带编码器，启用请运行 triage encoder use {SHIPPED}")
    if not any(one.state == "active" for one in found):
        typer.echo("使用中：随模型自带的字串投影（服务首次启动时入库）")
    rows = table("名称", "类型", "状态", "进度", "大小", "启用", "指纹")
    for one in found:
        size = f"{one.size / 1_000_000:.1f} MB"
        progress = _progress(work.get(one.fingerprint))
        rows.add_row(
            *cells(one.name, _KINDS[one.kind], _STATES[one.state], progress, size, one.activated_at, one.fingerprint)
        )
    show(rows)


@encoder.command("use")
def use_command(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_DIR",
            help="shipped（自带）、库中的名称或指纹、编码器文件夹、模型文件夹或模型库名称（如 BAAI/bge-small-zh-v1.5）"
            " / shipped, a stored name or fingerprint, a folder, or the name of a hub model.",
            show_default=False,
        ),
    ],
    matryoshka: Annotated[
        bool,
        typer.Option(
            "--matryoshka", help="以截取前 256 维代替随机正交投影 / Keep the first 256 numbers instead of projecting."
        ),
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="在本命令内重算完毕，不等服务 / Encode stored appeals here and now.")
    ] = False,
    data: Data = None,
) -> None:
    """更换编码器：后台重算已存诉求的向量，算完自动切换 / Change the encoder; the present one serves until all is encoded."""
    from triage.casework import encoders as production
    from triage.store.access import EVERYWHERE, SYSTEM

    with opened(data) as store:
        _settle(store)
        fingerprint = _stored(store, wanted, matryoshka=matryoshka)
        with store.database.transaction(EVERYWHERE) as connection:
            job = production.use(connection, fingerprint, actor=SYSTEM, at=datetime.now(UTC))
        if job is None:
            typer.echo("已取消正在进行的更换，继续使用现用编码器")
            return
        if now:
            _work(store, job)
            return
    typer.echo(f"已登记：服务将在后台重算 {job.total} 件诉求的向量，完成后自动切换；进度见 triage encoder list")


def _stored(store: Store, wanted: str, *, matryoshka: bool) -> str:
    """Return the fingerprint of the encoder asked for, which is in the store then."""
    from models.encoder_folder import MANIFEST
    from triage.casework.encoders import add_folder
    from triage.second_opinion import shipped_encoder_path
    from triage.store import encoders
    from triage.store.access import EVERYWHERE, SYSTEM

    with store.database.transaction(EVERYWHERE) as connection:
        known = _named(encoders.listed(connection), wanted)
    if known is not None:
        return known
    folder = shipped_encoder_path() if wanted == SHIPPED else Path(wanted)
    if wanted != SHIPPED and not (folder / MANIFEST).is_file():
        folder = _exported_before(store, wanted) or _exported(store, wanted, matryoshka=matryoshka)
    with store.database.transaction(EVERYWHERE) as connection:
        return add_folder(connection, folder, actor=SYSTEM, at=datetime.now(UTC)).fingerprint


def _named(found: list[StoredEncoder], wanted: str) -> str | None:
    """Return the stored encoder of that name or fingerprint; of several with one name the latest."""
    return next((one.fingerprint for one in found if wanted in (one.name, one.fingerprint)), None)


def _exported_before(store: Store, wanted: str) -> Path | None:
    """Return where a model of the hub was exported to; one of a folder may have changed since and is exported anew."""
    from models.encoder_folder import MANIFEST, read_manifest

    if store.data is None or Path(wanted).exists():
        return None
    found = sorted((store.data / _PLACE).glob(f"*/{MANIFEST}"))
    return next((path.parent for path in found if read_manifest(path.parent).source.get("model") == wanted), None)


def _exported(store: Store, wanted: str, *, matryoshka: bool) -> Path:
    """Export a foreign model into the data folder; needs the training part."""
    from importlib.metadata import entry_points

    from triage.errors import InputError

    missing = InputError(
        f"{wanted} 不是已导出的编码器；导出其他模型需要训练组件，请安装后重试：pip install '{_TRAIN}'"
        "（也可在另一台机器上导出，再把编码器文件夹复制过来）"
    )
    try:
        (exporter,) = entry_points(group=_EXPORTERS)
        export = exporter.load()
    except (ValueError, ModuleNotFoundError) as error:
        raise missing from error
    if store.data is None:
        raise InputError("请用 --data 指定存放编码器的目录")
    done = export(wanted, store.data / _PLACE, matryoshka=matryoshka, progress=lambda words: typer.echo(f"{words} …"))
    parity = done.parity
    typer.echo(
        f"已导出到 {done.folder}（{done.weights}，与原模型余弦：平均 {parity['mean']:.4f}，最低 {parity['least']:.4f}）"
    )
    folder: Path = done.folder
    return folder


def _settle(store: Store) -> None:
    """Let a store that names no encoder yet begin with that of its models, so that there is one to change from."""
    from triage.store import encoders
    from triage.store.access import EVERYWHERE

    with store.database.transaction(EVERYWHERE) as connection:
        settled = any(one.state == "active" for one in encoders.in_use(connection))
    if not settled:
        _watched(store)


def _watched(store: Store) -> tuple[Desk, BundleWatcher]:
    from tempfile import gettempdir

    from triage.casework.bundle_watch import BundleLoader, BundleWatcher
    from triage.casework.desk import open_desk

    loader = BundleLoader(store.database, (store.data or Path(gettempdir())) / "cache" / "bundles")
    loaded = loader.present()
    desk = open_desk(store.database, loaded.active, secret=store.secret, words=loader.words)
    return desk, BundleWatcher(desk.current, loader, loaded.generation)


def _work(store: Store, job: Job) -> None:
    """Do the job here, with a line now and then."""
    from time import sleep

    from triage.casework import reencoding
    from triage.errors import TriageError

    desk, watcher = _watched(store)
    while job.finished_at is None:
        watcher.poll()
        before = job.done
        job = reencoding.run(desk, job.id)
        typer.echo(f"已重算 {job.done} / {job.total}")
        if job.finished_at is None and job.done == before:
            sleep(1.0)  # switched; other processes are given the time to follow
    if job.error:
        raise TriageError(job.error)
    watcher.poll()
    typer.echo(f"已启用新编码器，共重算 {job.done} 件")


def _progress(job: Job | None) -> str:
    if job is None:
        return ""
    if job.error:
        return f"失败：{job.error}"
    return "完成" if job.finished_at is not None else f"{job.done} / {job.total}"
