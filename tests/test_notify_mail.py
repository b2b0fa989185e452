"""Mail leaves over TLS to a server whose certificate fits, and the end of each attempt is known."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from triage.notify import EmailAddress, Guard, NetworkRules, Outcome, Sent, Telling
from triage.notify.mail import send_mail

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
TELLING = Telling(
    id=UUID("0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11"), topic="alert.raised", key="k", payload={"level": 3}, at=NOW
)
HOST = "mail.city.gov.cn"


@dataclass(slots=True)
class MailServer:
    """Speaks as much SMTP as is asked of it.

    Attributes:
        context: Its certificate.
        implicit: Whether TLS begins with the first byte.
        replies: Command → reply that differs from 250; ``BODY`` answers the mail itself, empty hangs up.
    """

    context: ssl.SSLContext
    implicit: bool = True
    offers_tls: bool = True
    replies: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    mail: bytes = b""
    port: int = 0

    def serve(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = listening.accept()
                with suppress(OSError), line:
                    line.settimeout(10)
                    if self.implicit:
                        with self.context.wrap_socket(line, server_side=True) as safe:
                            self._talk(safe)
                    else:
                        self._talk(line)

    def _talk(self, line: socket.socket, *, greet: bool = True) -> None:
        if greet:
            self._say(line, self.replies.get("HELLO", "220 ready"))
        with line.makefile("rb") as file:
            self._listen(line, file)

    def _listen(self, line: socket.socket, file: BinaryIO) -> None:
        while said := file.readline():
            command = said.split(b" ")[0].strip().decode().upper()
            self.heard.append(said.decode().strip())
            if command == "STARTTLS":
                self._say(line, "220 go on")
                with self.context.wrap_socket(line, server_side=True) as safe:
                    self._talk(safe, greet=False)
                return
            if command == "DATA":
                self._say(line, self.replies.get("DATA", "354 go on"))
                if not self.replies.get("DATA"):
                    self._take_mail(line, file)
            elif command == "EHLO":
                tls = "" if self.implicit or not self.offers_tls else "250-STARTTLS\r\n"
                self._say(line, f"250-{HOST}\r\n{tls}250 AUTH PLAIN")
            else:
                self._say(line, self.replies.get(command, "235 welcome" if command == "AUTH" else "250 fine"))

    def _take_mail(self, line: socket.socket, file: BinaryIO) -> None:
        rows = []
        while (row := file.readline()) not in (b".\r\n", b""):
            rows.append(row)
        self.mail = b"".join(rows)
        if "BODY" in self.replies and not self.replies["BODY"]:
            raise OSError
        self._say(line, self.replies.get("BODY", "250 taken"))

    @staticmethod
    def _say(line: socket.socket, words: str) -> None:
        line.sendall(words.encode() + b"\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the mail server with its key, its own authority."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed; it makes the certificate of this test")
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "both.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    made.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return made


@contextmanager
def serving(certificate: Path, **more: object) -> Iterator[MailServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = MailServer(context, **more)  # type: ignore[arg-type]
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server.port = listening.getsockname()[1]
    threading.Thread(target=server.serve, args=(listening,), daemon=True).start()
    try:
        yield server
    finally:
        listening.close()


def mailed(server: MailServer, certificate: Path, *, host: str = HOST, seconds: float = 10.0, user: str = "") -> Sent:
    rules = NetworkRules(hosts=frozenset({f"{host}:{server.port}"}), networks=(ipaddress.ip_network("127.0.0.0/8"),))
    address = EmailAddress(
        server=host,
        port=server.port,
        security="tls" if server.implicit else "starttls",
        sender="triage@city.gov.cn",
        to=("duty@city.gov.cn", "lead@city.gov.cn"),
        user=user,
        password="geheim" if user else "",
    )
    context = ssl.create_default_context(cafile=str(certificate))
    guard = Guard(rules=rules, resolve=lambda _host, _port: ["127.0.0.1"], seconds=3)
    return send_mail(guard, address, TELLING, tls=context, now=NOW, seconds=seconds)


@pytest.mark.parametrize("implicit", [True, False])
def test_a_mail_arrives_over_tls(certificate: Path, implicit: bool) -> None:
    with serving(certificate, implicit=implicit) as server:
        assert mailed(server, certificate, user="triage") == Sent(Outcome.DELIVERED)
    heard = {said.partition(" size=")[0].lower() for said in server.heard}
    assert {"mail from:<triage@city.gov.cn>", "rcpt to:<duty@city.gov.cn>", "rcpt to:<lead@city.gov.cn>"} <= heard
    assert b"Message-ID: <0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11@city.gov.cn>" in server.mail
    assert server.heard[0] == "ehlo city.gov.cn"


def test_nothing_is_said_to_a_server_that_offers_no_tls(certificate: Path) -> None:
    with serving(certificate, implicit=False, offers_tls=False) as server:
        sent = mailed(server, certificate, user="triage")
    assert sent.outcome is Outcome.UNREACHED
    assert not any(said.upper().startswith(("AUTH", "MAIL")) for said in server.heard)


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_of_another_name_is_not_believed(certificate: Path, implicit: bool) -> None:
    with serving(certificate, implicit=implicit) as server:
        sent = mailed(server, certificate, host="other.city.gov.cn", user="triage")
    assert sent.outcome is Outcome.UNREACHED
    assert not any(said.upper().startswith(("AUTH", "MAIL")) for said in server.heard)


@pytest.mark.parametrize(
    ("replies", "outcome", "reason"),
    [
        ({"HELLO": "554 no"}, Outcome.UNREACHED, "代码 554"),
        ({"AUTH": "535 wrong"}, Outcome.UNREACHED, "拒绝登录（代码 535）"),
        ({"MAIL": "451 later"}, Outcome.UNREACHED, "代码 451"),
        ({"RCPT": "450 greylisted"}, Outcome.UNREACHED, "代码 450"),
        ({"RCPT": "550 unknown duty@city.gov.cn"}, Outcome.REFUSED, "收件邮箱均被"),
        ({"DATA": "554 no"}, Outcome.REFUSED, "代码 554"),
        ({"BODY": "552 too large"}, Outcome.REFUSED, "代码 552"),
        ({"BODY": "451 later"}, Outcome.UNREACHED, "代码 451"),
        ({"BODY": ""}, Outcome.UNKNOWN, "没有答复"),
    ],
)
def test_what_a_mail_server_answers_is_understood(
    certificate: Path, replies: dict[str, str], outcome: Outcome, reason: str
) -> None:
    with serving(certificate, replies=replies) as server:
        sent = mailed(server, certificate, user="triage")
    assert sent.outcome is outcome
    assert reason in sent.reason
    assert "@" not in sent.reason


def test_a_server_that_talks_without_end_is_left_after_our_time(certificate: Path) -> None:
    with serving(certificate, replies={"HELLO": "220-and\r\n" * 200_000}) as server:
        begun = time.monotonic()
        sent = mailed(server, certificate, seconds=1)
    assert sent.outcome is Outcome.UNREACHED
    assert time.monotonic() - begun < 5
