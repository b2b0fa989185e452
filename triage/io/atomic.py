"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from triage.errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "磁盘空间不足；请清理磁盘或换一个位置",
    errno.EDQUOT: "磁盘配额已满；请清理磁盘或换一个位置",
    errno.EFBIG: "超过允许的文件大小；请换一个位置，或分批处理",
    errno.EACCES: "没有写入权限；请换一个文件夹或调整权限",
    errno.EPERM: "没有写入权限；请换一个文件夹或调整权限",
    errno.EROFS: "所在磁盘是只读的；请换一个位置",
    errno.ENOENT: "所在文件夹不存在；请先建立文件夹",
    errno.ENOTDIR: "上级路径不是文件夹；请检查路径",
    errno.EISDIR: "路径是文件夹；请写明文件名",
    errno.ENAMETOOLONG: "文件名过长；请缩短",
    errno.ELOOP: "路径是循环的符号链接；请检查路径",
}
_BUFFER = 1 << 18


def output_error(path: Path, error: OSError) -> OutputError:
    """Return the error to raise for a failed write, with the remedy in Chinese."""
    remedy = _REMEDIES.get(error.errno or 0, f"{error.strerror or '写入失败'}；请检查磁盘和路径")
    return OutputError(f"无法写入 {path}：{remedy}")


class AtomicFile:
    """A binary file written as ``.<name>.part`` beside its target and renamed when complete.

    The part is locked, so two runs into one output are noticed at once, and a part left behind by a killed
    run is simply written over. While incomplete it is readable by its owner only.

    Attributes:
        path: The target, symbolic links followed.
        handle: Where to write; valid between `open` and `commit` or `abort`.
    """

    handle: BinaryIO

    def __init__(self, path: Path, *, mode: int | None = None) -> None:
        """Store the target.

        Args:
            path: The file to write.
            mode: Its permissions; by default those of the file it replaces, or else what the umask allows.
        """
        self.path = path
        self._mode = mode
        self._part: Path | None = None

    def open(self) -> BinaryIO:
        """Create and lock the part.

        Raises:
            OutputError: The place cannot be written to, or another run is writing there.
        """
        try:
            self.path = self.path.resolve()
            if self.path.exists() and not self.path.is_file():
                raise OutputError(f"无法写入 {self.path}：不是普通文件；请写明文件名")
            part = self.path.with_name(f".{self.path.name}.part")
            descriptor = _lock(part, self.path)
        except (OSError, RuntimeError) as error:
            raise output_error(self.path, error if isinstance(error, OSError) else _loop()) from error
        self._part = part
        self.handle = os.fdopen(descriptor, "wb", _BUFFER)
        return self.handle

    def commit(self) -> None:
        """Make the part the target; on failure the part is removed.

        Raises:
            OutputError: The disk is full, or the folder is gone.
        """
        if self._part is None:
            return
        try:
            self.handle.flush()
            os.fsync(self.handle.fileno())
            os.fchmod(self.handle.fileno(), self._permissions())
            self._part.replace(self.path)
        except OSError as error:
            self.abort()
            raise output_error(self.path, error) from error
        self._part = None
        self.handle.close()

    def abort(self) -> None:
        """Remove the part and leave the target as it was; safe to call twice."""
        if self._part is None:
            return
        with suppress(OSError):
            self._part.unlink()
        self._part = None
        with suppress(OSError):  # closing writes what is still buffered, which a full disk refuses again
            self.handle.close()

    def _permissions(self) -> int:
        if self._mode is not None:
            return self._mode
        with suppress(OSError):
            return stat.S_IMODE(self.path.stat().st_mode)
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _loop() -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _lock(part: Path, target: Path) -> int:
    """Open the part, alone; a part renamed by its owner between opening and locking is let go and opened anew."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _claim(descriptor, target)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), part.stat()):
                    os.ftruncate(descriptor, 0)
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _claim(descriptor: int, target: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"另一个程序正在写 {target}；请等它结束，或换一个输出文件") from error
