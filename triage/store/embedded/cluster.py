"""The database's files: made whole or not at all, configured anew at every start, refused when they are not ours to open."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from triage.store.embedded.accounts import Account
from triage.store.embedded.binaries import MAJOR, program
from triage.store.embedded.configuration import ACCESS, render
from triage.store.embedded.folder import DataFolder, write_private
from triage.store.embedded.process import environment, launcher
from triage.store.errors import StoreError
from triage.store.roles import SUPERUSER

_HALF_MADE = "pg.new-"
_INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")


def prepare(
    folder: DataFolder, *, password: str, account: Account | None, settings: Mapping[str, str], port: int | None
) -> None:
    """Bring the files into a state from which a server can start.

    Args:
        folder: The data folder, locked by the caller.
        password: The superuser's, for a new database.
        account: Whom the files must belong to; None: the caller.
        settings: Settings of PostgreSQL over the defaults.
        port: TCP port on 127.0.0.1; None: the socket only.

    Raises:
        StoreError: If the files are damaged or of another version, or cannot be made.
    """
    for half_made in folder.root.glob(f"{_HALF_MADE}*"):
        shutil.rmtree(half_made, ignore_errors=True)  # an initdb whose service was killed may still be writing into it
    if not folder.cluster.exists():
        _initialise(folder, password=password, account=account, durable=settings.get("fsync") != "off")
    _check_version(folder.cluster)
    if account is not None:
        _give(folder.cluster, account)
    _configure(folder, account=account, settings=settings, port=port)


def _initialise(folder: DataFolder, *, password: str, account: Account | None, durable: bool) -> None:
    """Make a database beside its place and rename it: a crash in between leaves nothing that looks finished."""
    new = Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=folder.root))
    passing = folder.root / ".password"
    if account is not None:
        os.chown(new, account.user, account.group)
    write_private(passing, f"{password}\n", owner=account.ids if account else None)
    command = [str(program("initdb")), "-D", str(new), "-U", SUPERUSER, "--pwfile", str(passing), *_INITDB]
    if not durable:
        command.append("--no-sync")
    try:
        made = subprocess.run(  # noqa: S603
            launcher(command, account=account), env=environment(), cwd="/", capture_output=True, check=False
        )
    finally:
        passing.unlink()
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        words = made.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StoreError(
            f"无法在 {folder.root} 建立数据库：{words[-1] if words else '原因不明'}；请检查磁盘空间和目录权限"
        )
    new.rename(folder.cluster)
    _sync(folder.root)


def _configure(folder: DataFolder, *, account: Account | None, settings: Mapping[str, str], port: int | None) -> None:
    on_tcp = {} if port is None else {"listen_addresses": "'127.0.0.1'", "port": str(port)}
    own = folder.root / "postgresql.conf"
    lines = own.read_text(encoding="utf-8") if own.exists() else ""
    owner = account.ids if account else None
    write_private(folder.cluster / "postgresql.conf", render({**settings, **on_tcp}, lines), owner=owner)
    write_private(folder.cluster / "pg_hba.conf", ACCESS, owner=owner)


def _check_version(cluster: Path) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{cluster} 不是完整的数据库目录（缺 PG_VERSION）；请把它移到别处，再运行 triage db restore 从备份恢复"
        ) from error
    if version != str(MAJOR):
        raise StoreError(
            f"{cluster} 由 PostgreSQL {version[:20]} 写成，本程序自带的是 {MAJOR}；"
            "请用原来的程序版本运行 triage db backup，再用本版本 triage db restore 到新的数据目录"
        )


def _give(cluster: Path, account: Account) -> None:
    """Make the files belong to whom the server runs as: a folder that root copied or unpacked would not start otherwise."""
    if all(path.lstat().st_uid == account.user for path in (cluster, *cluster.iterdir())):
        return
    for folder, _, files in os.walk(cluster):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            os.chown(path, account.user, account.group, follow_symlinks=False)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
