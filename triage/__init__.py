"""Triage of Chinese citizen appeals: ``from triage import Appeal, Triage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from triage.appeal import Appeal

if TYPE_CHECKING:
    from triage.decision import Decision
    from triage.service import Context, Triage

__all__ = ["Appeal", "Context", "Decision", "Triage"]

_LAZY = {"Triage": "triage.service", "Context": "triage.service", "Decision": "triage.decision"}


def __getattr__(name: str) -> Any:
    """Import the heavy parts at first use, so that ``triage --help`` answers at once."""
    from importlib import import_module  # noqa: PLC0415

    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'triage' has no attribute {name!r}")
