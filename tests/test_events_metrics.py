"""Event metrics against examples worked out by hand."""

from __future__ import annotations

import pytest

from training.event_metrics import GoldEvent, ignored_pairs, score_events


def gold(text: str, *, batch: str = "b1", ambiguous: str = "") -> list[GoldEvent]:
    """``a:1 b:1 c:2`` → three messages, two events; ``ambiguous`` lists ids."""
    parts = (word.split(":") for word in text.split())
    return [GoldEvent(id=id_, event=event, batch=batch, ambiguous=id_ in ambiguous) for id_, event in parts]


def test_pairs_and_b_cubed_of_a_small_example() -> None:
    # Truth {a b c} {d e} {f}; said {a b} {c d e} {f}.
    events = gold("a:1 b:1 c:1 d:2 e:2 f:3")
    scores = score_events(events, {"a": "x", "b": "x", "c": "y", "d": "y", "e": "y", "f": "z"})
    # Said pairs ab cd ce de, right ab de; true pairs ab ac bc de.
    assert scores.pairs.precision == pytest.approx(2 / 4)
    assert scores.pairs.recall == pytest.approx(2 / 4)
    # Precision 1 1 1/3 2/3 2/3 1, recall 2/3 2/3 1/3 1 1 1, over six messages.
    assert scores.b_cubed.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert scores.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    # Without event 1: said pair de is right and the only true one.
    assert scores.pairs_without_largest.f1 == pytest.approx(1.0)


def test_messages_of_different_batches_are_never_compared() -> None:
    events = gold("a:1 b:2") + gold("c:1 d:3", batch="b2")
    scores = score_events(events, dict.fromkeys("ac", "x") | {"b": "y", "d": "z"})
    assert scores.pairs.n == 0
    assert scores.pairs.f1 == 1.0


def test_ambiguous_messages_are_not_judged() -> None:
    events = gold("a:1 b:1 c:2", ambiguous="c")
    scores = score_events(events, dict.fromkeys("abc", "x"))
    assert scores.pairs.precision == 1.0
    assert scores.messages == 2


def test_ignored_event_pairs_are_neither_right_nor_wrong() -> None:
    events = gold("a:1 b:1 c:2")
    ignored = ignored_pairs([["2", "1"]])
    said = dict.fromkeys("abc", "x")
    assert score_events(events, said).pairs.precision == pytest.approx(1 / 3)
    assert score_events(events, said, ignored=ignored).pairs.precision == 1.0
    assert score_events(events, said, ignored=ignored).b_cubed.precision == 1.0


def test_a_message_without_prediction_stands_alone() -> None:
    scores = score_events(gold("a:1 b:1"), {})
    assert scores.pairs.recall == 0.0
    assert scores.pairs.precision == 1.0
    assert scores.b_cubed.precision == 1.0


def test_nothing_to_judge_gives_full_marks_not_an_error() -> None:
    assert score_events([], {}).b_cubed.f1 == 1.0
