"""How early warnings come and how often they are wrong: the replay's arithmetic on streams that can be checked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.test_warning_rules import RULES
from training.early_figures import Run, Stream, judge
from training.early_replay import Arrived, read_arrivals, write_arrivals
from training.early_scores import MessageRisk, join_matters, read_scores_file, write_scores
from training.early_tuning import Choice, choices, curve, together
from training.event_metrics import GoldEvent
from triage.rules.warnings import Likely

MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)


def come(id_: str, day: float, event: int, *, person: int = -1, level: int = 2, score: float = 0.2) -> Arrived:
    number = person if person >= 0 else sum(map(ord, id_))
    return Arrived(id=id_, at=MONDAY + timedelta(days=day), event=event, person=number, level=level, score=score)


def stream_of(
    *arrivals: Arrived, risks: Mapping[str, int], gold: Mapping[str, str] | None = None, folds: int = 1
) -> Stream:
    """Events are dealt to folds by their number."""
    ordered = sorted(arrivals, key=lambda one: one.at)
    events = [GoldEvent(id=id_, event=event, batch="b") for id_, event in (gold or {}).items()]
    return Stream.of(ordered, {one.id: one.event % folds for one in arrivals}, risks, events)


def test_a_growing_event_is_warned_of_when_it_becomes_frequent_and_its_lead_is_counted_in_days() -> None:
    arrivals = [come("a", 0, 0), come("b", 1, 0), come("c", 2, 0), come("d", 9, 0, level=3)]
    stream = stream_of(*arrivals, risks={"a": 2, "d": 3})
    warned = stream.run.warnings(RULES)[0]
    assert (warned.message, warned.grounds) == ("c", ("frequent",))
    found = judge(stream, RULES, stream.matters(annotated=False))
    assert (found.matters, found.with_earlier, found.warned, found.told) == (1, 1, 1, 1)
    assert found.leads == (7.0,)
    assert (found.right, found.wrong, found.unjudged) == (1, 0, 0)


def test_a_warning_by_the_serious_message_itself_is_not_early() -> None:
    stream = stream_of(come("a", 0, 0), come("b", 1, 0, level=3), risks={"b": 3})
    found = judge(stream, RULES, stream.matters(annotated=False))
    assert (found.with_earlier, found.warned, found.told, found.leads) == (1, 0, 1, ())


def test_an_event_that_begins_with_the_serious_message_cannot_be_warned_of() -> None:
    stream = stream_of(come("a", 0, 0, level=3), come("b", 1, 0), risks={"a": 4})
    found = judge(stream, RULES, stream.matters(annotated=False))
    assert (found.matters, found.with_earlier, found.warned, found.told) == (1, 0, 0, 1)


def test_the_first_serious_message_counts_not_the_first_that_models_think_serious() -> None:
    arrivals = [come("a", 0, 0, level=3), come("b", 4, 0, level=1)]
    stream = stream_of(*arrivals, risks={"a": 2, "b": 3})
    assert judge(stream, RULES, stream.matters(annotated=False)).leads == (4.0,)


def test_warned_events_are_right_wrong_or_not_judged() -> None:
    arrivals = [come(name, 0, k, level=3) for k, name in enumerate("abcd")]
    stream = stream_of(*arrivals, risks={"a": 4, "b": 2, "c": 0})
    found = judge(stream, RULES, [])
    assert (found.right, found.wrong, found.unjudged) == (1, 2, 1)
    found = replace(found, weeks=2.0)
    assert found.wrong_per_week == 1.0
    assert found.estimated_wrong_per_week == pytest.approx((2 + 2 / 3) / 2)
    assert found.most_wrong_per_week == 1.5


def test_an_annotated_event_may_be_spread_over_linked_ones() -> None:
    arrivals = [come("a", 0, 0, level=3), come("b", 5, 1, level=1)]
    stream = stream_of(*arrivals, risks={"b": 3}, gold={"a": "e", "b": "e"})
    assert judge(stream, RULES, stream.matters(annotated=True)).leads == (5.0,)
    assert judge(stream, RULES, stream.matters(annotated=False)).with_earlier == 0
    assert judge(stream, RULES, []).right == 1  # the warned event reports a serious matter


def test_joining_an_event_that_was_warned_of_counts_from_the_joining() -> None:
    arrivals = [come("x", 0, 0, level=3), come("a", 3, 0), come("b", 5, 1)]
    stream = stream_of(*arrivals, risks={"b": 3}, gold={"a": "e", "b": "e"})
    assert judge(stream, RULES, stream.matters(annotated=True)).leads == (2.0,)


def test_figures_of_folds_add_up() -> None:
    arrivals = [come(f"{k}{n}", n + k, k, level=n + 2) for k in range(4) for n in range(2)]
    stream = stream_of(*arrivals, risks={f"{k}1": 3 for k in range(4)}, folds=2)
    matters = stream.matters(annotated=False)
    whole = judge(stream, RULES, matters)
    parts = [judge(stream, RULES, matters, folds=[fold]) for fold in (0, 1)]
    assert whole.matters == 4
    assert together(parts) == whole


def test_the_same_person_twice_is_a_ground_and_far_ones_are_outside_the_window() -> None:
    run = Run([come("a", 0, 0, person=1), come("b", 90, 0, person=1)])
    assert run.warnings(RULES)[0].grounds == ("repeat",)
    run = Run([come(str(k), 16 * k, 0, person=k) for k in range(9)])
    assert run.warnings(RULES) == {}


def test_thresholds_are_chosen_within_the_budget_and_judged_on_folds_left_out() -> None:
    # Every event of two ends badly and its first message looks like it; single messages look less so and are harmless.
    arrivals: list[Arrived] = []
    risks: dict[str, int] = {}
    for k in range(20):
        arrivals += [come(f"{k}a", k, k, score=0.22), come(f"{k}b", k + 3, k, level=3)]
        risks |= {f"{k}a": 2, f"{k}b": 3}
    for k in range(20, 60):
        arrivals.append(come(f"{k}", k % 20, k, score=0.13))
        risks[f"{k}"] = 1
    stream = stream_of(*arrivals, risks=risks, folds=4)
    matters = stream.matters(annotated=False)
    strict, generous = curve(stream, RULES, matters, budgets=[0.0, 1e9])
    assert strict.choice.alone in (0.2, 0.17, 0.14)
    assert (strict.seen.warned, strict.seen.wrong) == (strict.unseen.warned, strict.unseen.wrong) == (20, 0)
    assert generous.seen.warned == 20
    assert strict.seen.median_lead == 3.0


def test_a_choice_changes_only_what_is_tuned() -> None:
    rules = Choice(alone=0.3, together=None, steps=0.2).rules(RULES)
    assert rules.likely == (Likely(1, 0.3),)
    assert {step.least_score for code, step in rules.steps.items() if code not in ("returned", "overdue")} == {0.2}
    assert (rules.heads, rules.growth, rules.steps["overdue"]) == (RULES.heads, RULES.growth, RULES.steps["overdue"])
    assert all(one.together is None or one.alone is None or one.together < one.alone for one in choices())


def test_files_of_runs_and_scores_come_back_as_they_were(tmp_path: Path) -> None:
    arrivals = [come("a", 0, 0), come("b", 1.5, 3, score=0.123456)]
    write_arrivals(arrivals, tmp_path / "run.csv")
    assert read_arrivals(tmp_path / "run.csv") == arrivals
    score = MessageRisk(id="a", fold=2, level=3, at_least=(0.9, 0.8, 0.5, 0.1), type="投诉")
    write_scores([score], tmp_path / "scores.csv")
    assert read_scores_file(tmp_path / "scores.csv") == {"a": score}


def test_messages_that_share_anything_stay_in_one_matter() -> None:
    keys = [("a", "event 1"), ("b", "event 1"), ("b", "group 7"), ("c", "group 7"), ("d", "event 2")]
    found = join_matters("abcde", keys)
    assert found["a"] == found["b"] == found["c"]
    assert len({found["a"], found["d"], found["e"]}) == 3
