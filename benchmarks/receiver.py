"""A receiver of messages that can be down, slow, broken or rude; for tests and for `benchmarks.kill`."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_OK = b'{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}'

Answering = Callable[[socket.socket, "Received"], None]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: path with query, headers by lower-case name, body."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """A plain answer."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def refuses(self) -> bool:
        """Whether it says that the request was not carried out."""
        return self.status in (429, 503)

    def __call__(self, line: socket.socket, _request: Received) -> None:
        """Answer."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"HTTP/1.1 {self.status} Said\r\n{lines}Content-Length: {len(self.body)}\r\n\r\n"
        line.sendall(head.encode() + self.body)


def answer(status: int, body: bytes = _OK, **headers: str) -> Answering:
    """Answer with a status; ``Retry_After="7"`` becomes a header."""
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def robot_code(code: int) -> Answering:
    """Answer 200 as robots do, with a code in the body."""
    return answer(200, json.dumps({"errcode": code, "code": code, "errmsg": "said", "msg": "said"}).encode())


def silent(seconds: float) -> Answering:
    """Take the request and say nothing."""

    def act(_line: socket.socket, _request: Received) -> None:
        time.sleep(seconds)

    return act


def dripping(line: socket.socket, _request: Received) -> None:
    """Answer one byte at a time, each in time, all together never."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 1_000:
            line.sendall(bytes([byte]))
            time.sleep(0.05)


def huge(line: socket.socket, _request: Received) -> None:
    """Answer 200 and then a gigabyte, unless somebody hangs up."""
    with suppress(OSError):
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(1 << 10):
            line.sendall(b"x" * (1 << 20))


def hanging_up(_line: socket.socket, _request: Received) -> None:
    """Take the request and close the connection."""


@dataclass(slots=True)
class Receiver:
    """Listens on the loopback interface and keeps what arrives.

    Attributes:
        port: Where; 0: any free one.
        act: What it does with a request.
        received: Everything that arrived, in order.
        taken: Of it what was not refused in so many words.
    """

    port: int = 0
    act: Answering = field(default_factory=lambda: answer(200))
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    _listening: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def up(self) -> None:
        """Listen, on the same port as before."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(64)
        self.port = listening.getsockname()[1]
        self._listening = listening
        threading.Thread(target=self._listen, args=(listening,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def _listen(self, listening: socket.socket) -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            line.settimeout(30)
            with suppress(OSError, ValueError):
                request = _read(line)
                act = self.act
                with self._lock:
                    self.received.append(request)
                    if not (isinstance(act, Reply) and act.refuses):
                        self.taken.append(request)
                act(line, request)


@contextmanager
def receiving(act: Answering | None = None) -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()
    if act is not None:
        receiver.act = act
    receiver.up()
    try:
        yield receiver
    finally:
        receiver.down()


def _read(line: socket.socket) -> Received:
    read = b""
    while b"\r\n\r\n" not in read:
        piece = line.recv(65_536)
        if not piece:
            raise ValueError
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65_536)
    return Received(first.split(" ")[1], headers, body)
