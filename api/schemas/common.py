"""Kinds of values that many bodies share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL's text cannot hold the character NUL; a text with one is refused with a reason instead of being changed."""
SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""At least one character that is no white space, and no NUL."""

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def _plausible(moment: datetime) -> datetime:
    if not _EARLIEST.timestamp() <= moment.timestamp() < _LATEST.timestamp():
        raise PydanticCustomError("moment_range", "between 1990 and 2099")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""A time with its zone, 1990 … 2099, e.g. 2026-03-01T09:30:00+08:00."""
Name = Annotated[str, Field(max_length=100, pattern=NO_NUL)]
Reason = Annotated[str, Field(min_length=2, max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*[^\s\x00][^\x00]*$")]
UnitName = Annotated[str, Field(min_length=1, max_length=100, pattern=SOMETHING)]
CursorText = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_\-=]*$")]


class Input(BaseModel):
    """A body that is sent to the service; unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Output(BaseModel):
    """A body that the service answers with."""

    model_config = ConfigDict(from_attributes=True)
