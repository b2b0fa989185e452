"""Messages for programs, signed as the Standard Webhooks specification has it (standardwebhooks.com).

``webhook-id`` is the same whenever a message is repeated, so that a receiver acts once. The signature is HMAC-SHA256 over
``id.timestamp.body``; the timestamp lets a receiver refuse what somebody recorded and plays again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

from triage.notify.addresses import WebhookAddress, signing_key
from triage.notify.messages import Telling
from triage.notify.outcome import Outcome, Sent
from triage.notify.web import Answer

_PASSING = frozenset({401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 429})
"""Statuses that say nothing about this message: the receiver would not take another one either."""
LONGEST_REST = 3600.0
"""Seconds of ``Retry-After`` that are heeded."""


def body_of(telling: Telling) -> bytes:
    """Return what is sent: the type, when it happened, and ids and states."""
    content = {
        "id": str(telling.id),
        "type": telling.topic,
        "key": telling.key,
        "timestamp": telling.at.isoformat(),
        "data": dict(telling.payload),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def headers_of(address: WebhookAddress, telling: Telling, body: bytes, *, now: datetime) -> dict[str, str]:
    """Return id, time and signature."""
    number, seconds = str(telling.id), str(int(now.timestamp()))
    return {
        "webhook-id": number,
        "webhook-timestamp": seconds,
        "webhook-signature": signature(address.secret, number, seconds, body),
        "Idempotency-Key": number,
    }


def signature(secret: str, number: str, seconds: str, body: bytes) -> str:
    """Return what a receiver computes again from the two other headers and the body as it came."""
    signed = hmac.digest(signing_key(secret), f"{number}.{seconds}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode('ascii')}"


def judged(answer: Answer) -> Sent:
    """Say how an attempt ended, by the status alone."""
    status = answer.status
    if 200 <= status < 300:
        return Sent(Outcome.DELIVERED)
    rest = min(answer.retry_after, LONGEST_REST)
    if 300 <= status < 400:
        return Sent(Outcome.UNREACHED, f"对方要求重定向（HTTP {status}），不予跟随", rest)
    if status in _PASSING or status == 503:
        return Sent(Outcome.UNREACHED, f"对方未接受（HTTP {status}）", rest)
    if status >= 500:
        return Sent(Outcome.UNKNOWN, f"对方出错（HTTP {status}）", rest)
    return Sent(Outcome.REFUSED, f"对方拒收此消息（HTTP {status}）")
