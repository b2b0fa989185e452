"""The encoder's word pieces: learned from unlabelled texts, then cleared of everything that could name a person."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import jieba
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from training.encoder.recipe import VocabularyRecipe
from triage.errors import TrainingError
from triage.events.words import WordCutter
from triage.privacy.spans import TOKENS

PAD, UNKNOWN, BORDER, MASK = "[PAD]", "[UNK]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, BORDER, MASK)
LINE_END = "\n"
"""Stands between title and content; a token of its own, since a title says in six words what the letter is about."""

_LONGEST = 6
_HAN = re.compile("[\u4e00-\u9fff]+")
_PERSON = frozenset({"nr", "nrfg", "nrt"})
"""Parts of speech of person names in jieba's dictionary."""

_BATCH = 1000
_ROUNDS = 2


def blank_tokenizer(vocabulary: list[tuple[str, float]] | None = None) -> Tokenizer:
    """Return a tokenizer that cuts at spaces, punctuation and single digits, with these pieces or none yet."""
    tokenizer = Tokenizer(models.Unigram(vocabulary, SPECIAL.index(UNKNOWN) if vocabulary else None))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"[^\p{L}\p{N}]"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex("[\u4e00-\u9fff]+"), "isolated"),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in (*SPECIAL, LINE_END, *TOKENS)])
    return tokenizer


def learn_vocabulary(appeals: Sequence[str], background: Sequence[str], recipe: VocabularyRecipe) -> Tokenizer:
    """Learn word pieces: dictionary words that appeals use, frequent characters, and how likely each is.

    The trainer of the tokenizers library reads 14 million characters without spaces for more than ten minutes on one
    core, and what it proposes beyond the dictionary is largely names and half words. Words of a dictionary hold no
    appellant by construction; two rounds of counting the best cut (Viterbi training) give the same kind of model.

    Args:
        appeals: Texts that every piece must occur in often enough, see the recipe.
        background: Other lines; an evenly spread share of them is counted too.
        recipe: Settings.
    """
    step = max(1, round(1 / recipe.background_share)) if recipe.background_share else len(background) + 1
    texts, lines = [text.lower() for text in appeals], [line.lower() for line in background[::step]]
    cutter, persons = WordCutter(), person_names()
    cuts = [cutter.cut(text) for text in texts]
    frequency = Counter(piece for cut in cuts for piece in set(cut)) | Counter(c for text in texts for c in set(text))
    used = Counter(piece for cut in cuts for piece in cut)
    used.update(piece for line in lines for piece in cutter.cut(line))
    kept = {piece for piece, count in frequency.items() if _is_kept(piece, count, recipe) and piece not in persons}
    if not kept:
        raise TrainingError("no word piece is frequent enough; give more texts or lower least_texts")
    words = sorted((p for p in kept if len(p) > 1), key=lambda p: (-used[p], p))[: recipe.pieces]
    pieces = sorted([p for p in kept if len(p) == 1] + words, key=lambda p: (-used[p], p))
    for _ in range(_ROUNDS):
        tokenizer = blank_tokenizer(_scored(pieces, used))
        numbers = Counter(number for ids in ids_of(tokenizer, [*texts, *lines]) for number in ids)
        used = Counter({str(tokenizer.id_to_token(number)): count for number, count in numbers.items()})
    return blank_tokenizer(_scored(pieces, used))


def person_names() -> frozenset[str]:
    """Return the words that the dictionary calls names of persons."""
    with Path(jieba.__file__).with_name("dict.txt").open(encoding="utf-8") as lines:
        entries = (line.split() for line in lines)
        return frozenset(entry[0] for entry in entries if entry[-1] in _PERSON and len(entry[0]) > 1)


def _scored(pieces: Sequence[str], used: Mapping[str, int]) -> list[tuple[str, float]]:
    """Return the pieces with natural logarithms of their probability, behind the special tokens."""
    total = math.log(sum(used[piece] + 1 for piece in pieces))
    return [(token, 0.0) for token in SPECIAL] + [(piece, math.log(used[piece] + 1) - total) for piece in pieces]


def ids_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return each text's token numbers, uncut."""
    return [
        encoding.ids
        for at in range(0, len(texts), _BATCH)
        for encoding in tokenizer.encode_batch_fast(list(texts[at : at + _BATCH]), add_special_tokens=False)
    ]


def clip(ids: Sequence[int], *, head: int, tail: int) -> list[int]:
    """Keep the first ``head`` and the last ``tail`` tokens of a longer text."""
    if len(ids) <= head + tail:
        return list(ids)
    return [*ids[:head], *ids[len(ids) - tail :]]


def _is_kept(piece: str, texts: int, recipe: VocabularyRecipe) -> bool:
    if piece.isspace() or piece in SPECIAL:
        return False
    if len(piece) == 1:
        return texts >= recipe.least_texts_of_a_character
    # Several digits or foreign letters are numbers and accounts of people; dictionary words are Chinese.
    return texts >= recipe.least_texts and len(piece) <= _LONGEST and _HAN.fullmatch(piece) is not None
