"""Event signatures as bytes, so that finished ones can wait on disk and be read back without unpickling anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.errors import InputError
from triage.events import Signature
from triage.events.names import Name

_ALIGNED = 4
"""Every array starts at a multiple of this, so that views of uint32 fit."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Signatures in two parts.

    Attributes:
        lines: One JSON object per signature and line; for each array its type and length.
        arrays: The arrays of all signatures, one after the other, each padded to four bytes.
    """

    lines: bytes
    arrays: bytes


def pack(signatures: Sequence[Signature]) -> Packed:
    """Pack signatures."""
    lines: list[bytes] = []
    parts: list[bytes] = []
    for signature in signatures:
        facts: dict[str, Any] = {}
        for field in fields(Signature):
            value = getattr(signature, field.name)
            if isinstance(value, np.ndarray):
                data = value.tobytes()
                parts.append(data.ljust(_padded(len(data)), b"\0"))
                value = [value.dtype.str, len(value)]
            elif field.name == "names":
                value = [[name.kind, name.text, name.primary] for name in value]
            elif isinstance(value, float) and math.isnan(value):
                value = None
            facts[field.name] = value
        lines.append(json.dumps(facts).encode("ascii") + b"\n")
    return Packed(b"".join(lines), b"".join(parts))


def unpack(lines: Iterable[bytes], arrays: NDArray[np.uint8]) -> Iterator[Signature]:
    """Rebuild signatures; their arrays are views into ``arrays``, so a memory-mapped file is never copied.

    Args:
        lines: `Packed.lines`, one by one.
        arrays: `Packed.arrays`.

    Raises:
        InputError: There are fewer arrays than the lines say.
    """
    at = 0
    for line in lines:
        facts: dict[str, Any] = json.loads(line)
        for name, value in facts.items():
            if name == "names":
                facts[name] = tuple(Name(*found) for found in value)
            elif isinstance(value, list):
                kind = np.dtype(value[0])
                size = kind.itemsize * value[1]
                if at + _padded(size) > len(arrays):
                    raise InputError("已保存的中间结果不完整；请去掉 --resume 从头开始")
                facts[name] = arrays[at : at + size].view(kind)
                at += _padded(size)
            elif value is None:
                facts[name] = float("nan")
        yield Signature(**facts)


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
