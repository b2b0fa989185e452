"""E-mail, over TLS only."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from triage.notify.addresses import EmailAddress
from triage.notify.guard import Blocked, Deadline, Guard, Unreachable
from triage.notify.messages import Telling, as_lines
from triage.notify.outcome import Outcome, Sent

PACE = 1.0
"""Seconds between two messages."""
SECONDS = 30.0
"""For one message from the connection to the server's last word; mail servers look senders up and take their time."""

_FOOTER = "本邮件由诉求智能分拨系统自动发送，请登录系统查看并处理，请勿回复。"


def mail_of(address: EmailAddress, telling: Telling, *, now: datetime) -> EmailMessage:
    """Return the mail; its Message-ID is the same whenever it is repeated."""
    notice, domain = telling.notice(), address.sender.rpartition("@")[2]
    found = EmailMessage()
    found["Subject"] = f"【诉求分拨】{notice.title}"
    found["From"] = address.sender
    found["To"] = ", ".join(address.to)
    found["Date"] = format_datetime(now)
    found["Message-ID"] = f"<{telling.id}@{domain}>"
    found["Auto-Submitted"] = "auto-generated"
    found.set_content("\n".join([*as_lines(notice), "", _FOOTER]) + "\n")
    return found


def send_mail(
    guard: Guard,
    address: EmailAddress,
    telling: Telling,
    *,
    tls: ssl.SSLContext,
    now: datetime,
    seconds: float = SECONDS,
) -> Sent:
    """Send a mail and say how it ended."""
    session = _Session(guard, address, tls, seconds)
    timer = threading.Timer(seconds, session.hang_up)
    timer.daemon = True
    timer.start()
    try:
        return session.deliver(mail_of(address, telling, now=now))
    finally:
        timer.cancel()
        session.close()


class _Session(smtplib.SMTP):
    """A conversation with a mail server over a connection of the guard's.

    smtplib limits the time of each answer but not their number; so `hang_up` is called from outside when time is over.
    """

    def __init__(self, guard: Guard, address: EmailAddress, tls: ssl.SSLContext, seconds: float) -> None:
        self._guard, self._address, self._tls = guard, address, tls
        self._deadline = Deadline.after(seconds)
        super().__init__(local_hostname=address.sender.rpartition("@")[2], timeout=guard.seconds)
        self._host = address.server  # what STARTTLS compares the certificate with

    def hang_up(self) -> None:
        """Make whoever waits for the server wait no longer; called by another thread."""
        line = self.sock
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def deliver(self, mail: EmailMessage) -> Sent:
        try:
            refused = self._prepare()
        except smtplib.SMTPRecipientsRefused:
            return Sent(Outcome.REFUSED, "收件邮箱均被邮件服务器拒绝")
        except (Blocked, Unreachable, OSError, smtplib.SMTPException) as error:
            return Sent(Outcome.UNREACHED, _why(error))
        return self._hand_over(mail, refused)

    def _prepare(self) -> int:
        """Say everything up to the mail itself; nothing is delivered yet. Returns how many mailboxes were refused."""
        implicit = self._address.security == "tls"
        self.sock = self._guard.connect(
            self._address.server,
            self._address.port,
            tls=self._tls if implicit else None,
            deadline=self._deadline,
            later=not implicit,
        )
        self.sock.settimeout(self._guard.seconds)
        code, said = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        self.ehlo_or_helo_if_needed()
        if not implicit:
            self.starttls(context=self._tls)
            self.ehlo_or_helo_if_needed()
        if self._address.user:
            self.login(self._address.user, self._address.password)
        code, said = self.mail(self._address.sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, said, self._address.sender)
        return self._name_receivers()

    def _name_receivers(self) -> int:
        codes = [self.rcpt(mailbox)[0] for mailbox in self._address.to]
        refused = [code for code in codes if code not in (250, 251)]
        if len(refused) == len(codes):
            if any(400 <= code < 500 for code in refused):  # "try again later" (greylisting)
                raise smtplib.SMTPResponseException(refused[0], "")
            raise smtplib.SMTPRecipientsRefused({})
        return len(refused)

    def _hand_over(self, mail: EmailMessage, refused: int) -> Sent:
        try:
            code, _ = self.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")))
        except smtplib.SMTPDataError as error:
            return Sent(Outcome.REFUSED, f"邮件服务器拒收此邮件（代码 {error.smtp_code}）")
        except (OSError, smtplib.SMTPException):
            return Sent(Outcome.UNKNOWN, "邮件已交出，邮件服务器没有答复")
        if code == 250:
            return Sent(Outcome.DELIVERED, f"有 {refused} 个收件邮箱被拒绝" if refused else "")
        outcome = Outcome.UNREACHED if 400 <= code < 500 else Outcome.REFUSED
        return Sent(outcome, f"邮件服务器拒收此邮件（代码 {code}）")


def _why(error: Exception) -> str:
    """Say what went wrong before the mail was handed over, without the server's own words: they quote mailboxes."""
    if isinstance(error, (Blocked, Unreachable)):
        return str(error)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"邮件服务器拒绝登录（代码 {error.smtp_code}）"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"邮件服务器未接受（代码 {error.smtp_code}）"
    return "邮件服务器中断、没有答复或不支持所要求的加密"
