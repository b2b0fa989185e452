"""Where the editable files lie that ship with the package."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
"""Folder of deadlines.json, holidays.json and admission.json; a city copies and edits them."""
