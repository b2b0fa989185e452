"""The tables of units, channels and terms."""

from __future__ import annotations
