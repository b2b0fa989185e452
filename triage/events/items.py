"""What goes into event linking and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EventItem:
    """An appeal as event linking sees it: only what is known when it arrives.

    Attributes:
        id: Unique within one collection.
        title: Normalised, masked subject line; may be empty.
        content: Normalised, masked text.
        created_at: When it came in, with a time zone; None when unknown.
        user: An opaque key of the appellant, empty when unknown; only equality is used.
        places: Places and organisations already recognised by the caller; may be empty.
        type: The kind of appeal (咨询, 投诉 …) where known; enquiries need more than a shared question to be one event.
    """

    id: str
    content: str
    title: str = ""
    created_at: datetime | None = None
    user: str = ""
    places: tuple[str, ...] = ()
    type: str | None = None

    def __post_init__(self) -> None:
        if self.created_at is not None and self.created_at.tzinfo is None:
            raise ValueError(f"event item {self.id}: created_at has no time zone; use e.g. ZoneInfo('Asia/Shanghai')")


@dataclass(frozen=True, slots=True)
class SimilarAppeal:
    """Another appeal that may be about the same event.

    Attributes:
        id: Its id.
        probability: Calibrated probability of the same event, 0 to 1.
    """

    id: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EventAssignment:
    """The event of one appeal.

    Attributes:
        id: The appeal.
        event_id: ``E-`` and the id of the event's earliest appeal.
        size: Number of appeals in the event, at least 1.
        similar: The most similar appeals, highest probability first; also ones that were too uncertain to be linked.
    """

    id: str
    event_id: str
    size: int
    similar: tuple[SimilarAppeal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkSettings:
    """How eagerly appeals are linked.

    Attributes:
        link_at: Least average probability between the members of two groups for them to become one; None: the value
            that was best in the scorer's training.
        untitled_caution: Log-odds taken off pairs without titles: one-sentence tickets of one city are more alike than the
            training messages, so that the scorer believes too much.
        consider_at: Pairs below this probability are forgotten after scoring.
        show_at: Least probability of an appeal listed as similar.
        shown: Most similar appeals listed.
        candidates: Most candidates per appeal that are scored.
        group_limit: Largest set of connected appeals in which every pair is compared.
    """

    link_at: float | None = None
    untitled_caution: float = 2.0
    consider_at: float = 0.15
    show_at: float = 0.3
    shown: int = 5
    candidates: int = 12
    group_limit: int = 80
