"""The root of the error tree, here at the bottom of the imports so that every layer can raise from it."""

from __future__ import annotations


class TriageError(Exception):
    """Base of every error this project raises on purpose; its message is safe to show and to log."""


class BundleError(TriageError):
    """A model bundle that is damaged, incomplete or of an unknown version."""


class EncoderError(BundleError):
    """An encoder that is damaged, incomplete or of a kind that this program does not run."""
