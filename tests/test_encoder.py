"""An encoder of a folder: checked before it is used, the same vector alone or among others, shared by threads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from models.encoder import BATCH_TOKENS, OnnxEncoder, _batches
from models.encoder_folder import MANIFEST, read_folder, read_manifest
from models.errors import EncoderError
from models.onnx_graph import inspect_graph
from tests.encoders import graph, write_encoder

TEXTS = [
    "小区门口路灯不亮",
    "枫桥花园楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡",
    "",
    "拖欠工资三个月" * 200,
    "。",
    "噪音",
]
HEADS = {"type": ["投诉", "咨询", "求助"], "risk": ["0", "1", "2", "3", "4"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "letters", heads=HEADS)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> OnnxEncoder:
    return OnnxEncoder.load(folder)


def test_vectors_have_unit_length_even_of_a_text_without_a_token(encoder: OnnxEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 256)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, 256)


def test_a_text_has_the_same_vector_and_logits_alone_as_among_others(encoder: OnnxEncoder) -> None:
    together = encoder.read(TEXTS * 20)
    for row, text in enumerate(TEXTS):
        alone = encoder.read([text])
        assert np.allclose(together.vectors[row], alone.vectors[0], atol=1e-6)
        for name, classes in HEADS.items():
            assert together.heads[name].shape == (len(TEXTS) * 20, len(classes))
            assert np.allclose(together.heads[name][row], alone.heads[name][0], atol=1e-5)


@given(st.lists(st.text(max_size=300), max_size=8))
def test_any_text_is_survived(encoder: OnnxEncoder, texts: list[str]) -> None:
    vectors = encoder.encode(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_half_a_surrogate_pair_is_survived(encoder: OnnxEncoder) -> None:
    assert np.isfinite(encoder.encode(["路灯\ud83d不亮"])).all()


def test_of_a_long_letter_beginning_and_end_are_read(encoder: OnnxEncoder) -> None:
    first, last, filler = "甲乙丙丁" * 12, "子丑寅卯" * 4, "事" * 5000
    assert encoder.count_tokens(first + filler + last) == 64
    assert np.array_equal(encoder.encode([first + filler + last])[0], encoder.encode([first + last])[0])
    assert not np.array_equal(encoder.encode([first + filler])[0], encoder.encode([first + last])[0])


def test_a_hundred_thousand_characters_take_no_longer_than_ten_thousand(encoder: OnnxEncoder) -> None:
    started = time.perf_counter()
    encoder.encode(["市" * 100_000] * 10)
    assert time.perf_counter() - started < 1.0


def test_the_tokens_of_a_batch_are_bounded_and_little_is_padded() -> None:
    lengths = [3, 500, 4, 4, 600, 5, 9_000]
    batches = list(_batches(lengths, most=4))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert batches == [[0, 2, 3, 5], [1, 4], [6]]
    assert all(len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= BATCH_TOKENS for batch in batches)
    assert [len(batch) for batch in _batches([7] * 5, most=1)] == [1] * 5


def test_threads_share_one_encoder(encoder: OnnxEncoder) -> None:
    expected = encoder.encode(TEXTS)

    def work(number: int) -> bool:
        return all(
            np.allclose(encoder.encode(TEXTS[number % 3 :]), expected[number % 3 :], atol=1e-6) for _ in range(20)
        )

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(16)))


def test_a_query_is_encoded_with_its_prompt(tmp_path: Path) -> None:
    plain = OnnxEncoder.load(write_encoder(tmp_path / "plain"))
    asking = OnnxEncoder.load(write_encoder(tmp_path / "asking", prompts={"query": "查询：", "document": ""}))
    assert np.array_equal(asking.encode_queries(["路灯"]), plain.encode(["查询：路灯"]))
    assert np.array_equal(asking.encode(["路灯"]), plain.encode(["路灯"]))
    assert asking.fingerprint != plain.fingerprint


def test_the_fingerprint_changes_with_what_changes_a_vector_and_with_nothing_else(tmp_path: Path) -> None:
    first = read_manifest(write_encoder(tmp_path / "a")).fingerprint
    assert first == read_manifest(write_encoder(tmp_path / "b", name="another", metrics={"recall": 1})).fingerprint
    others = [
        read_manifest(write_encoder(tmp_path / "c", seed=1)).fingerprint,
        read_manifest(write_encoder(tmp_path / "d", max_tokens=80)).fingerprint,
        read_manifest(
            write_encoder(tmp_path / "e", reduction={"method": "projection", "from": 384, "seed": 7})
        ).fingerprint,
        read_manifest(write_encoder(tmp_path / "f", normaliser="2")).fingerprint,
    ]
    assert len({first, *others}) == 5


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "broken")
    data = bytearray((folder / "model.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(EncoderError, match=r"model.onnx 已损坏或被改动（sha256 不符）"):
        OnnxEncoder.load(folder)


def test_a_missing_or_shortened_file_is_named(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "short")
    (folder / "model.onnx").write_bytes(b"")
    with pytest.raises(EncoderError, match=r"model\.onnx 大小不符，请重新复制整个文件夹"):
        OnnxEncoder.load(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(EncoderError, match=r"缺少 model\.onnx"):
        OnnxEncoder.load(folder)
    with pytest.raises(EncoderError, match=r"不是编码器文件夹：没有 encoder\.json"):
        OnnxEncoder.load(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", MANIFEST])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    folder = write_encoder(tmp_path / "linked")
    elsewhere = tmp_path / "elsewhere"
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(EncoderError, match="是链接，已拒绝" if name != MANIFEST else "没有 encoder.json"):
        OnnxEncoder.load(folder)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "格式版本为 2，本程序只认 1"),
        ({"dimensions": 0}, "dimensions"),
        ({"head_tokens": "48"}, "head_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"tail_tokens": 60}, "head_tokens"),
        ({"name": ""}, "name"),
        ({"outputs": {"type": "投诉"}}, "outputs"),
        ({"files": {"model.onnx": {"size": 1, "sha256": "0" * 64}}}, "files"),
        ({"files": {"weights.pkl": {"size": 1, "sha256": "0" * 64}}}, "不允许的文件名 'weights.pkl'"),
        ({"files": {"../model.onnx": {"size": 1, "sha256": "0" * 64}}}, "不允许的文件名"),
        ({"files": {"model.onnx": {"size": 1 << 40, "sha256": "x"}}}, "大小或 sha256"),
        ({"files": []}, "files|字段"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, object], problem: str) -> None:
    with pytest.raises(EncoderError, match=problem):
        OnnxEncoder.load(write_encoder(tmp_path / "wrong", **changes))  # type: ignore[arg-type]


def test_a_folder_that_claims_a_terabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "huge")
    record = json.loads((folder / MANIFEST).read_text())
    record["files"]["model.onnx"]["size"] = 1 << 40
    (folder / MANIFEST).write_text(json.dumps(record))
    with pytest.raises(EncoderError, match="超过上限 1024 MB"):
        OnnxEncoder.load(folder)


def test_a_model_with_weights_in_another_file_is_refused(tmp_path: Path) -> None:
    model = graph()
    table = next(tensor for tensor in model.graph.initializer if tensor.name == "table")
    table.ClearField("raw_data")
    table.data_location = TensorProto.EXTERNAL
    entry = table.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    with pytest.raises(EncoderError, match="引用外部数据文件，已拒绝"):
        OnnxEncoder.load(write_encoder(tmp_path / "outside", model=model.SerializeToString()))


def test_weights_in_another_file_are_found_inside_branches_too() -> None:
    hidden = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    inner = helper.make_graph([helper.make_node("Constant", [], ["x"], value=hidden)], "inner", [], [value])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    outer = helper.make_graph([branch], "outer", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    facts = inspect_graph(helper.make_model(outer).SerializeToString())
    assert facts.external
    assert facts.operators == {"If", "Constant"}


@pytest.mark.parametrize(
    "data", [b"", b"no model", b"\xff" * 64, b"\x3a\xff\xff\xff\xff\x0f", b"\x80\x04\x95" + b"x" * 40]
)
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EncoderError, match="不是完好的 ONNX 文件"):
        OnnxEncoder.load(write_encoder(tmp_path / "none", model=data))


@given(st.binary(max_size=400))
def test_any_bytes_are_survived_as_a_model(data: bytes) -> None:
    with suppress(EncoderError):
        inspect_graph(data)


def test_graphs_nested_without_end_are_refused() -> None:
    body = b""
    for _ in range(40):
        attribute = _message(6, body)
        body = _message(1, _message(5, attribute))
    with pytest.raises(EncoderError, match="嵌套过深"):
        inspect_graph(_message(7, body))


def _message(number: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + body


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dimensions": 128}, r"输出 vector 形状为 \(2, 256\)"),
        ({"outputs": {"type": ["投诉"]}}, "没有输出 type"),
    ],
)
def test_a_model_that_does_not_do_what_is_said_is_refused(
    tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    model = graph().SerializeToString()
    with pytest.raises(EncoderError, match=problem):
        OnnxEncoder.load(write_encoder(tmp_path / "liar", model=model, **changes))  # type: ignore[arg-type]


def test_an_unknown_operator_and_a_broken_tokenizer_are_errors_of_ours(tmp_path: Path) -> None:
    model = graph()
    model.graph.node[0].domain = "com.example"
    with pytest.raises(EncoderError, match="ONNX Runtime 无法载入"):
        OnnxEncoder.load(write_encoder(tmp_path / "odd", model=model.SerializeToString()))
    folder = write_encoder(tmp_path / "mute")
    record = json.loads((folder / MANIFEST).read_text())
    record["files"]["tokenizer.json"] = {
        "size": 2,
        "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    }
    (folder / MANIFEST).write_text(json.dumps(record))
    (folder / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(EncoderError, match=r"tokenizer\.json 无法载入"):
        OnnxEncoder.load(folder)


def test_a_model_that_scales_by_its_batch_reads_each_text_alone(tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder = write_encoder(tmp_path / "whole", heads=HEADS)
    small = tmp_path / "small.onnx"
    quantize_dynamic(str(folder / "model.onnx"), str(small), weight_type=QuantType.QInt8)
    again = write_encoder(tmp_path / "small", heads=HEADS, model=small.read_bytes())
    assert read_folder(again).alone
    assert not read_folder(folder).alone
    encoder = OnnxEncoder.load(again)
    together = encoder.read(TEXTS)
    for row, text in enumerate(TEXTS):
        assert np.array_equal(together.heads["type"][row], encoder.read([text]).heads["type"][0])


def test_loading_takes_less_than_half_a_second_in_a_fresh_process(folder: Path) -> None:
    code = (
        "import sys, time; started = time.perf_counter()\n"
        "from pathlib import Path; from models.encoder import OnnxEncoder\n"
        "assert 'onnxruntime' not in sys.modules and 'tokenizers' not in sys.modules\n"
        "OnnxEncoder.load(Path(sys.argv[1])).encode(['路灯'])\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
        "print(time.perf_counter() - started)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5  # measured 0.3 s on an idle core; tests share theirs
