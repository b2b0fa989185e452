"""The stream received once more: in the order of time, by the real service, with the risk that was stated beforehand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from training.early_replay import OutOfFold, receive_all
from training.early_scores import MessageRisk
from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage
from triage.rules.durations import CHINA
from triage.store.vectors import HashedProjection
from triage.testing import same_text_scorer

WASTE = "青石大道农贸市场门口垃圾堆放无人清理，夏天气味很大，附近居民多次反映一直没有结果，请尽快安排清运"
FIRE = "云溪花园三号楼正在着火，火势很大，楼上有人被困出不来，请马上派人来救！"


def message(id_: str, content: str, day: int | None, *, user: str = "") -> Appeal:
    at = datetime(2026, 3, day, 9, tzinfo=CHINA) if day else None
    return Appeal(id=id_, title="", content=content, created_at=at, user=user)


def active(*messages: Appeal) -> dict[int, ActiveTriage]:
    """Two sets of models that say level 1 and 2, so that it shows which of them judged."""
    found = {}
    for fold in (0, 1):
        risks = {
            (one.title, one.content): MessageRisk(
                id=one.id, fold=fold, level=fold + 1, at_least=(0.9, 0.4, 0.2, 0.1), type="投诉"
            )
            for one in messages
        }
        scorer = same_text_scorer()
        encoder = HashedProjection(scorer.frequencies)
        found[fold] = ActiveTriage(triage=OutOfFold(risks), bundle="fake", scorer=scorer, encoder=encoder)
    return found


def test_messages_arrive_in_the_order_of_time_each_judged_by_the_models_of_its_fold(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    stream = [
        message("c", WASTE, 7, user="甲"),
        message("a", WASTE, 2, user="甲"),
        message("b", FIRE, 5),
    ]
    found = receive_all(stream, {"a": 0, "b": 0, "c": 1}, active(*stream))
    assert [one.id for one in found] == ["a", "b", "c"]
    assert [one.event for one in found] == [0, 1, 0]
    assert [one.person for one in found] == [0, 1, 0]
    assert [(one.level, one.score) for one in found] == [
        (1, 0.2),
        (4, 0.5),
        (2, 0.2),
    ]  # the fire by the rules of danger
    assert found[0].at == datetime(2026, 3, 2, 9, tzinfo=CHINA)
    assert list(short_folder.glob("triage-*")) == []


def test_a_message_without_a_time_is_refused_by_name() -> None:
    one = message("x9", WASTE, None)
    with pytest.raises(ValueError, match="message x9 has no time"):
        receive_all([one], {"x9": 0}, active(one))
