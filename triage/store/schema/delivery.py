"""The tables of messages that leave the house."""

from __future__ import annotations
