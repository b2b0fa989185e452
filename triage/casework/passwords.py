"""Passwords: what is accepted as one, and argon2id to store and compare them."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from triage.errors import InputError

LEAST = 10
"""Characters of a password; NIST SP 800-63B asks for at least 8."""
MOST = 200
_DIFFERENT = 5
_COMMON = frozenset(
    (
        *("1q2w3e4r5t", "1qaz2wsx3edc", "12345@12345", "a123456789", "abc1234567", "admin12345", "administrator"),
        *("letmein123", "passw0rd123", "password123", "qwertyuiop", "woaini1314", "zaq12wsxcde3"),
    )
)

# Every comparison takes 19 MiB for some 30 ms; without a limit a burst of log-ins would take the machine's memory.
_AT_ONCE = threading.BoundedSemaphore(4)


def check_password(password: str, *, name: str) -> None:
    """Refuse a password that is easy to guess.

    Args:
        password: As typed.
        name: The account's name, which must not be part of it.

    Raises:
        InputError: Names the rule, never the password.
    """
    if not LEAST <= len(password) <= MOST:
        raise InputError(f"口令应为 {LEAST} 至 {MOST} 个字符；可用一句自己记得住的话")
    if len(set(password)) < _DIFFERENT:
        raise InputError(f"口令中不同的字符不足 {_DIFFERENT} 个，请换一个")
    lowered = password.lower()
    if lowered in _COMMON or lowered.isdigit():
        raise InputError("口令过于常见或全是数字，请换一个")
    if name and name.lower() in lowered:
        raise InputError("口令不能包含用户名，请换一个")


def hash_password(password: str) -> str:
    """Return the argon2id hash, with salt and parameters in it."""
    with _AT_ONCE:
        return _hasher().hash(_bytes(password))


def password_matches(stored: str, password: str) -> bool:
    """Compare in about the same time whatever the answer."""
    with _AT_ONCE:
        try:
            return _hasher().verify(stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def waste_time(password: str) -> None:
    """Do the work of a comparison for a name that does not exist, so that the time does not tell."""
    password_matches(_nobody(), password)


def is_outdated(stored: str) -> bool:
    """Say whether a hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # whatever is typed can be compared


@cache
def _hasher() -> PasswordHasher:
    # OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane is its recommended minimum.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
