"""What can go wrong in the store. A message names an id, key or folder and the remedy, never a text or a person."""

from __future__ import annotations

from triage.errors import TriageError


class StoreError(TriageError):
    """Something about the store."""


class NotFound(StoreError):  # noqa: N818 - reads as the answer it is
    """No such record, or none that the principal may see; the two are never told apart."""


class Refused(StoreError):  # noqa: N818
    """The principal has no right to do this."""


class Unauthenticated(StoreError):  # noqa: N818
    """No valid key, session or password; which of them, and whether the name exists, is never told."""


class Conflict(StoreError):  # noqa: N818
    """It contradicts what is stored."""


class IdempotencyConflict(Conflict):
    """An idempotency key came back with another body."""


class DuplicateReference(Conflict):
    """The channel has already delivered an appeal of this reference.

    Attributes:
        appeal_id: The appeal that is stored.
    """

    def __init__(self, message: str, *, appeal_id: str) -> None:
        super().__init__(message)
        self.appeal_id = appeal_id


class StateConflict(Conflict):
    """The case, delivery, event, alert or bundle is in a state that does not allow this."""


class StoreUnavailable(StoreError):  # noqa: N818
    """The database cannot be reached, or not in time; trying again later may help.

    Attributes:
        uncertain: Whether the connection broke while committing, so that it is unknown if anything was recorded.
            Repeating the request with its idempotency key is always safe.
    """

    def __init__(self, message: str, *, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain


class MigrationNeeded(StoreError):  # noqa: N818
    """The tables are older or newer than this program."""


class Locked(StoreError):  # noqa: N818
    """The data folder is in use by another service.

    Attributes:
        holder: Process id of that service; None when it cannot be told.
    """

    def __init__(self, message: str, *, holder: int | None = None) -> None:
        super().__init__(message)
        self.holder = holder
