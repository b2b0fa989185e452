"""What a city's own network reads of a text: its places in the word space and, with an encoder, its vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.linear import Scores
from models.ngrams import fold, occurrences
from models.word_space import ORDERS, Meaning, WordSpace
from triage.clause_reading import extents_of
from triage.document import Document

_CHUNK = 512
"""Texts whose n-gram occurrences are held at once where thousands are read."""


class TextEncoder(Protocol):
    """Texts to vectors; `models.encoder.OnnxEncoder` is the real one."""

    @property
    def fingerprint(self) -> str:
        """Return what tells its vectors from those of any other encoder."""
        ...

    def encode(self, texts: Sequence[str]) -> Scores:
        """Return float32[n, d]; each as if it were encoded alone."""
        ...


@dataclass(frozen=True, slots=True)
class DenseView:
    """Makes the vectors; whoever trains and whoever decides must use the same one.

    Attributes:
        space: The word space of the base bundle.
        encoder: The encoder, if one is to be read too.
    """

    space: WordSpace
    encoder: TextEncoder | None = None

    @property
    def fingerprint(self) -> str:
        """Return what tells this view from any other."""
        words = f"words:{self.space.fingerprint()}"
        return f"{words} encoder:{self.encoder.fingerprint}" if self.encoder else words

    def of(self, documents: Sequence[Document], meaning: Meaning, vectors: Scores | None = None) -> Scores:
        """Return float32[n, d].

        Args:
            documents: n of them.
            meaning: The same documents in the word space.
            vectors: The encoder's, where it has read them already.
        """
        parts = [meaning.places, meaning.nearness]
        if self.encoder is not None:
            own = vectors if vectors is not None else self.encoder.encode([document.text for document in documents])
            parts.append(own)
        return np.hstack(parts)

    def read(self, documents: Sequence[Document]) -> Scores:
        """Return float32[n, d] for documents that nobody has placed yet; at least one."""
        parts = []
        for at in range(0, len(documents), _CHUNK):
            chunk = documents[at : at + _CHUNK]
            found = occurrences(fold([document.text for document in chunk]), orders=ORDERS)
            parts.append(self.of(chunk, self.space.read(found, extents_of(chunk))))
        return np.vstack(parts)
