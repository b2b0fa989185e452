"""One HTTP POST: no redirects, no proxies, no cookies, an answer of limited size and within a limited time."""

from __future__ import annotations

import io
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

from triage.notify.guard import Deadline, Guard
from triage.notify.rules import HTTP, HTTPS

ANSWER_BYTES = 64 * 1024
"""Read of an answer at most; what follows is left unread."""
AGENT = "citizen-appeal-triage"


class NoAnswer(Exception):  # noqa: N818 - reads as what happened
    """The request was handed over and no usable answer came; it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answered.

    Attributes:
        status: HTTP status.
        body: At most `ANSWER_BYTES`.
        retry_after: Seconds that it asked to wait; 0 if it did not.
    """

    status: int
    body: bytes
    retry_after: float = 0.0

    def json(self) -> Mapping[str, Any]:
        """Return the body as a JSON object; empty if it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def post(
    guard: Guard, url: str, body: bytes, headers: Mapping[str, str], *, tls: ssl.SSLContext, whole: bool = False
) -> Answer:
    """Send a request and read its answer.

    Args:
        guard: Opens the connection.
        url: An address that `triage.notify.addresses` has checked.
        body: JSON.
        headers: Beside those of HTTP itself.
        tls: For https.
        whole: Whether the body of the answer matters; otherwise its status is enough.

    Raises:
        Blocked: The rules do not allow it; nothing was sent.
        Unreachable: There is no connection; nothing was sent.
        NoAnswer: Something was sent and no answer came in time.
    """
    parts = urlsplit(url)
    encrypted = parts.scheme == "https"
    host, port = str(parts.hostname), parts.port or (HTTPS if encrypted else HTTP)
    deadline = Deadline.after(guard.seconds)
    with guard.connect(host, port, tls=tls if encrypted else None, deadline=deadline) as line:
        try:
            line.settimeout(deadline.left())
            line.sendall(_head(parts, headers, len(body)) + body)
            return _parsed(_read(line, deadline, whole=whole))
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer from error


def _head(parts: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    fixed = {"Host": host, "User-Agent": AGENT, "Content-Type": "application/json; charset=utf-8"}
    lines = {**fixed, **headers, "Content-Length": str(length), "Connection": "close", "Accept": "application/json"}
    return (f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode("ascii")


def _read(line: socket.socket, deadline: Deadline, *, whole: bool) -> bytes:
    """Read until the answer is there, the limit is reached or the receiver ends; the time is that of the deadline."""
    read = b""
    while len(read) < ANSWER_BYTES:
        line.settimeout(deadline.left())
        piece = line.recv(16_384)
        read += piece
        if not piece or _is_complete(read, whole=whole):
            break
    return read[:ANSWER_BYTES]


def _is_complete(read: bytes, *, whole: bool) -> bool:
    head, end, body = read.partition(b"\r\n\r\n")
    if not end or head.startswith(b"HTTP/1.1 1"):  # 100 Continue goes before the real answer
        return False
    if not whole:
        return True
    for row in head.split(b"\r\n")[1:]:
        name, _, value = row.partition(b":")
        if name.strip().lower() == b"content-length":
            return value.strip().isdigit() and len(body) >= int(value)
        if name.strip().lower() == b"transfer-encoding":
            return body.endswith(b"0\r\n\r\n")
    return False


class _Read:
    """What was read, in the shape that the standard library's parser wants a socket in."""

    def __init__(self, read: bytes) -> None:
        self._read = read

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._read)


def _parsed(read: bytes) -> Answer:
    """Parse an answer, which may be cut off.

    Raises:
        HTTPException: It is none.
    """
    response = HTTPResponse(_Read(read))  # type: ignore[arg-type]
    response.begin()
    try:
        body = response.read(ANSWER_BYTES)
    except (HTTPException, ValueError):
        body = b""
    wait = (response.getheader("Retry-After") or "").strip()
    return Answer(response.status, body, float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0.0)
