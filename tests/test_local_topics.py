"""A local bundle that sorts letters by topic instead of unit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.bundle import load_bundle
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.evaluate import evaluate
from training.local import save_local, train_local
from training.local_stack import Ticket
from triage.appeal import Appeal
from triage.document import read_document
from triage.routing.local import LocalModel, local_model_from
from triage.service import Triage

TOPICS = {"城乡建设": "小区路面破损积水", "教育文体": "学校补课收费", "环境保护": "工厂排放废气刺鼻"}


def tickets(*, titles: bool = True) -> list[Ticket]:
    found = []
    for i in range(60):
        topic, words = list(TOPICS.items())[i % 3]
        title = f"反映{words}" if titles else ""
        found.append(
            Ticket(read_document(Appeal(id=str(i), title=title, content=f"第{i}次反映{words}，请处理")), topic)
        )
    return found


def trained(examples: list[Ticket]) -> LocalModel:
    recipe = load_recipe(CONFIGS / "local.toml", LocalRecipe)
    return train_local(examples, None, recipe=recipe, label="l1", strip=True)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("topics") / "topics"
    examples = tickets()
    model = trained(examples)
    save_local(model, folder, name="topics", tickets=examples, metrics={"held_out": {}}, card=lambda _: "#\n")
    return folder


def test_the_title_of_a_letter_is_a_field_of_its_own(bundle: Path) -> None:
    assert [part.field for part in local_model_from(load_bundle(bundle)).text.fields] == ["title", "content"]


def test_letters_without_titles_are_read_as_one_text() -> None:
    assert [part.field for part in trained(tickets(titles=False)).text.fields] == ["text"]


def test_the_words_that_spoke_for_a_topic_are_found_in_title_and_content(bundle: Path) -> None:
    triage = Triage.load(bundle)
    reading = triage.read([Appeal(id="x", title="反映工厂排放废气刺鼻", content="请处理")])[0]
    assert len(reading.route_credit) == len(reading.document.text)
    assert reading.route_credit.max() > 0.0


def test_the_citys_own_topics_are_judged_not_those_of_the_base_bundle(bundle: Path, tmp_path: Path) -> None:
    rows = [
        {"id": str(i), "title": f"反映{words}", "content": words, "l1": topic}
        for i, (topic, words) in enumerate(TOPICS.items())
    ]
    file = tmp_path / "dev.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    figures = evaluate(file, Triage.load(bundle), label="l1", columns={})
    assert figures["l1"]["top1"] == 1.0
    assert "auto" in figures["l1"]
