"""What each step of a case does to its terms: which begin, which are met, which are no longer asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import Case
from triage.casework.desk import Desk

_OF_UNIT = (terms.SIGN, terms.CONTACT, terms.REPLY, terms.RETURN, terms.OBJECTION, terms.EXTENSION, terms.SUPERVISE)
"""Terms that a unit leaves behind when it loses a case; that of finishing goes on with the next unit."""
_ON_DISPATCH = (terms.SIGN, terms.CONTACT, terms.REPLY, terms.RETURN, terms.OBJECTION)
_ON_REJECTION = (terms.SIGN, terms.CONTACT)
"""After a rejected objection the unit may neither return it nor object again."""
_DONE_WITH_CLOSE = (
    terms.ACCEPT,
    terms.SIGN,
    terms.CONTACT,
    terms.REPLY,
    terms.FINISH,
    terms.SUPERVISE,
    terms.ASSIST,
    terms.REPORT_IN,
)


def follow(connection: Connection, desk: Desk, case: Case, step: str, *, unit: str, at: datetime) -> None:
    """Let the terms of a case follow a step.

    Args:
        connection: In the transaction of the step.
        desk: The desk.
        case: The case before the step.
        step: One of `triage.casework.cases.STEPS`; steps without any effect on terms do nothing here.
        unit: Who is responsible after the step.
        at: Now.
    """
    if step in ("confirm", "reassign", "reopen", "dispatch"):
        _dispatched(connection, desk, case, unit=unit, again=step == "reopen", at=at)
    elif step in ("return", "uphold"):
        _left(connection, case, at=at)
        terms.hand_over(connection, case.id, unit="")
    elif step in ("close", "pass_on"):
        _closed(connection, desk, case, call_back=step == "close", at=at)
    if step in ("uphold", "reject"):
        terms.meet(connection, case.id, terms.REVIEW, at=at)
    if step == "reject":
        _begin(connection, desk, case, _ON_REJECTION, unit=unit, at=at)
    elif step == "object":
        for window in (terms.RETURN, terms.OBJECTION):
            terms.drop(connection, case.id, step=window, unit=case.unit, at=at)
        terms.start(connection, desk, case.id, terms.REVIEW, at=at)
    for met in _MET.get(step, ()):
        terms.meet(connection, case.id, met, at=at)


_MET = {
    "accept": (terms.SIGN,),
    "handle": (terms.CONTACT, terms.REPLY),
    "call_back": (terms.CALLBACK,),
    "evaluate": (terms.CALLBACK,),
}


def _dispatched(connection: Connection, desk: Desk, case: Case, *, unit: str, again: bool, at: datetime) -> None:
    if unit == case.unit and not again:
        return  # a person confirmed what was dispatched automatically: its terms are running
    if case.unit:
        _left(connection, case, at=at)
    terms.meet(connection, case.id, terms.ACCEPT, at=at)
    if again:
        terms.drop(connection, case.id, step=terms.CALLBACK, at=at)
        terms.start(connection, desk, case.id, terms.FINISH, unit=unit, at=at)
    else:
        terms.hand_over(connection, case.id, unit=unit)
    _begin(connection, desk, case, _ON_DISPATCH, unit=unit, at=at)


def _begin(connection: Connection, desk: Desk, case: Case, steps: tuple[str, ...], *, unit: str, at: datetime) -> None:
    for step in steps:
        terms.start(connection, desk, case.id, step, unit=unit, at=at)


def _left(connection: Connection, case: Case, *, at: datetime) -> None:
    for step in _OF_UNIT:
        terms.drop(connection, case.id, step=step, unit=case.unit, at=at)


def _closed(connection: Connection, desk: Desk, case: Case, *, call_back: bool, at: datetime) -> None:
    for step in _DONE_WITH_CLOSE if call_back else (terms.ACCEPT,):
        terms.meet(connection, case.id, step, at=at)
    terms.drop(connection, case.id, at=at)
    if call_back:
        terms.start(connection, desk, case.id, terms.CALLBACK, at=at)
