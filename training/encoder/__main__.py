"""``python -m training.encoder train|evaluate|ship``."""

from __future__ import annotations

from training.encoder.commands import app

if __name__ == "__main__":
    app()
