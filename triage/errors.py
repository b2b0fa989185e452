"""One error tree. A message names the row, key, field or id and the remedy, never the appeal's text."""

from __future__ import annotations

from models.errors import BundleError, TriageError

__all__ = ["BundleError", "DirectoryError", "InputError", "OutputError", "TrainingError", "TriageError"]


class InputError(TriageError):
    """A file, a row or a field that cannot be used."""


class OutputError(TriageError):
    """A result that cannot be written."""


class DirectoryError(TriageError):
    """A list of units that contradicts itself or lacks a required column."""


class TrainingError(TriageError):
    """Training data from which nothing can be learned."""
