from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from triage.errors import OutputError
from triage.io.readers import read_rows
from triage.samples.__main__ import main, write_history


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_samples_become_six_weeks_of_history_and_two_weeks_of_new_appeals(tmp_path: Path) -> None:
    main([str(tmp_path / "city")])
    history, new = records(tmp_path / "city" / "history.jsonl"), records(tmp_path / "city" / "new.jsonl")
    assert len(history) > 2 * len(new) > 100
    assert max(record["时间"] for record in history) < min(record["时间"] for record in new)


def test_the_history_is_read_with_text_and_answers(tmp_path: Path) -> None:
    write_history(tmp_path)
    rows = list(read_rows(tmp_path / "history.jsonl", columns={}))
    assert len(rows) == len(records(tmp_path / "history.jsonl"))
    assert all(row.appeal.content and row.appeal.created_at for row in rows)
    assert sum(bool(row.text("unit")) for row in rows) > 0.9 * len(rows)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="无法写入"):
        write_history(tmp_path / "file" / "below")
