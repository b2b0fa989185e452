"""Unpacks an uploaded bundle: zip or tar from anybody, so nothing in it is believed.

Sizes are counted while reading, not taken from headers; a path, link, device or odd name ends it; a bundle is flat, so
there is at most one folder around the files.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from models.bundle import MANIFEST
from triage.errors import BundleError

MAX_PACKED = 512 << 20
"""Bytes of an archive."""
MAX_UNPACKED = 1 << 30
"""Bytes of all files in it."""
MAX_ENTRIES = 64
MAX_RATIO = 200
"""Unpacked to packed bytes; weights hardly shrink, a zip bomb shrinks a thousandfold."""

_MAX_HEADER = 64 << 10
"""Bytes of one extended header of a tar (long names, times); the library reads a header as a whole into memory."""
_SPARSE = "模型压缩包中有稀疏文件，已拒绝；请用普通方式打包"
"""The list of a sparse file's pieces has no bound and is read into memory as a whole."""
_END_OF_ZIP, _ZIP64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES = 22

_SUFFIXES = (".safetensors", ".json", ".md", ".onnx", ".png")
_CHUNK = 1 << 20


def receive(stream: BinaryIO, path: Path) -> int:
    """Write an uploaded stream to a file and return its length in bytes.

    Raises:
        BundleError: It is empty or longer than `MAX_PACKED`.
    """
    written = 0
    with path.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > MAX_PACKED:
                raise BundleError(f"模型压缩包超过 {MAX_PACKED >> 20} MB，请确认是否选错文件")
            file.write(chunk)
    if not written:
        raise BundleError("模型压缩包是空的，请重新上传")
    return written


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into an existing, empty folder.

    Raises:
        BundleError: It is no zip or tar archive, is damaged, or holds anything that a bundle has no use for.
    """
    budget = _Budget(archive.stat().st_size)
    try:
        with _entries(archive) as entries:
            for count, (name, source) in enumerate(entries, 1):
                if count > MAX_ENTRIES:
                    raise BundleError(f"模型压缩包中的文件多于 {MAX_ENTRIES} 个，请只打包模型文件夹")
                _write(source, folder / _plain_name(name), budget)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise BundleError("模型压缩包已损坏或加密，请重新打包上传") from error
    if not (folder / MANIFEST).is_file():
        raise BundleError(f"模型压缩包中没有 {MANIFEST}，请打包整个模型文件夹")


class _Budget:
    """Counts what was unpacked."""

    def __init__(self, packed: int) -> None:
        self._left = min(MAX_UNPACKED, max(packed * MAX_RATIO, _CHUNK))

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BundleError(f"模型压缩包解开后过大（上限 {MAX_UNPACKED >> 20} MB），疑似压缩炸弹，已拒绝")


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    if zipfile.is_zipfile(archive):
        _check_zip(archive)
        with zipfile.ZipFile(archive) as packed:
            yield _zip_entries(packed)
    else:
        with _open_tar(archive) as packed_tar:
            yield _tar_entries(packed_tar)


def _open_tar(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive, tarinfo=_Member)
    except tarfile.ReadError as error:
        raise BundleError("无法识别的压缩格式，请上传 zip、tar 或 tar.gz") from error


class _Member(tarfile.TarInfo):
    """A tar entry that is refused before an overlong extended header of it is read."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        # tarfile names this method as the one for subclasses; without it a header of gigabytes of zeros would be read.
        if not (self.isreg() or self.isdir()) and self.size > _MAX_HEADER:
            raise BundleError("模型压缩包的文件头过长，已拒绝；请重新打包")
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise BundleError(_SPARSE)
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member

    def _proc_gnusparse_10(self, *_unused: object) -> None:
        raise BundleError(_SPARSE)


def _check_zip(archive: Path) -> None:
    """Refuse a zip whose list of files is long, before the library reads that list into memory.

    Raises:
        BundleError: It has too many files, or is in the format for larger archives than any bundle.
    """
    with archive.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - (1 << 16) - _END_BYTES - 20))
        tail = file.read()
    at = len(tail) - _END_BYTES
    if tail[at : at + 4] != _END_OF_ZIP:
        at = tail.rfind(_END_OF_ZIP)
    end = tail[at : at + _END_BYTES]
    many = len(end) < _END_BYTES or int.from_bytes(end[10:12], "little") > 2 * MAX_ENTRIES
    long = int.from_bytes(end[12:16], "little") > _MAX_HEADER
    if many or long or tail[max(0, at - 20) : at][:4] == _ZIP64:
        raise BundleError(f"模型压缩包中的文件多于 {MAX_ENTRIES} 个或为 zip64 格式，请只打包模型文件夹")


def _zip_entries(packed: zipfile.ZipFile) -> Iterator[tuple[str, IO[bytes]]]:
    for info in packed.infolist():
        if info.is_dir():
            continue
        kind = info.external_attr >> 28
        if kind not in (0, 8):  # the upper bits are the Unix mode; 8 is a regular file, 10 a symbolic link
            raise BundleError("模型压缩包中有链接或特殊文件，已拒绝；请只打包普通文件")
        with packed.open(info) as source:
            yield info.filename, source


def _tar_entries(packed: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for info in packed:
        if info.isdir():
            continue
        source = packed.extractfile(info) if info.isreg() else None
        if source is None:
            raise BundleError("模型压缩包中有链接或特殊文件，已拒绝；请只打包普通文件")
        yield info.name, source


def _plain_name(name: str) -> str:
    """Return the file's own name.

    Raises:
        BundleError: The path leads elsewhere, is nested, or the name is not one of a bundle's.
    """
    parts = name.replace("\\", "/").removeprefix("./").split("/")
    if len(parts) > 2 or any(part in ("", ".", "..") or ":" in part for part in parts):
        raise BundleError("模型压缩包中有越出文件夹或嵌套过深的路径，已拒绝；请打包单个模型文件夹")
    own = parts[-1]
    if own.startswith(".") or not own.endswith(_SUFFIXES) or not own.isascii() or not own.isprintable():
        raise BundleError("模型压缩包中有不属于模型的文件，请只打包模型文件夹里的文件")
    return own


def _write(source: IO[bytes], path: Path, budget: _Budget) -> None:
    if path.exists():
        raise BundleError("模型压缩包中有重名文件，请重新打包")
    with path.open("wb") as file:
        while chunk := source.read(_CHUNK):
            budget.take(len(chunk))
            file.write(chunk)


def pack(folder: Path, names: Iterable[str], archive: Path) -> None:
    """Pack the named files of a verified bundle the same way every time: same bytes, so that their hash names it."""
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as packed:
        for name in sorted(names):
            path = folder / name
            info = tarfile.TarInfo(name)
            info.size = path.stat().st_size
            info.mode = 0o644
            with path.open("rb") as file:
                packed.addfile(info, file)


def remove(folder: Path) -> None:
    """Remove a folder that may not be there."""
    shutil.rmtree(folder, ignore_errors=True)
