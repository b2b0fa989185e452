"""What a city allows automatic dispatch (自动派单) to do; changed by an operator only, and never by the program."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

OFF, SHADOW, ON = "off", "shadow", "on"
MODES = (OFF, SHADOW, ON)
"""off: nothing is noted; shadow: what would be dispatched is noted and compared with what people do; on: dispatched."""

LEAST_SAMPLE, MOST_SAMPLE = 0.01, 1.0
LONGEST_RECALL = timedelta(hours=24)

_WHOLE = 1 << 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The operator's choice.

    Attributes:
        mode: One of `MODES`.
        recall: How long a person can take a dispatch back before the unit is told; zero tells it at once.
        sample: Share of the appeals that could go automatically and go to people all the same, 0.01 … 1. Only these show
            without favour how good the machine still is, so the share cannot be zero.
        target: Precision that automatic dispatch must reach, 0.5 … 0.999.
    """

    mode: str = SHADOW
    recall: timedelta = timedelta(minutes=10)
    sample: float = 0.05
    target: float = 0.95

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r} is none of {MODES}")
        if not timedelta() <= self.recall <= LONGEST_RECALL:
            raise ValueError(f"recall {self.recall} is not between 0 and {LONGEST_RECALL}")
        if not LEAST_SAMPLE <= self.sample <= MOST_SAMPLE:
            raise ValueError(f"sample {self.sample} is not between {LEAST_SAMPLE} and {MOST_SAMPLE}")
        if not 0.5 <= self.target <= 0.999:
            raise ValueError(f"target {self.target} is not between 0.5 and 0.999")

    def draws(self, secret: bytes, appeal_id: UUID) -> bool:
        """Say whether chance gives an appeal to people.

        The draw is a keyed hash of the id: whoever holds the secret can repeat it years later, nobody else can foresee or
        arrange it, and no process needs a generator of its own.
        """
        found = hmac.digest(secret, b"dispatch sample\0" + appeal_id.bytes, hashlib.sha256)
        return int.from_bytes(found[:8], "big") < self.sample * _WHOLE
