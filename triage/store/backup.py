"""Backups: one private file with the whole database and the key of its hashes, and the way back from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, text

from triage.store.embedded.binaries import program
from triage.store.errors import Conflict, StoreError
from triage.store.migrations.running import Level, check_known, owner_engine, read_level, script, upgrade
from triage.store.roles import conninfo

FORMAT = 1
_MANIFEST = "manifest.json"
_DUMP = "database.dump"
_MANIFEST_LIMIT = 1_000_000
_TABLES = text("""
    SELECT count(*) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """What a backup says of itself.

    Attributes:
        created_at: When it was made, UTC.
        level: Number of the last change of its tables.
        key: Key of its keyed hashes; None where it came from a server, whose key is in the environment.
    """

    created_at: datetime
    level: str
    key: str | None


def back_up(url: URL, target: Path, *, key: str | None) -> int:
    """Write a database into one file of mode 0600, whole or not at all; the service may go on meanwhile.

    The file is a tar of a manifest and a dump of PostgreSQL's custom format: texts, decisions, vectors, users, audit, queue.

    Args:
        url: Where the owner of the tables reaches the database.
        target: The file; an existing one is replaced when the new one is complete.
        key: Key of the keyed hashes, to go with it; None leaves it out.

    Returns:
        Size in bytes.

    Raises:
        MigrationNeeded: If the tables are newer than this program.
        StoreError: If the dump fails or the file cannot be written.
    """
    found = read_level(url)
    check_known(found)
    if found.current is None:
        raise StoreError("数据库中还没有数据表，没有可备份的内容")
    manifest = {"format": FORMAT, "created_at": datetime.now(UTC).isoformat(), "level": found.current, "key": key}
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
    except OSError as error:
        raise StoreError(f"无法写入 {target}：{error.strerror}；请换一个位置") from error
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, manifest, url)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        beside.replace(target)
    except OSError as error:
        raise StoreError(f"无法写入 {target}：{error.strerror}；请检查磁盘空间") from error
    finally:
        beside.unlink(missing_ok=True)
    return size


def read_manifest(source: Path) -> Backup:
    """Return what a backup says of itself.

    Raises:
        StoreError: If the file is no backup, or of a newer program.
    """
    with _opened(source) as (manifest, _):
        return manifest


def restore(url: URL, source: Path) -> Level:
    """Bring a backup into an empty database, whole or not at all, and up to the newest level.

    Args:
        url: Where the owner reaches the database, which has the extension vector and nothing else.
        source: A file of `back_up`.

    Raises:
        Conflict: If the database is not empty.
        MigrationNeeded: If the backup is of a newer program.
        StoreError: If the file is damaged or the database refuses it.
    """
    with _opened(source) as (manifest, dump):
        numbers = {change.revision for change in script().walk_revisions()}
        check_known(Level(current=manifest.level, newest=max(numbers), known=manifest.level in numbers))
        _check_empty(url)
        _load(dump, url)
    return upgrade(url)


def _write(file: IO[bytes], manifest: dict[str, Any], url: URL) -> None:
    """Write the tar; the dump's length is known only at its end, so its header is filled in afterwards."""
    facts = json.dumps(manifest).encode("ascii")
    file.write(_header(_MANIFEST, len(facts)) + facts + _padding(len(facts)))
    place = file.tell()
    file.write(_header(_DUMP, 0))
    _dump(file, url)
    length = file.tell() - place - tarfile.BLOCKSIZE
    file.write(_padding(length) + bytes(2 * tarfile.BLOCKSIZE))
    end = file.tell()
    file.seek(place)
    file.write(_header(_DUMP, length))
    file.seek(end)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
    return member.tobuf(tarfile.GNU_FORMAT)


def _padding(length: int) -> bytes:
    return bytes(-length % tarfile.BLOCKSIZE)


