"""Sends one message to one receiver, whatever its kind, and says how that ended. It never raises for the receiver's sake."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from triage.notify import mail, robots, webhook
from triage.notify.addresses import Address, EmailAddress, RobotAddress, WebhookAddress
from triage.notify.guard import Blocked, Guard, Unreachable, tls_context
from triage.notify.messages import Telling
from triage.notify.outcome import Outcome, Sent
from triage.notify.web import NoAnswer, post

Sender = Callable[[Address, Telling], Sent]
"""What sends; tests give one of their own."""


def send(
    guard: Guard,
    address: Address,
    telling: Telling,
    *,
    tls: ssl.SSLContext | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Sent:
    """Send a message.

    Args:
        guard: What the operator allows.
        address: Where to.
        telling: What.
        tls: Checks certificates; None: with the authorities of the machine.
        clock: Tells the time that signatures carry.
    """
    now = (clock or _now)()
    context = tls or tls_context()
    if isinstance(address, EmailAddress):
        return mail.send_mail(guard, address, telling, tls=context, now=now)
    try:
        return _post(guard, address, telling, context, now)
    except (Blocked, Unreachable) as error:
        return Sent(Outcome.UNREACHED, str(error))
    except NoAnswer:
        return Sent(Outcome.UNKNOWN, "消息已交出，对方没有答复")


def pace_of(address: Address) -> float:
    """Return the seconds to wait after a message before the next one."""
    if isinstance(address, EmailAddress):
        return mail.PACE
    return robots.PACE[address.kind] if isinstance(address, RobotAddress) else 0.0


def _post(
    guard: Guard, address: WebhookAddress | RobotAddress, telling: Telling, tls: ssl.SSLContext, now: datetime
) -> Sent:
    if isinstance(address, WebhookAddress):
        body = webhook.body_of(telling)
        headers = webhook.headers_of(address, telling, body, now=now)
        return webhook.judged(post(guard, address.url, body, headers, tls=tls))
    request = robots.request_for(address, telling.notice(), now=now)
    return robots.judged(address, post(guard, request.url, request.body, {}, tls=tls, whole=True))


def _now() -> datetime:
    return datetime.now(UTC)
