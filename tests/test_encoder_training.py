"""The encoder's training: what it may see, how it resumes, and that it learns the same thing twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.encoder.company import company_vectors, lay_end_to_end
from training.encoder.held_out import HeldOut, in_fixed_fold
from training.encoder.mixing import cross_mixed, fit_mix
from training.encoder.recipe import CPU, GPU, EncoderRecipe, VocabularyRecipe, load_encoder_recipe
from training.encoder.texts import Ticket, ticket_pairs
from training.encoder.vocabulary import LINE_END, SPECIAL, clip, ids_of, learn_vocabulary, person_names
from triage.appeal import Appeal
from triage.document import read_document
from triage.errors import TrainingError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

torch = pytest.importorskip("torch")

MATTERS = (
    "小区夜里施工噪音扰民，居民无法休息",
    "公司拖欠工人工资不发",
    "学校周边道路拥堵，请安排交警疏导",
    "自来水停水两天没人修",
)
LETTER = "我们小区楼下的烧烤店每天晚上营业到凌晨，油烟和噪音让老人孩子整夜睡不着觉，多次反映都没有人来管"


def vocabulary_recipe(**changes: object) -> VocabularyRecipe:
    settings: dict[str, object] = {
        "pieces": 200,
        "least_texts": 3,
        "least_texts_of_a_character": 2,
        "background_share": 0.5,
    }
    return VocabularyRecipe(**(settings | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn_vocabulary(
        [f"{matter}{i}" for matter in MATTERS for i in range(20)], ["股市今日上涨"], vocabulary_recipe()
    )


def pieces_of(tokenizer: Tokenizer) -> set[str]:
    return set(tokenizer.get_vocab())


def test_words_of_enough_appeals_become_pieces(tokenizer: Tokenizer) -> None:
    assert {"噪音", "拖欠", "交警"} <= pieces_of(tokenizer)
    assert "股市" not in pieces_of(tokenizer)


def test_a_word_of_too_few_appeals_is_no_piece() -> None:
    texts = [*MATTERS * 3, "广场舞太吵", "广场舞太吵"]
    found = pieces_of(learn_vocabulary(texts, [], vocabulary_recipe()))
    assert "噪音" in found
    assert "广场" not in found


def test_a_persons_name_is_no_piece_however_often_it_is_written() -> None:
    name = "诸葛亮"
    assert name in person_names()
    found = pieces_of(learn_vocabulary([f"{name}反映{matter}" for matter in MATTERS * 5], [], vocabulary_recipe()))
    assert name not in found
    assert "反映" in found


def test_numbers_are_cut_into_single_digits(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("12 34").tokens == ["1", "2", "3", "4"]
    assert not any(len(piece) > 1 and any(c.isdigit() for c in piece) for piece in pieces_of(tokenizer))


def test_masked_data_and_the_end_of_a_title_are_single_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("噪音\n噪音[手机号]").tokens == ["噪音", LINE_END, "噪音", "[手机号]"]


def test_what_was_never_seen_is_one_unknown_token(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("噪音鼋鼍").ids[1:] == [SPECIAL.index("[UNK]")]


def test_a_long_letter_keeps_its_beginning_and_its_end() -> None:
    assert clip(list(range(100)), head=3, tail=2) == [0, 1, 2, 98, 99]
    assert clip([1, 2, 3], head=2, tail=1) == [1, 2, 3]


def test_the_fixed_fold_is_the_same_everywhere_and_about_a_fifth() -> None:
    assert [i for i in range(12) if in_fixed_fold(f"a{i}")] == [1, 2, 8, 9, 11]
    share = np.mean([in_fixed_fold(f"a{i}") for i in range(4000)])
    assert 0.17 < share < 0.23


def test_a_letter_that_quotes_a_held_out_one_is_held_out_too() -> None:
    held = HeldOut.of([LETTER * 2], [])
    assert held.holds(f"转发一封信：{LETTER * 2}")
    assert held.holds((LETTER * 2).replace("，", "。 "))
    assert not held.holds("小区楼下的烧烤店晚上营业到凌晨")


def test_of_tickets_only_equal_ones_are_held_out() -> None:
    held = HeldOut.of([], [LETTER])
    assert held.holds(f" {LETTER}！")
    assert not held.holds(f"{LETTER}请尽快处理")


def test_tokens_in_the_same_company_start_near_each_other() -> None:
    generator = np.random.default_rng(0)
    texts = [[int(generator.choice([4, 5])), 6, 7] for _ in range(300)]
    texts += [[8, int(generator.choice([9, 10])), 11] for _ in range(300)]
    tokens = lay_end_to_end(texts, border=2)
    vectors = company_vectors(tokens, np.ones(len(tokens), np.float32), size=12, width=8, special=4, seed=0)
    assert not vectors[:4].any()
    assert np.square(vectors[4:]).mean(axis=1) == pytest.approx(1.0, abs=1e-3)
    assert vectors[4] @ vectors[5] > vectors[4] @ vectors[9] + 4


def ticket(number: int, unit: str, kind: str) -> Ticket:
    from training.corpus import Example

    document = read_document(Appeal(id=str(number), title="", content=f"{unit}{kind}{number}"))
    return Ticket(Example(document=document, source="tickets", group=str(number), unit=unit), kind, "2018-01-01")


def test_a_hard_negative_is_of_the_same_kind_and_another_unit() -> None:
    tickets = [
        ticket(i, unit, kind) for i, (unit, kind) in enumerate([("甲", "噪音"), ("乙", "噪音"), ("丙", "工资")] * 6)
    ]
    tickets.append(ticket(99, "", "噪音"))
    generator = np.random.default_rng(1)
    pairs = ticket_pairs(tickets, lambda n: int(generator.integers(n)))
    assert len(pairs) > 5
    for pair in pairs:
        assert pair.anchor[:3] == pair.positive[:3]
        assert pair.anchor != pair.positive
        assert pair.negative[1:3] == pair.anchor[1:3]
        assert pair.negative[0] != pair.anchor[0]


def test_a_mix_leans_on_the_model_that_knows_more() -> None:
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 3, 400)
    good = np.eye(3)[truth] * 3 + generator.normal(size=(400, 3))
    noise = generator.normal(size=(400, 3)) * 3
    weights = fit_mix([good, noise], truth)
    assert weights[0] > 5 * weights[1]
    said = cross_mixed([good, noise], truth, np.arange(400) % 2)
    assert said.sum(axis=1) == pytest.approx(1.0)
    assert (said.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("path", [CPU, GPU])
def test_both_budgets_are_readable_recipes_of_one_encoder(path: Path) -> None:
    recipe = load_encoder_recipe(path)
    assert recipe.network.width == 256
    assert recipe.network.max_tokens == 256
    assert recipe.joint.stage.minutes + recipe.masking.stage.minutes < 120


def test_an_unknown_key_of_a_recipe_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(CPU.read_text(encoding="utf-8").replace("kernel = 5", "kernal = 5"), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"part network: .*'kernal', 'kernel'|part network: .*kernal"):
        load_encoder_recipe(path)


def tiny(recipe: EncoderRecipe | None = None, *, steps: int = 6) -> EncoderRecipe:
    recipe = recipe or load_encoder_recipe(CPU)
    network = dataclasses.replace(
        recipe.network, width=16, hidden=16, views=4, blocks=("conv:1", "attention"), head_tokens=20, tail_tokens=8
    )

    def stage(own: object) -> object:
        return dataclasses.replace(own, steps=steps, minutes=0.0, batch_tokens=128, save_every=2)  # type: ignore[type-var]

    masking = dataclasses.replace(recipe.masking, stage=stage(recipe.masking.stage), row_tokens=16)  # type: ignore[arg-type]
    joint = dataclasses.replace(recipe.joint, stage=stage(recipe.joint.stage))  # type: ignore[arg-type]
    return dataclasses.replace(
        recipe, vocabulary=vocabulary_recipe(least_texts=2), network=network, masking=masking, joint=joint
    )


@pytest.fixture
def masked_run(tokenizer: Tokenizer, tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Run the language-model stage in a folder and return the weights."""
    from training.encoder.checkpoint import Checkpoint
    from training.encoder.loop import Loop
    from training.encoder.masking import make_rows, masked_steps
    from training.encoder.network import AppealNetwork

    recipe = tiny()
    tokens = lay_end_to_end(ids_of(tokenizer, list(MATTERS) * 10), border=2)
    rows = make_rows(tokens, tokens, recipe.masking, seed=recipe.seed)

    def run(name: str, *, stop_at: int | None = None, fingerprint: str = "one") -> dict[str, object]:
        torch.manual_seed(0)
        network = AppealNetwork(recipe.network, tokens=tokenizer.get_vocab_size(), heads={"type": 3})
        loop = Loop(
            stage=recipe.masking.stage,
            checkpoint=Checkpoint(tmp_path / name),
            recipe=fingerprint,
            seed=recipe.seed,
            report=lambda done, total, losses: None,
        )
        loop.run(network, masked_steps(network, tokenizer, rows, recipe.masking, seed=recipe.seed), stop_at=stop_at)
        return dict(network.state_dict())

    return run


