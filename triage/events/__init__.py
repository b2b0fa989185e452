"""Which appeals are about the same event."""

from triage.events.items import EventAssignment, EventItem, LinkSettings, SimilarAppeal
from triage.events.linker import EventLinker
from triage.events.signature import Signature, make_signature
from triage.events.words import WordCutter

__all__ = [
    "EventAssignment",
    "EventItem",
    "EventLinker",
    "LinkSettings",
    "Signature",
    "SimilarAppeal",
    "WordCutter",
    "make_signature",
]
