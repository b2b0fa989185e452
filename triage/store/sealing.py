"""Encrypts what must not lie in the database or in a backup in clear: addresses and secrets of receivers.

The key is never in the database. Beside an embedded database it is the file ``delivery.key`` of the data folder, which no
backup holds; with a server of the city's own it is derived from ``TRIAGE_SECRET``. Who has the backup but not the key
reads nothing; who restores without the key types the addresses in again.

The cipher is AES-256-GCM (NIST SP 800-38D) of the package cryptography, with a fresh random nonce each time: a few hundred
bytes a day under one key are far from the 2³² messages for which such nonces serve.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from triage.store.errors import StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "delivery.key"
KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE = 12
_UNREADABLE = f"接收方的地址和密钥无法解密（{KEY_FILE} 或 TRIAGE_SECRET 与写入时不同）；请重新填写该接收方"


class SealError(StoreError):
    """What was sealed cannot be opened with this key, or was changed."""


class Seal:
    """Seals and opens short byte strings.

    Args:
        key: `KEY_BYTES` random bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes; give {KEY_BYTES}")
        self._key = key[:KEY_BYTES]

    def __repr__(self) -> str:
        return "Seal(…)"

    def close(self, plain: bytes, *, about: bytes) -> bytes:
        """Return ``plain`` encrypted; it opens only with the same ``about``, e.g. the id of the row it belongs to."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher().encrypt(nonce, plain, about)

    def open(self, sealed: bytes, *, about: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SealError: The key is another one, or a byte was changed.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only who has receivers loads it

        start = len(_VERSION) + _NONCE
        if not sealed.startswith(_VERSION):
            raise SealError(_UNREADABLE)
        try:
            return self._cipher().decrypt(sealed[len(_VERSION) : start], sealed[start:], about)
        except (InvalidTag, ValueError) as error:
            raise SealError(_UNREADABLE) from error

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        return AESGCM(self._key)


def derived_key(secret: bytes) -> bytes:
    """Return the key of a store whose secret is kept outside of it."""
    return hmac.digest(secret, b"sealing of receivers", hashlib.sha256)


def key_in(folder: Path) -> bytes:
    """Return the key of a data folder, drawn at random the first time; two processes at once end with one key.

    Raises:
        StoreError: The file cannot be made or read, or is damaged.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _draw(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} 无法读取或已损坏；请恢复该文件，或移走它后重新填写各接收方的地址和密钥") from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} 已损坏；请恢复该文件，或移走它后重新填写各接收方的地址和密钥")
    return key


def _draw(path: Path) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            owner = path.parent.stat()
            if os.geteuid() == 0 and owner.st_uid:
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(file.fileno())
        try:
            os.link(beside, path)  # unlike a rename, it does not take the place of a key that came first
        except FileExistsError:
            return
    finally:
        beside.unlink()
