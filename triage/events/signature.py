"""A compact picture of one appeal: everything that event linking compares, made once per appeal.

A signature needs nothing but its own appeal, so worker processes can make signatures in parallel and send them back;
it holds about 1-2 kB.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.events.items import EventItem
from triage.events.names import GIVEN, Name, NamesFound, find_names
from triage.events.words import WordCutter

Terms = NDArray[np.uint32]

_READ = 1200
"""Characters of the content that are compared; later ones rarely say what the matter is."""
_CUT = 160
"""Characters of the content that are cut into words."""
_NAMED = 800
"""Characters of the content in which names are looked for."""
_LEAD = 40
_GREETING = re.compile(
    r"^[^，。：:！!]{0,12}(?:您好|你好)[，。：:！!]?|^[\u4e00-\u9fff]{2,8}(?:来电|反映|反馈|咨询|公众号)[\u4e00-\u9fff]{0,4}[:：]\s*"
)
_NUMBER = re.compile(r"[A-Za-z]?\d+(?:\.\d+)?")
_TICKET = re.compile(r"(?<!\d)20\d{10,16}(?!\d)")
_ENQUIRY = re.compile(r"咨询|请问|如何办理|怎么办理|什么时候|是否")
_PRIME_1 = np.uint64(0x9E3779B1)
_PRIME_2 = np.uint64(0x85EBCA77)
_PRIME_3 = np.uint64(0xC2B2AE3D)
_MASK = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Signature:
    """What is compared of one appeal.

    Attributes:
        id: The appeal.
        time: Seconds since 1970; NaN when unknown.
        user: Hash of the user key, 0 when unknown.
        grams: uint32[k], sorted hashes of the two- and three-character strings of title and content.
        counts: uint8[k], how often each occurs (at most 255).
        lead: uint32[l], the same of the title or, without one, of the opening words.
        words: uint32[w], sorted hashes of the dictionary words at the start.
        lead_words: uint32[v], those of the lead.
        matter: uint32[u], those of ``words`` that are no part of a name: what is complained of, wherever it is.
        names: Places, organisations, line and building numbers.
        numbers: uint32[m], hashes of the numbers of two or more digits.
        cited: uint32[c], hashes of the ticket numbers it quotes; its own id's hash is among them.
        length: Characters of title and content.
        text_hash: Hash of the content without punctuation.
        titled: Whether it has a title.
        enquiry: Whether it asks for information.
    """

    id: str
    time: float
    user: int
    grams: Terms
    counts: NDArray[np.uint8]
    lead: Terms
    words: Terms
    lead_words: Terms
    matter: Terms
    names: tuple[Name, ...]
    numbers: Terms
    cited: Terms
    length: int
    text_hash: int
    titled: bool
    enquiry: bool


def hash_text(text: str) -> int:
    """Hash a string to 32 bits, the same on every machine; never 0."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) or 1


def hash_grams(text: str) -> Terms:
    """Hash every two- and three-character string of a text, in order, with repeats.

    Strings that hold a blank or punctuation are left out.

    Returns:
        uint32[m], m at most 2 n - 3 for n characters.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < 2:
        return np.empty(0, dtype=np.uint32)
    # Letters and CJK characters; ASCII and full-width punctuation break a string.
    solid = (codes >= 0x3400) & (codes < 0xFF00) | (codes >= 48) & (codes < 58) | (codes >= 97) & (codes < 123)
    twos = codes[:-1] * _PRIME_1 + codes[1:] * _PRIME_2
    keep = solid[:-1] & solid[1:]
    threes = twos[:-1] * _PRIME_3 + codes[2:] * _PRIME_1
    hashed = np.concatenate([twos[keep], threes[keep[:-1] & solid[2:]]])
    # The low bits of a product are its weakest; fold the high ones in.
    return np.asarray((hashed ^ (hashed >> np.uint64(29))) & _MASK, dtype=np.uint32)


def make_signature(item: EventItem, *, words: WordCutter) -> Signature:
    """Make the signature of an appeal; linear in the length of its text, of which the first 1,200 characters count."""
    title = item.title.strip()[:200].lower()
    content = item.content[:_READ].strip().lower()
    body = _GREETING.sub("", content, count=1)
    lead = title or body[:_LEAD]
    grams, counts = np.unique(hash_grams(f"{title}\n{body}"), return_counts=True)
    start = body if title else body[len(lead) :]
    in_lead, in_body = (
        find_names(lead.upper(), primary=True, limit=8),
        find_names(start[:_NAMED].upper(), primary=False),
    )
    lead_words, body_words = words.cut(lead), words.cut(start[:_CUT])
    numbers = {match for match in _NUMBER.findall(f"{title} {body}") if len(match) > 1}
    cited = {*_TICKET.findall(content), item.id}
    return Signature(
        id=item.id,
        time=item.created_at.timestamp() if item.created_at is not None else float("nan"),
        user=hash_text(item.user) if item.user.strip() else 0,
        grams=grams,
        counts=np.minimum(counts, 255).astype(np.uint8),
        lead=np.unique(hash_grams(lead)),
        words=_hash_all({*lead_words, *body_words}),
        lead_words=_hash_all(set(lead_words)),
        matter=_hash_all({*_outside(lead_words, in_lead.spans), *_outside(body_words, in_body.spans)}),
        names=_names(item, in_lead, in_body),
        numbers=_hash_all(numbers),
        cited=_hash_all(cited),
        length=len(item.title) + len(item.content),
        text_hash=zlib.crc32(re.sub(r"\W", "", item.content).lower().encode("utf-8", "surrogatepass")),
        titled=bool(title),
        enquiry=item.type == "咨询" or (item.type is None and bool(_ENQUIRY.search(content[:60]))),
    )


def _names(item: EventItem, in_lead: NamesFound, in_body: NamesFound) -> tuple[Name, ...]:
    seen = {(name.kind, name.text) for name in in_lead.names}
    rest = [name for name in in_body.names if (name.kind, name.text) not in seen]
    given = [Name(GIVEN, place, place in item.title) for place in item.places[:8]]
    return (*in_lead.names, *rest, *given)


def _outside(words: list[str], spans: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the words that touch no span and are no number."""
    taken = bytearray(sum(map(len, words)))
    for start, end in spans:
        taken[start:end] = b"\1" * (min(end, len(taken)) - min(start, len(taken)))
    at = 0
    for word in words:
        end = at + len(word)
        if taken.find(1, at, end) < 0 and not word.isdigit():
            yield word
        at = end


def _hash_all(strings: set[str]) -> Terms:
    hashed = {hash_text(string) for string in strings if len(string) > 1}
    return np.array(sorted(hashed), dtype=np.uint32)
