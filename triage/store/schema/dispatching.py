"""The tables of automatic dispatch."""

from __future__ import annotations
