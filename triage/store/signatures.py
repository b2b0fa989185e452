"""Event signatures in the store: packed as a whole for the pair scorer, and their rarest strings and names for search."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from models.pairs import TermFrequencies
from triage.events import Signature
from triage.events.names import AREA, BUILDING, DISTRICT
from triage.events.signature import hash_text
from triage.pipeline.packing import Packed, pack, unpack
from triage.store import schema

TERMS = 40
"""Strings by which an appeal can be found; the rarest of its text, half of them from its title or opening."""

ASKED = 32
"""Strings by which one is looked for."""

_PLACES = 12
_CITED = np.uint32(0xA5A5A5A5)
_CITED_WEIGHT = 100.0
_HEAD = struct.Struct("<4sII")
_LAYOUT = b"sig" + bytes([zlib.crc32(" ".join(field.name for field in fields(Signature)).encode()) & 0xFF])
"""Changes with the fields of a signature; what another version packed is not read."""
_LOG = logging.getLogger(__name__)

Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SearchKeys:
    """By what an appeal is found.

    Attributes:
        terms: int32[k], hashes of its rarest strings, rarest first; cited tickets come before them.
        weights: float32[k], how rare each is, as a share of the rarest, 0 to 1; 100 for a cited ticket.
        places: int32[p], hashes of the names of places and organisations; main ones first.
        text: Hash of the whole text.
    """

    terms: Ints
    weights: NDArray[np.float32]
    places: Ints
    text: int

    @property
    def asked(self) -> float:
        """Return the sum of the weights that a search asks for, cited tickets left out."""
        weights = self.weights[:ASKED]
        return float(weights[weights <= 1.0].sum()) or 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NewSignature:
    """A signature to store with what filters need."""

    appeal_id: UUID
    district: str
    received_at: datetime
    signature: Signature
    keys: SearchKeys


def search_keys(signature: Signature, frequencies: TermFrequencies) -> SearchKeys:
    """Choose by what an appeal is found.

    Among equally rare strings the order of their hashes decides, so that two appeals choose the same ones.

    Args:
        signature: The appeal.
        frequencies: How common strings are.
    """
    lead = _rarest(signature.lead, frequencies, TERMS // 2)
    rest = _rarest(signature.grams, frequencies, TERMS)
    chosen = np.concatenate([lead, rest[~np.isin(rest, lead)]])[:TERMS]
    rarity = _rarity(chosen, frequencies)
    order = np.argsort(-rarity, kind="stable")
    cited = signature.cited ^ _CITED
    terms = np.concatenate([cited, chosen[order]])
    top = float(np.log(frequencies.total + 2.0)) or 1.0
    weights = np.concatenate([np.full(len(cited), _CITED_WEIGHT), rarity[order] / top])
    names = sorted((n for n in signature.names if n.kind not in (BUILDING, DISTRICT)), key=lambda n: not n.primary)
    places = dict.fromkeys(hash_text(f"{name.kind} {name.text[-3:]}") for name in names)
    return SearchKeys(
        terms=terms.astype(np.uint32).view(np.int32),
        weights=weights.astype(np.float32),
        places=np.array(list(places)[:_PLACES], dtype=np.uint32).view(np.int32),
        text=signature.text_hash,
    )


def buckets(signature: Signature) -> list[int]:
    """Return what an assignment locks: the text, its main places, and two samples of its strings; at most seven numbers.

    Appeals about one event share at least one of them nearly always (copies: the first, near copies: a sample, which is the
    same with the probability of their overlap), appeals about different matters hardly ever, so that these do not wait.
    """
    names = [n for n in signature.names if n.primary and n.kind not in (AREA, BUILDING, DISTRICT)]
    found = {hash_text(f"place {name.kind} {name.text[-3:]}") for name in names[:4]}
    found.add(hash_text(f"text {signature.text_hash}"))
    for salt in (0x85EBCA77, 0xC2B2AE3D):
        if len(signature.grams):
            mixed = (signature.grams.astype(np.uint64) * np.uint64(salt)) & np.uint64(0xFFFFFFFF)
            found.add(int(mixed.min()))
    return sorted(found)


def pack_signature(signature: Signature) -> bytes:
    """Return a signature as bytes; nothing is pickled."""
    packed = pack([signature])
    return _HEAD.pack(_LAYOUT, len(packed.lines), len(packed.arrays)) + packed.lines + packed.arrays


def unpack_signature(data: bytes) -> Signature | None:
    """Rebuild a signature; None where another version of the program packed it or the bytes are damaged."""
    if len(data) < _HEAD.size:
        return None
    layout, lines, arrays = _HEAD.unpack_from(data)
    if layout != _LAYOUT or len(data) != _HEAD.size + lines + arrays:
        return None
    at = _HEAD.size + lines
    packed = Packed(data[_HEAD.size : at], data[at:])
    return next(iter(unpack([packed.lines], np.frombuffer(packed.arrays, dtype=np.uint8))))


def add(connection: Connection, new: NewSignature) -> None:
    """Store a signature."""
    connection.execute(
        insert(schema.signatures),
        {
            "appeal_id": new.appeal_id,
            "district": new.district,
            "received_at": new.received_at,
            "text_hash": new.keys.text,
            "terms": new.keys.terms.tolist(),
            "places": new.keys.places.tolist(),
            "packed": pack_signature(new.signature),
        },
    )


def load(connection: Connection, appeal_ids: Collection[UUID]) -> Mapping[UUID, Signature]:
    """Return the signatures of appeals; those of another version are left out and counted in the log."""
    if not appeal_ids:
        return {}
    table = schema.signatures.c
    rows = connection.execute(select(table.appeal_id, table.packed).where(table.appeal_id.in_(appeal_ids)))
    return unpack_all({row.appeal_id: row.packed for row in rows})


def of_appellant(connection: Connection, appellant: bytes | None, *, most: int) -> list[Signature]:
    """Return the signatures of the newest appeals of one person in the transaction's districts, newest first.

    Args:
        connection: In a transaction with a scope.
        appellant: Keyed hash; None when unknown: there are none.
        most: Most signatures.
    """
    if appellant is None:
        return []
    appeal, signature = schema.appeals.c, schema.signatures.c
    rows = connection.execute(
        select(appeal.id, signature.packed)
        .join(schema.signatures, signature.appeal_id == appeal.id)
        .where(appeal.appellant == appellant)
        .order_by(appeal.received_at.desc(), appeal.id.desc())
        .limit(most)
    )
    return list(unpack_all({row.id: row.packed for row in rows}).values())


def unpack_all(packed: Mapping[UUID, bytes]) -> Mapping[UUID, Signature]:
    """Rebuild signatures; those of another version are left out and counted in the log."""
    read = {id_: unpack_signature(data) for id_, data in packed.items()}
    found = {id_: signature for id_, signature in read.items() if signature is not None}
    if len(found) < len(read):
        _LOG.warning(
            "event signatures of another version are not compared",
            extra={"action": "signatures.unreadable", "count": len(read) - len(found)},
        )
    return found


def _rarest(terms: NDArray[np.uint32], frequencies: TermFrequencies, most: int) -> NDArray[np.uint32]:
    order = np.lexsort(((terms * np.uint32(0x9E3779B1)), frequencies.lookup(terms)))
    return terms[order[:most]]


def _rarity(terms: NDArray[np.uint32], frequencies: TermFrequencies) -> NDArray[np.float64]:
    return np.asarray(np.log((frequencies.total + 2.0) / (frequencies.lookup(terms) + 1.0)).clip(min=0.0))