def test_an_interrupted_stage_ends_with_the_same_weights(masked_run: Callable[..., dict[str, object]]) -> None:
    whole = masked_run("whole")
    masked_run("parts", stop_at=4)
    resumed = masked_run("parts")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_steps_after_the_last_checkpoint_are_done_again(masked_run: Callable[..., dict[str, object]]) -> None:
    whole = masked_run("whole")
    masked_run("parts", stop_at=3)
    resumed = masked_run("parts")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_another_recipe_is_refused(masked_run: Callable[..., dict[str, object]]) -> None:
    masked_run("one", stop_at=2)
    with pytest.raises(TrainingError, match="made with another recipe"):
        masked_run("one", fingerprint="two")


def network_of(texts: Sequence[list[int]]) -> list[np.ndarray]:
    from training.encoder.joint import padded
    from training.encoder.network import AppealNetwork

    torch.manual_seed(3)
    network = AppealNetwork(tiny().network, tokens=50, heads={"type": 3, "risk": 4}).eval()
    with torch.inference_mode():
        read = network(*padded(texts, device="cpu"))
    return [read.vectors.numpy(), *(logits.numpy() for logits in read.logits.values())]


def test_a_text_reads_the_same_alone_and_beside_a_longer_one() -> None:
    short, long = [5, 6, 7], list(range(4, 30))
    for alone, beside in zip(network_of([short]), network_of([short, long]), strict=True):
        assert alone[0] == pytest.approx(beside[0], abs=1e-5)


def test_a_vector_has_length_one_even_of_no_text_at_all() -> None:
    assert np.linalg.norm(network_of([[], [9]])[0], axis=1) == pytest.approx(1.0, abs=1e-4)


def test_an_unknown_block_is_named() -> None:
    from training.encoder.network import AppealNetwork

    shape = dataclasses.replace(tiny().network, blocks=("recurrent",))
    with pytest.raises(TrainingError, match="block 'recurrent' is neither"):
        AppealNetwork(shape, tokens=9, heads={})
