"""How sending ended; what follows from it is decided where the delivery is stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What is known after an attempt."""

    DELIVERED = "delivered"
    """The receiver said so."""
    REFUSED = "refused"
    """The receiver will not take this message; others it may."""
    UNREACHED = "unreached"
    """The receiver certainly has not got it, nor would it get another one now."""
    UNKNOWN = "unknown"
    """It was handed over and no answer came: the receiver may have got it or not."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The end of an attempt.

    Attributes:
        outcome: What is known.
        reason: Why, in Chinese, without address, secret or anything that the receiver sent; empty when delivered.
        rest: Seconds that the receiver asked to be left alone.
    """

    outcome: Outcome
    reason: str = ""
    rest: float = 0.0
