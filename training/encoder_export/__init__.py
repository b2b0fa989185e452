"""Turns an encoder of strangers (Hugging Face, sentence-transformers) into a folder that serving runs without torch."""

from __future__ import annotations

from training.encoder_export.exporting import Exported, export

__all__ = ["Exported", "export"]
