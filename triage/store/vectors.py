"""Dense vectors: what makes them, and how they are stored. Vectors of different encoders are never compared."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sqlalchemy import Connection, DateTime, Text, Uuid, bindparam, cast, select, text

from models.errors import EncoderError
from models.pairs import TermFrequencies
from triage.events.signature import hash_grams
from triage.store import schema

Vectors = NDArray[np.float32]

_ADD = text("""
    INSERT INTO vectors (appeal_id, encoder, district, received_at, vector, slot)
    SELECT :appeal_id, :encoder, :district, :received_at, :vector, coalesce(known.slot, 0)
    FROM (SELECT) AS one LEFT JOIN encoders AS known ON known.fingerprint = :encoder
    WHERE known.state IS DISTINCT FROM 'retired'
""").bindparams(
    bindparam("appeal_id", type_=Uuid()),
    bindparam("encoder", type_=Text()),
    bindparam("district", type_=Text()),
    bindparam("received_at", type_=DateTime(timezone=True)),
    bindparam("vector", type_=HALFVEC(schema.DIMENSIONS)),
)

_READ = 2_000
"""Characters of a text that its vector is made of."""
_SPREAD = 4
_MIX = np.uint64(0x9E3779B97F4A7C15)


class DenseEncoder(Protocol):
    """Turns texts into vectors of `schema.DIMENSIONS` numbers."""

    @property
    def fingerprint(self) -> str:
        """Return what tells this encoder's vectors from those of any other, weights included."""
        ...

    @property
    def unrelated(self) -> float:
        """Return the cosine that texts about unrelated matters have on average, 0 to below 1."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 256], rows of unit length; each as if it were encoded alone."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of what somebody looks for; the same as `encode` for most encoders."""
        ...


class HashedProjection:
    """Weighted two- and three-character strings, projected onto 256 dimensions by hashed signs.

    The inner product of two rows estimates the TF-IDF cosine of the texts, with a standard error of about
    1/√256 = 0.06: near copies are neighbours, mere likeness of subject is not seen. It needs no training and no model
    file, and its work is linear in the length of the text (of which the first 2,000 characters count).
    Source: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.

    Args:
        frequencies: How common strings are; without, all weigh the same.
        seed: Chooses the signs; another seed is another encoder.
    """

    def __init__(self, frequencies: TermFrequencies | None = None, *, seed: int = 0) -> None:
        self._frequencies = frequencies or TermFrequencies.count([])
        self._seed = seed
        self.unrelated = 0.0
        salt = seed * 0xD1B54A32D192ED03 + 0x8CB92BA72F3D8DD7
        self._salts = [np.uint64(salt * (copy + 1) & 0xFFFFFFFFFFFFFFFF) for copy in range(_SPREAD)]
        known = zlib.crc32(self._frequencies.documents.tobytes(), zlib.crc32(self._frequencies.terms.tobytes()))
        self.fingerprint = f"hashed_projection.v1-{schema.DIMENSIONS}-{seed}-{known:08x}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, 256], rows of unit length."""
        found = np.zeros((len(texts), schema.DIMENSIONS), dtype=np.float32)
        for row, words in enumerate(texts):
            found[row] = self._encode(words)
        return found

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the same as `encode`."""
        return self.encode(texts)

    def pack(self) -> bytes:
        """Return everything it consists of, as a safetensors file."""
        known = self._frequencies
        numbers = np.array([known.total, self._seed], dtype=np.int64)
        return bytes(save({"terms": known.terms, "documents": known.documents, "numbers": numbers}))

    @classmethod
    def unpack(cls, data: bytes) -> HashedProjection:
        """Return what `pack` packed.

        Raises:
            EncoderError: The data is something else.
        """
        try:
            found = load(data)
            total, seed = (int(number) for number in found["numbers"])
            return cls(TermFrequencies(found["terms"], found["documents"], total), seed=seed)
        except (SafetensorError, KeyError, ValueError) as error:
            raise EncoderError("数据库中的编码器已损坏，请重新启用") from error

    def _encode(self, text: str) -> Vectors:
        grams, counts = np.unique(hash_grams(text[:_READ].lower()), return_counts=True)
        documents = self._frequencies.lookup(grams)
        weights = (1 + np.log(counts)) * np.log((self._frequencies.total + 2.0) / (documents + 1.0)).clip(min=0.05)
        vector = np.zeros(schema.DIMENSIONS)
        for salt in self._salts:
            # Each string goes to four places with a sign each, so that two strings in one place do not drown each other.
            mixed = (grams.astype(np.uint64) + salt) * _MIX
            mixed ^= mixed >> np.uint64(32)
            mixed *= _MIX
            places = (mixed >> np.uint64(56)).astype(np.int64)
            signs = 1.0 - 2.0 * ((mixed >> np.uint64(55)) & np.uint64(1)).astype(np.float64)
            vector += np.bincount(places, weights=weights * signs, minlength=schema.DIMENSIONS)
        length = float(np.linalg.norm(vector))
        if length < 1e-9:
            vector[0] = length = 1.0  # a text without any string, such as "。"
        return np.asarray(vector / length, dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NewVector:
    """A vector to store.

    Attributes:
        appeal_id: The appeal.
        encoder: Fingerprint of what made it.
        district: The appeal's, for filters.
        received_at: The appeal's, for filters.
        vector: float32[256] of unit length.
    """

    appeal_id: UUID
    encoder: str
    district: str
    received_at: datetime
    vector: Vectors


def add(connection: Connection, new: NewVector) -> None:
    """Store a vector; that of an encoder which was retired a moment ago is let go, since nobody searches with it."""
    connection.execute(
        _ADD,
        {
            "appeal_id": new.appeal_id,
            "encoder": new.encoder,
            "district": new.district,
            "received_at": new.received_at,
            "vector": HalfVector(new.vector),
        },
    )


def of(connection: Connection, appeal_id: UUID, *, encoder: str) -> Vectors | None:
    """Return the stored vector of an appeal, float32[256]; None where that encoder has made none, or it is not visible."""
    table = schema.vectors.c
    # As text: releases of the adapter differ in what they make of the type.
    statement = select(cast(table.vector, Text)).where(table.appeal_id == appeal_id, table.encoder == encoder)
    found = connection.execute(statement).scalar_one_or_none()
    return None if found is None else np.asarray(json.loads(found), dtype=np.float32)
