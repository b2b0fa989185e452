"""The data folder: what lies where, whose it is, and its secrets."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from triage.store.errors import Locked, StoreError

_SOCKET_LIMIT = 103
"""Bytes that the path of a Unix socket may have: 108 on Linux with its end mark, less room for a five-digit port."""

_SECRETS = "secrets.json"
_HARMLESS = {"lock", "lost+found", "postgresql.conf", "delivery.key", f".{_SECRETS}.new"}
"""What may lie in a folder that is about to become a data folder."""

_GLANCES, _GLANCE_SECONDS = 4, 0.02

_LONGEST = "/pg/.s.PGSQL.65535"


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """Passwords of the embedded database and the key of keyed hashes; all random, none ever printed."""

    superuser: str
    owner: str
    app: str
    key: str

    def __repr__(self) -> str:
        return "Secrets(…)"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One data folder.

    Attributes:
        root: Its absolute path.
    """

    root: Path

    @classmethod
    def at(cls, path: Path) -> DataFolder:
        """Return the folder at a path, made with mode 0700 if there is none.

        Raises:
            StoreError: If the path is too long for a socket, or no folder, or cannot be made.
        """
        root = path.expanduser().resolve()
        length = len(os.fsencode(f"{root}{_LONGEST}"))
        if length > _SOCKET_LIMIT:
            raise StoreError(
                f"数据目录的路径过长：{root}（数据库套接字路径共 {length} 字节，上限 {_SOCKET_LIMIT}）；"
                "请改用较短的路径，例如 /var/lib/triage"
            )
        try:
            if not root.exists():
                root.mkdir(mode=0o700, parents=True)
            if not os.access(root, os.R_OK | os.W_OK | os.X_OK) or not root.is_dir():
                raise StoreError(f"数据目录 {root} 不是可读写的目录；请换一个目录，或改正其属主和权限")
            _check_ours(root)
        except OSError as error:
            raise StoreError(f"无法建立数据目录 {root}：{error.strerror}；请换一个目录") from error
        return cls(root)

    @property
    def cluster(self) -> Path:
        """Where PostgreSQL keeps its files and its socket."""
        return self.root / "pg"

    @property
    def logs(self) -> Path:
        """Where PostgreSQL writes its log."""
        return self.cluster / "log"

    def lock(self) -> int:
        """Take the folder for this process until the returned descriptor is closed.

        Raises:
            Locked: If another service has it.
        """
        descriptor = self._open_private("lock")
        for _ in range(_GLANCES):  # somebody who only looks (`is_held`) holds it for an instant
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_GLANCE_SECONDS)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            words = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise Locked(
                f"数据目录 {self.root} 正被另一个服务使用（进程号 {words or '不明'}）；请先停止它，或改用别的数据目录",
                holder=int(words) if words.isdigit() else None,
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return descriptor

    def is_held(self) -> bool:
        """Say whether a service has the folder; the folder stays as it is, also for one that starts at this moment."""
        try:
            descriptor = os.open(self.root / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def read_secrets(self) -> Secrets:
        """Return the secrets.

        Raises:
            StoreError: If the file is missing or damaged.
        """
        path = self.root / _SECRETS
        try:
            return Secrets(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise StoreError(f"{path} 不存在，数据库的密码在其中；请从备份取回该文件") from error
        except (ValueError, TypeError, OSError) as error:
            raise StoreError(f"{path} 无法读取或已损坏；请从备份取回该文件，属主为运行服务的用户，权限 0600") from error

    def ensure_secrets(self) -> Secrets:
        """Return the secrets, drawn at random the first time.

        Raises:
            StoreError: If the database exists and its secrets do not.
        """
        path = self.root / _SECRETS
        if not path.exists() and not self.cluster.exists():
            drawn = Secrets(**{name: secrets.token_urlsafe(32) for name in Secrets.__dataclass_fields__})
            write_private(path, json.dumps(asdict(drawn), indent=1), owner=self._owner())
        return self.read_secrets()

    def replace_key(self, key: str) -> None:
        """Store the key of another store, whose backup is being restored here."""
        write_private(
            self.root / _SECRETS,
            json.dumps(asdict(replace(self.read_secrets(), key=key)), indent=1),
            owner=self._owner(),
        )

    def open_private(self, name: str) -> BinaryIO:
        """Open a file of the folder, emptied, for writing; mode 0600."""
        descriptor = self._open_private(name)
        os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "wb")

    def _open_private(self, name: str) -> int:
        """Open a file of the folder, made with mode 0600; what root makes in a user's folder belongs to that user."""
        descriptor = os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        owner = self._owner()
        if owner is not None:
            os.fchown(descriptor, *owner)
        return descriptor

    def _owner(self) -> tuple[int, int] | None:
        found = self.root.stat()
        return (found.st_uid, found.st_gid) if os.geteuid() == 0 and found.st_uid else None


def holds_store(path: Path) -> bool:
    """Say whether there is a data folder with a store in it; nothing is made."""
    return path.expanduser().joinpath(_SECRETS).exists()


def _check_ours(root: Path) -> None:
    """Refuse a folder that holds other things: a slip such as ``--data /srv`` must not change that folder's mode.

    Raises:
        StoreError: If it is neither empty nor a data folder.
    """
    found = {entry.name for entry in root.iterdir()} - _HARMLESS
    if found and _SECRETS not in found:
        raise StoreError(f"目录 {root} 中已有其他文件，不是数据目录；请指定空目录或原来的数据目录")


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file of mode 0600 whole or not at all, and onto the disk.

    Args:
        path: Where.
        text: What.
        owner: User and group id of the file; None: the caller's.
    """
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        os.fsync(file.fileno())
    beside.replace(path)
