"""The tables of what happens to an appeal after its dispatch."""

from __future__ import annotations
