"""Event signatures as bytes, so that finished ones can wait on disk and be read back without unpickling anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.events import Signature
from triage.events.names import Name

_TERMS = ("grams", "lead", "words", "lead_words", "numbers", "cited")
"""The uint32 arrays of a signature, in the order they are packed; the uint8 counts follow, padded to four bytes."""

_PLAIN = ("id", "user", "length", "text_hash", "titled", "enquiry")


@dataclass(frozen=True, slots=True)
class Packed:
    """Signatures in two parts.

    Attributes:
        lines: One JSON object per signature and line.
        arrays: The arrays of all signatures, one after the other; little-endian uint32.
    """

    lines: bytes
    arrays: bytes


def pack(signatures: Sequence[Signature]) -> Packed:
    """Pack signatures."""
    lines: list[bytes] = []
    arrays: list[bytes] = []
    for signature in signatures:
        terms = [getattr(signature, name) for name in _TERMS]
        facts: dict[str, Any] = {name: getattr(signature, name) for name in _PLAIN}
        facts["time"] = None if math.isnan(signature.time) else signature.time
        facts["names"] = [[name.kind, name.text, name.primary] for name in signature.names]
        facts["sizes"] = [len(array) for array in terms]
        lines.append(json.dumps(facts).encode("ascii") + b"\n")
        arrays += [array.astype("<u4").tobytes() for array in terms]
        arrays.append(signature.counts.tobytes().ljust(_padded(len(signature.counts)), b"\0"))
    return Packed(b"".join(lines), b"".join(arrays))


def unpack(lines: Iterable[bytes], arrays: NDArray[np.uint32]) -> Iterator[Signature]:
    """Rebuild signatures; their arrays are views into ``arrays``, so a memory-mapped file is never copied."""
    at = 0
    for line in lines:
        facts: dict[str, Any] = json.loads(line)
        sizes = facts.pop("sizes")
        for name, size in zip(_TERMS, sizes, strict=True):
            facts[name] = arrays[at : at + size]
            at += size
        grams = sizes[0]
        counts = arrays[at : at + _padded(grams) // 4].view(np.uint8)[:grams]
        at += _padded(grams) // 4
        facts["time"] = float("nan") if facts["time"] is None else facts["time"]
        facts["names"] = tuple(Name(*name) for name in facts["names"])
        yield Signature(**facts, counts=counts)


def _padded(size: int) -> int:
    return -(-size // 4) * 4
