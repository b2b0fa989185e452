"""The use case: find all personal data of a text and replace it by tokens, so that a second run finds nothing more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage.privacy.addresses import find_addresses
from triage.privacy.names import find_names
from triage.privacy.numbers import find_numbers
from triage.privacy.spans import MaskSpan, folded, merged


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A text without personal data.

    Attributes:
        text: The text with a token in the place of every span.
        spans: What was replaced, in coordinates of the input text; sorted, not overlapping.
    """

    text: str
    spans: tuple[MaskSpan, ...]


def mask(text: str) -> MaskedText:
    """Replace personal data by tokens such as ``[手机号]``; tokens already present stay as they are.

    Masking is idempotent: a token is a boundary like a full stop, so it can make a neighbour recognisable
    (本人张三 + a phone number). The search therefore runs again on its own result until nothing is found.

    Args:
        text: Raw or normalised text of any length.
    """
    spans: list[MaskSpan] = []
    masked = text
    while found := _found(masked):
        spans = merged([*spans, *_in_input(found, spans)])
        masked = _replaced(text, spans)
    return MaskedText(masked, tuple(spans))


def find_personal_data(text: str) -> tuple[MaskSpan, ...]:
    """Return what `mask` would replace, in coordinates of ``text``; sorted, not overlapping."""
    return mask(text).spans


def _found(text: str) -> list[MaskSpan]:
    view = folded(text)
    return merged([*find_numbers(view), *find_names(view), *find_addresses(view)])


def _replaced(text: str, spans: Iterable[MaskSpan]) -> str:
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += [text[at : span.start], span.token]
        at = span.end
    pieces.append(text[at:])
    return "".join(pieces)


def _in_input(found: Iterable[MaskSpan], earlier: list[MaskSpan]) -> list[MaskSpan]:
    """Move spans found in the masked text back over the tokens that stand before them."""
    moved: list[MaskSpan] = []
    shift = 0
    index = 0
    for span in found:
        while index < len(earlier) and earlier[index].start - shift < span.start:
            replaced = earlier[index]
            shift += len(replaced.token) - (replaced.end - replaced.start)
            index += 1
        moved.append(MaskSpan(span.start - shift, span.end - shift, span.token))
    return moved
