"""The appeal: what is known of a citizen's message at the moment it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FIELDS = ("title", "content")
"""The free-text fields that evidence may point into, in reading order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Appeal:
    """One message of one citizen (诉求), as received.

    Attributes:
        id: The source's own number (工单编号, 留言编号); unique within one input.
        content: The free text, raw and unmasked.
        title: The subject line; empty where the channel has none.
        created_at: When the message came in, with a time zone; None when the source does not say.
        user: The appellant's account or name as the source gives it; used only to see that the same person returns.
        address: The address field of the ticket, where the source has one.
        channel: 热线, 网站, 微信 …; free text.
    """

    id: str
    content: str
    title: str = ""
    created_at: datetime | None = None
    user: str = ""
    address: str = ""
    channel: str = ""

    def __post_init__(self) -> None:
        if self.created_at is not None and self.created_at.tzinfo is None:
            raise ValueError(f"appeal {self.id}: created_at has no time zone; use e.g. ZoneInfo('Asia/Shanghai')")

    def field(self, name: str) -> str:
        """Return the raw text of ``name``, one of `FIELDS`."""
        return self.title if name == "title" else self.content
