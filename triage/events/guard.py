"""What forbids a link whatever the scorer says: contradicting places, and likeness without anything in particular shared.

The scorer learned from message-board texts, which have titles and say much. Hotline tickets are one sentence, and two of
them are alike as soon as they come from one street (``云溪路有人占道``, ``云溪路路灯不亮``) or ask one question (``社保局电话``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.events.evidence import PLACE_FEATURES
from triage.events.features import FEATURES, Floats, PairFeatures, Rows

Mask = NDArray[np.bool_]

_SAME_PLACE = 0.6
_SAME_MATTER = 0.2
_SAME_TEXT = 0.6
_REPEATED_TEXT = 0.9
_REPEATED_DAYS = 3.0
_REPEATED_LENGTH = 30
_SHORT = 60
_COLUMN = {name: column for column, name in enumerate(FEATURES)}
_PLACES = [_COLUMN[name] for name in PLACE_FEATURES]


def contradicting(pairs: PairFeatures, left: Rows, right: Rows, *, among: Mask) -> Mask:
    """Say which pairs are mainly about different places or organisations of one kind.

    Args:
        pairs: The collection's names.
        left: int64[m].
        right: int64[m].
        among: bool[m]; the others are not looked at and come back False.
    """
    found = np.zeros(len(left), dtype=bool)
    for k in np.flatnonzero(among):
        found[k] = pairs.names.contradicts(int(left[k]), int(right[k]))
    return found


def weak(pairs: PairFeatures, left: Rows, right: Rows, features: Floats) -> Mask:
    """Say which pairs lack a reason for being one event.

    Two kinds: a bare question or remark without a place, unless one person repeats it or the text is the same within three
    days; and two texts without titles that share no place, no rare word, or nothing of the matter.

    Args:
        pairs: The collection.
        left: int64[m].
        right: int64[m].
        features: float32[m, len(FEATURES)], what ``pairs`` computed for these.
    """
    value = {name: features[:, column] for name, column in _COLUMN.items()}
    shorter = np.expm1(value["shorter_length"])
    titled, same_user = value["both_titled"] > 0, value["same_user"] > 0
    repeated = (
        (value["gram_cosine"] >= _REPEATED_TEXT)
        & (value["days_apart"] <= np.log1p(_REPEATED_DAYS))
        & (shorter >= _REPEATED_LENGTH)
    )
    placed = pairs.names.placed
    unplaced = ~placed[left] & ~placed[right]
    bare = unplaced & ((value["enquiries"] == 2) | (~titled & (shorter < _SHORT)))
    very_rare = np.log(pairs.collection.total / 6)
    particular = (features[:, _PLACES].max(axis=1) >= _SAME_PLACE) | (value["word_rarest"] >= very_rare)
    matter = (value["matter_word_contained"] >= _SAME_MATTER) | (value["gram_contained"] >= _SAME_TEXT)
    vague = ~titled & ~(particular & matter) & (value["cited"] == 0)
    return np.asarray((bare | vague) & ~repeated & ~same_user, dtype=bool)
