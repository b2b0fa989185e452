"""The tables of early warning."""

from __future__ import annotations
