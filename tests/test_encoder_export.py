"""Encoders of strangers: a BERT and a table of static embeddings, from a folder, without a network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.encoder import OnnxEncoder
from models.errors import EncoderError
from training.encoder_export import Exported, export
from training.encoder_export.networks import reduction_matrix
from training.encoder_export.reading import is_hub_name, read

TEXTS = ["小区门口路灯不亮", "楼下烧烤店油烟直排，附近居民无法入睡", "拖欠工资三个月，工人要求尽快支付"]
QUERY = "为这个句子生成表示以用于检索相关文章："
LETTERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, range(0x4E00, 0x9FA6, 3)), *"，。：0123456789abc"]


@pytest.fixture(scope="module")
def no_network() -> Iterator[list[object]]:
    """Every attempt to reach another machine fails, and is remembered."""
    attempts: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        attempts.append(arguments[1:] or arguments)
        raise OSError("no network in this test")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, refuse)
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            patch.setattr(socket, name, refuse)
        yield attempts


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, no_network: list[object]) -> Path:
    """The folders ``bert`` (48 numbers, prompts, pooled by its first token) and ``static`` (320 numbers)."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    place = tmp_path_factory.mktemp("foreign")
    torch.manual_seed(0)
    tokenizer = BertTokenizer(vocab={letter: at for at, letter in enumerate(LETTERS)})
    shape: dict[str, Any] = {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 96,
    }
    BertModel(BertConfig(vocab_size=len(LETTERS), max_position_embeddings=128, **shape)).save_pretrained(
        place / "plain"
    )
    tokenizer.save_pretrained(place / "plain")
    transformer = Transformer(str(place / "plain"))
    pooled = SentenceTransformer(
        modules=[transformer, Pooling(48, pooling_mode="cls")], prompts={"query": QUERY}, device="cpu"
    )
    pooled.save(str(place / "bert"), create_model_card=False)
    table = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=320)], device="cpu")
    table.save(str(place / "static"), create_model_card=False)
    return place


@pytest.fixture(scope="module")
def bert(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(str(models / "bert"), tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def static(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(str(models / "static"), tmp_path_factory.mktemp("static"))


def own_vectors(folder: Path, texts: list[str]) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(texts, prompt="", normalize_embeddings=True)


def test_a_bert_gives_the_models_own_vectors(models: Path, bert: Exported, no_network: list[object]) -> None:
    encoder = OnnxEncoder.load(bert.folder)
    expected = own_vectors(models / "bert", TEXTS)
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (3, 256)
    assert np.allclose(vectors[:, 48:], 0, atol=1e-6)
    assert (np.sum(vectors[:, :48] * expected, axis=1) > 0.98).all()
    assert (bert.manifest.architecture, bert.manifest.pooling) == ("BertModel", "cls")
    assert bert.manifest.reduction == {"method": "padding", "from": 48}
    assert bert.parity["mean"] >= 0.98
    assert no_network == []


def test_its_prompt_for_queries_goes_before_queries_only(models: Path, bert: Exported) -> None:
    encoder = OnnxEncoder.load(bert.folder)
    assert (bert.manifest.query_prompt, bert.manifest.document_prompt) == (QUERY, "")
    assert np.array_equal(encoder.encode_queries(["路灯"]), encoder.encode([QUERY + "路灯"]))
    assert not np.allclose(encoder.encode_queries(["路灯"]), encoder.encode(["路灯"]), atol=1e-3)


def test_a_table_of_static_embeddings_is_projected_and_keeps_its_neighbours(
    models: Path, static: Exported, no_network: list[object]
) -> None:
    encoder = OnnxEncoder.load(static.folder)
    own = own_vectors(models / "static", TEXTS)
    vectors = encoder.encode(TEXTS)
    assert static.manifest.reduction["method"] == "projection"
    assert static.manifest.reduction["from"] == 320
    assert static.weights == "int8"
    assert np.abs(vectors @ vectors.T - own @ own.T).max() < 0.25
    assert np.allclose(vectors, encoder.encode(TEXTS * 9)[-3:], atol=1e-6)
    assert no_network == []


def test_the_same_model_exported_twice_is_the_same_encoder(models: Path, static: Exported, tmp_path: Path) -> None:
    again = export(str(models / "static"), tmp_path)
    assert again.manifest.fingerprint == static.manifest.fingerprint
    other = export(str(models / "static"), tmp_path, matryoshka=True)
    assert other.manifest.fingerprint != static.manifest.fingerprint
    assert other.manifest.reduction == {"method": "matryoshka", "from": 320}
    own = own_vectors(models / "static", TEXTS)[:, :256]
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    assert (np.sum(OnnxEncoder.load(other.folder).encode(TEXTS) * own, axis=1) > 0.99).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((again.folder.name, other.folder.name))


def test_serving_it_needs_no_torch(bert: Exported) -> None:
    code = (
        "import sys; from pathlib import Path; from models.encoder import OnnxEncoder\n"
        "print(OnnxEncoder.load(Path(sys.argv[1])).encode(['路灯']).shape)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'onnx'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bert.folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "(1, 256)\n"), done.stderr


def test_weights_that_may_hold_a_program_are_refused(models: Path, tmp_path: Path, no_network: list[object]) -> None:
    import torch

    folder = tmp_path / "pickled"
    folder.mkdir()
    for path in (models / "plain").iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"无法载入.*safetensors 权重"):
        read(str(folder))
    assert no_network == []


def test_what_is_neither_a_folder_nor_a_name_is_refused(tmp_path: Path, no_network: list[object]) -> None:
    for source in (str(tmp_path / "nothing"), "../nothing", "bge", "a b/c"):
        assert not is_hub_name(source)
        with pytest.raises(EncoderError, match="既不是本机文件夹，也不是模型库中的名称"):
            read(source)
    assert is_hub_name("BAAI/bge-small-zh-v1.5")
    assert no_network == []


def test_the_reduction_is_the_same_everywhere_and_keeps_cosines() -> None:
    matrix = reduction_matrix(384, 256, method="projection", seed=5)
    again = reduction_matrix(384, 256, method="projection", seed=5)
    assert matrix is not None
    assert again is not None
    assert np.array_equal(matrix, again)
    assert np.allclose(matrix.T @ matrix, np.eye(256), atol=1e-5)
    points = np.random.default_rng(0).normal(size=(50, 384))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    short = points @ matrix
    short /= np.linalg.norm(short, axis=1, keepdims=True)
    assert np.abs(points @ points.T - short @ short.T).mean() < 0.05
    assert reduction_matrix(256, 256, method="projection", seed=5) is None
    padded = reduction_matrix(100, 256, method="projection", seed=5)
    assert padded is not None
    assert np.array_equal(padded, np.eye(100, 256))


def test_the_folder_says_where_it_came_from_and_how_it_was_compared(bert: Exported) -> None:
    record = json.loads((bert.folder / "encoder.json").read_text(encoding="utf-8"))
    assert record["source"] == {"model": "bert"}
    assert record["metrics"]["parity"]["n"] == 48
    assert 0 <= record["unrelated"] < 1
    assert set(record["files"]) == {"model.onnx", "tokenizer.json"}