def _dump(file: IO[bytes], url: URL) -> None:
    command = [str(program("pg_dump")), "--format=custom", "--exclude-extension=vector", "--dbname", _address(url)]
    with tempfile.TemporaryFile() as said:
        # Through a pipe: pg_dump would write the places of its parts counted from the tar's beginning.
        with subprocess.Popen(command, env=_environment(url), stdout=subprocess.PIPE, stderr=said) as dumping:  # noqa: S603
            assert dumping.stdout is not None
            shutil.copyfileobj(dumping.stdout, file, 1 << 20)
        if dumping.returncode:
            raise StoreError(f"备份失败：{_complaint(said)}")


def _load(dump: IO[bytes], url: URL) -> None:
    """Play a dump in one transaction.

    Through psql, because something must be said first: functions carry settings of pgvector (``SET hnsw.…``), which an
    ordinary role may store only in a session that has loaded pgvector, and reading a vector loads it. The transaction is
    committed from here: at the end of a dump that breaks off, psql's own --single-transaction would commit the first part.
    """
    playing = [str(program("psql")), "--no-psqlrc", "--quiet", "--output=/dev/null"]
    playing += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--dbname", _address(url)]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(playing, env=_environment(url), stdin=subprocess.PIPE, stderr=said) as player:  # noqa: S603
            assert player.stdin is not None
            try:
                player.stdin.write(b"BEGIN;\nSELECT '[1]'::public.halfvec;\n")
                player.stdin.flush()
                whole = _unpack(dump, player.stdin, said)
                player.stdin.write(b"COMMIT;\n" if whole else b"ROLLBACK;\n")
                player.stdin.close()
            except BrokenPipeError:
                whole = False  # it gave up; its words say why
                player.kill()
            except BaseException:
                player.kill()
                raise
        if not whole or player.returncode:
            raise StoreError(f"恢复失败，数据库保持为空：{_complaint(said)}")


def _unpack(dump: IO[bytes], script: IO[bytes], said: IO[bytes]) -> bool:
    """Write a dump as a script; returns whether all of it could be read."""
    command = [str(program("pg_restore")), "--no-owner", "--file=-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=script, stderr=said) as reader:  # noqa: S603
        assert reader.stdin is not None
        try:
            with suppress(BrokenPipeError):  # it gave up; its exit status says so
                shutil.copyfileobj(dump, reader.stdin, 1 << 20)
                reader.stdin.close()
        except tarfile.ReadError:
            reader.kill()
    return reader.returncode == 0


def _complaint(said: IO[bytes]) -> str:
    """Return the first complaint; further lines can hold commands and values."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").splitlines()
    return next((line for line in lines if "error:" in line.lower()), "原因不明")[:300]


def _address(url: URL) -> str:
    return conninfo(url.set(password=None))


def _environment(url: URL) -> dict[str, str]:
    """Return an environment with the password: on the command line every user of the machine could read it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "PGPASSWORD": url.password or "", "LC_ALL": "C"}


@contextmanager
def _opened(source: Path) -> Iterator[tuple[Backup, IO[bytes]]]:
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(tarfile.open(source, "r:"))
            manifest = _parsed(_member(archive, _MANIFEST, limit=_MANIFEST_LIMIT).read())
            dump = _member(archive, _DUMP)
        except OSError as error:
            raise StoreError(f"无法读取 {source}：{error.strerror}；请检查路径和权限") from error
        except (tarfile.TarError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{source} 不是完整的备份文件；请换一个备份") from error
        yield manifest, dump


def _member(archive: tarfile.TarFile, name: str, *, limit: int | None = None) -> IO[bytes]:
    found = archive.getmember(name)
    data = archive.extractfile(found)
    if data is None or (limit is not None and found.size > limit):
        raise ValueError(name)
    return data


def _parsed(facts: bytes) -> Backup:
    manifest = json.loads(facts)
    if manifest["format"] != FORMAT:
        raise StoreError(f"备份文件的格式版本为 {manifest['format']}，本程序只认 {FORMAT}；请升级本程序")
    return Backup(
        created_at=datetime.fromisoformat(manifest["created_at"]), level=str(manifest["level"]), key=manifest["key"]
    )


def _check_empty(url: URL) -> None:
    with owner_engine(url) as engine, engine.connect() as connection:
        if connection.scalar(_TABLES):
            raise Conflict("目标数据库中已有数据表；只能恢复到空的数据目录或空库，请另指定一个")
