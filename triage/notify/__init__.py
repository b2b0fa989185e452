"""Telling others: programs by signed webhooks, chat groups through their robots, people by e-mail.

Nothing here knows the store. `send` takes an address, a message and what the operator allows, and says how it ended.
"""

from __future__ import annotations

from triage.notify.addresses import Address, EmailAddress, RobotAddress, WebhookAddress, address_from, checked_address
from triage.notify.guard import Guard
from triage.notify.messages import Notice, Telling
from triage.notify.outcome import Outcome, Sent
from triage.notify.rules import NetworkRules, NotifyError
from triage.notify.sending import Sender, send

__all__ = [
    "Address",
    "EmailAddress",
    "Guard",
    "NetworkRules",
    "Notice",
    "NotifyError",
    "Outcome",
    "RobotAddress",
    "Sender",
    "Sent",
    "Telling",
    "WebhookAddress",
    "address_from",
    "checked_address",
    "send",
]
