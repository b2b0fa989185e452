"""The tables of encoders and their vectors."""

from __future__ import annotations
