"""Appeals as event linking sees them."""

from __future__ import annotations

import hashlib

from triage.document import Document
from triage.events import EventItem


def event_item(document: Document, *, type_: str | None = None) -> EventItem:
    """Prepare an appeal for linking.

    Args:
        document: Normalised and masked.
        type_: Its most probable type; enquiries need more than a shared question to be one event.
    """
    appeal = document.appeal
    user = hashlib.sha256(appeal.user.encode("utf-8", "replace")).hexdigest()[:16] if appeal.user.strip() else ""
    return EventItem(
        id=appeal.id,
        title=document.title.text,
        content=document.content.text,
        created_at=appeal.created_at,
        user=user,
        type=type_,
    )
