"""A whole run of the encoder's training on invented corpora: what is held out stays out, what is trained is shipped."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.encoder import OnnxEncoder
from models.encoder_folder import MANIFEST, MODEL
from tests.test_encoder_training import tiny
from training.encoder.held_out import in_fixed_fold
from training.encoder.texts import EVENT, REPLY, TITLE, Pool, read_pool
from triage.appeal import Appeal
from triage.document import read_document
from triage.errors import TrainingError

if TYPE_CHECKING:
    from training.encoder.run import EncoderRun, Trained

pytest.importorskip("torch")

PLACES = ("东湖", "西岭", "南门", "北桥", "中山", "青石", "白云", "长宁", "和平", "新华", "朝阳", "复兴")
MATTERS = {
    "噪音": (("夜里施工机器轰鸣", "老人孩子没法睡觉", "请城管部门管一管"), "城管局", "城乡建设"),
    "欠薪": (("工地拖欠工人工资", "二十多人没钱回家", "请人社部门帮忙讨要"), "人社局", "劳动和社会保障"),
    "停水": (("自来水停水三天", "居民做饭洗衣成问题", "请供水公司尽快抢修"), "水务局", "城乡建设"),
}
DEV_LETTER = "北桥路口红绿灯坏了一个星期，早晚高峰车辆互不相让，已经发生两起碰撞事故，请交警尽快派人检修恢复"
DEV_TICKET = "市民来电反映青石市场门口占道经营严重，行人只能走机动车道，请执法人员到场清理"


def letters() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in PLACES:
        for name, (parts, function, topic) in MATTERS.items():
            number = len(found)
            # The place between all parts: letters that share thirty characters in a row count as copies.
            text = f"，{place}".join(parts)
            found.append(
                {
                    "id": f"3-{number}",
                    "title": f"{place}{name}问题一直没有人处理",
                    "content": f"{place}{text}。编号{number}",
                    "group": str(number),
                    "dept": [function],
                    "l1": topic,
                    "l2": name,
                    "type": "投诉",
                    "risk": 3 if name == "欠薪" else 1,
                    "factors": ["欠薪"] if name == "欠薪" else [],
                    "evidence": [],
                    "pass": 1,
                }
            )
    return found


def held(record: Mapping[str, Any]) -> bool:
    return in_fixed_fold(f"a{record['group']}")


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def ticket(number: int, content: str, unit: str) -> dict[str, Any]:
    row = {"ticket_id": f"20180{number:03d}", "created_date": f"2018-01-{1 + number % 28:02d}", "type": "投诉"}
    return row | {"cat1": "城建", "cat2": "市容", "cat3": "噪音", "title": "", "content": content, "unit": unit}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    own = letters()
    messages = [
        {"id": r["id"][2:], "user": "u", "title": r["title"], "time": "2019/1/1", "content": r["content"]} for r in own
    ]
    calls = [
        {k: v for k, v in r.items() if k not in ("dept", "l1", "l2", "group")}
        | {"id": f"H-{i}", "title": "", "content": f"市民来电：{r['content']}，{i}", "emergency": i % 2 == 0}
        for i, r in enumerate(own)
    ]
    units = [f"海口市{place}区{name}" for place in ("龙华", "美兰") for name in ("城市管理局", "人力资源局")]
    tickets = [
        ticket(i, f"市民反映{PLACES[i % 12]}路{i}号{r['content'][:30]}", units[i % 4]) for i, r in enumerate(own)
    ]
    dev = {"row": 1, "id": 1, "user": "u", "time": "", "title": "", "content": DEV_LETTER, "l1": "交通", "group": 1}
    write_lines(folder / "annotated" / "appeals.jsonl", own)
    write_lines(folder / "annotated" / "hotline_risk.jsonl", [*calls, calls[0] | {"content": DEV_TICKET, "id": "H-99"}])
    write_csv(folder / "messages2019" / "messages.csv", messages)
    write_csv(
        folder / "replies" / "messages_with_replies.csv",
        [m | {"reply": f"答复{m['id']}号：已转办理"} for m in messages],
    )
    write_csv(
        folder / "appeals7" / "train.csv", [dev | {"content": f"{r['content']}望回复", "l1": r["l1"]} for r in own]
    )
    write_csv(folder / "appeals7" / "dev.csv", [dev])
    write_csv(folder / "appeals7" / "unlabelled.csv", [dev | {"content": f"转发：{DEV_LETTER}！谢谢"}])
    write_csv(folder / "haikou12345" / "tickets_train.csv", [*tickets, ticket(999, DEV_TICKET, units[0])])
    write_csv(folder / "haikou12345" / "tickets_dev.csv", [ticket(500, DEV_TICKET, units[0])])
    write_csv(folder / "haikou12345" / "tickets_without_unit.csv", [ticket(600, "市民咨询社保卡办理地点", "")])
    events = [{"id": r["id"], "event": f"e{i % 3}", "batch": "b", "ambiguous": False} for i, r in enumerate(own)]
    events += [{"id": r["id"], "event": f"f{i}", "batch": "b", "ambiguous": False} for i, r in enumerate(own)]
    write_lines(folder / "same_event" / "events.jsonl", events)
    (folder / "same_event" / "ignore_pairs.json").write_text("[]", encoding="utf-8")
    (folder / "corpus").mkdir()
    with gzip.open(folder / "corpus" / "news.txt.gz", "wt", encoding="utf-8") as file:
        file.write("".join(f"今日股市上涨，第{i}条新闻\n" for i in range(30)) + DEV_LETTER + "\n")
    pair = {"source": "afqmc-train", "a": "怎么还款", "b": "如何还款", "label": "1"}
    write_csv(folder / "pairs" / "pairs.csv.gz", [pair, pair | {"label": "0"}])
    write_csv(folder / "pairs" / "nli.csv.gz", [pair | {"label": "entailment"}, pair | {"label": "contradiction"}])
    return folder


@pytest.fixture(scope="module")
def pool(corpus: Path) -> Pool:
    return read_pool(corpus, unit_share=0.5)


def everything(pool: Pool) -> list[str]:
    pairs = [
        text for kind in pool.pairs.values() for pair in kind for text in (pair.anchor, pair.positive, pair.negative)
    ]
    labelled = [example.document.text for example in (*pool.letters, *pool.calls)]
    routed = [t.example.document.text for t in pool.tickets]
    return [*pool.appeals, *pool.background, *pairs, *labelled, *routed, *(p.document.text for p in pool.petitions)]


def test_no_text_of_the_fixed_fold_is_in_any_stage(pool: Pool) -> None:
    out = [record for record in letters() if held(record)]
    assert out
    assert len(pool.held_letters) == len(out)
    contents = [read_document(Appeal(id="", title="", content=record["content"])).text for record in out]
    assert not [text for text in everything(pool) if any(content in text for content in contents)]


def test_the_replies_to_held_out_letters_stay_out_too(pool: Pool) -> None:
    seen = "\n".join(everything(pool))
    for number, record in enumerate(letters()):
        assert (f"答复{number}号" in seen) is not held(record)
    assert pool.pairs[REPLY]


def test_dev_texts_and_letters_that_quote_them_stay_out(pool: Pool) -> None:
    seen = everything(pool)
    assert not [text for text in seen if DEV_LETTER[:30] in text or DEV_TICKET[:20] in text]
    assert pool.left_out["background"] == 1


def test_a_hotline_ticket_of_the_dev_part_is_judged_and_not_learned(pool: Pool) -> None:
    assert [e for e in pool.held_calls if "青石市场" in e.document.text]


def test_an_event_with_a_held_out_message_is_no_pair(pool: Pool) -> None:
    # Each of the three events has a message of the fixed fold; single messages make no pair anyway.
    assert pool.pairs[EVENT] == []
    assert pool.pairs[TITLE]


def test_only_the_earliest_tickets_carry_their_unit(pool: Pool) -> None:
    taught = [t.date for t in pool.tickets if t.example.unit]
    silent = [t.date for t in pool.tickets if not t.example.unit]
    assert taught
    assert silent
    assert max(taught) <= min(silent)


def run_in(folder: Path, corpus: Path) -> EncoderRun:
    from training.encoder.run import EncoderRun

    recipe = tiny(steps=4)
    recipe = dataclasses.replace(recipe, joint=dataclasses.replace(recipe.joint, unit_share=0.5))
    return EncoderRun(recipe, corpus, folder, say=lambda line: None, report=lambda *facts: None)


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return run_in(tmp_path_factory.mktemp("work") / "run", corpus).train(resume=False)


def test_a_run_goes_through_all_stages_and_notes_its_losses(trained: Trained) -> None:
    assert all(progress.done and progress.curve for progress in trained.progress.values())
    assert trained.tasks.classes["l2"] == sorted(trained.tasks.classes["l2"])


def test_a_finished_run_is_loaded_as_it_was_and_not_trained_over(corpus: Path, tmp_path: Path) -> None:
    run = run_in(tmp_path / "run", corpus)
    first = run.train(resume=False).network.state_dict()
    again = run_in(tmp_path / "run", corpus)
    with pytest.raises(TrainingError, match="holds a run already; add --resume"):
        again.train(resume=False)
    for found in (again.train(resume=True), again.load()):
        assert all(bool((first[name] == tensor).all()) for name, tensor in found.network.state_dict().items())


TEXTS = ("东湖小区夜里施工噪音", "老板拖欠工人工资", "停水三天没有通知，" * 30, "")


def vectors_of(trained: Trained, texts: Sequence[str]) -> np.ndarray:
    from training.encoder.reading import network_reader

    return network_reader(trained)(texts).vectors


@pytest.mark.filterwarnings("ignore")
def test_what_is_shipped_says_what_was_trained(trained: Trained, tmp_path: Path) -> None:
    from training.encoder.card import CARD, CURVES, draw_curves, encoder_card
    from training.encoder.shipping import export, write_folder

    exported = export(trained, TEXTS)
    documents = {CARD: encoder_card(trained, {}, size=len(exported.small)).encode(), CURVES: draw_curves(trained)}
    write_folder(tmp_path / "encoder", trained, exported.small, metrics={"n": 4}, documents=documents)
    encoder = OnnxEncoder.load(tmp_path / "encoder")
    read = encoder.read(TEXTS)
    assert (vectors_of(trained, TEXTS[:3]) * read.vectors[:3]).sum(axis=1) == pytest.approx(1.0, abs=0.02)
    assert encoder.heads["risk"] == ("≥1", "≥2", "≥3", "≥4")
    assert read.heads["l2"].shape == (4, len(trained.tasks.classes["l2"]))
    assert len(exported.small) < len(exported.full)
    # A text's vector does not depend on its neighbours.
    assert np.array_equal(encoder.encode(TEXTS[:1])[0], read.vectors[0])
    assert (tmp_path / "encoder" / CURVES).read_bytes().startswith(b"\x89PNG")
    card = (tmp_path / "encoder" / CARD).read_text(encoding="utf-8")
    assert "Labels were made by a large language model" in card
    record = json.loads((tmp_path / "encoder" / MANIFEST).read_text(encoding="utf-8"))
    assert record["files"][MODEL]["size"] == len(exported.small)
    assert record["metrics"] == {"n": 4}
