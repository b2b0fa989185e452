"""The tables of what is learned from people."""

from __future__ import annotations
