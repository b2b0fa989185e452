"""Writes the folder of an encoder: ONNX with int8 weights, tokenizer, encoder.json and model card."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from models.encoder_folder import INPUTS, MANIFEST, MODEL, TOKENIZER, VECTOR, EncoderManifest
from training.encoder.joint import padded
from training.encoder.network import AppealNetwork
from training.encoder.run import Trained
from training.encoder.tasks import SHIPPED
from training.encoder.vocabulary import clip, ids_of
from triage.text.normalise import NORMALISER_VERSION

_OPSET = 18
_CALIBRATION_ROWS = 8
_FULL = "model_fp32.onnx"


class _Served(nn.Module):
    """The network as it is served: embeddings as int8 codes with a scale per row, vectors and the shipped heads."""

    def __init__(self, network: AppealNetwork, heads: Sequence[str]) -> None:
        super().__init__()
        table = network.embedding.weight.detach().float()
        scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-9) / 127
        self.register_buffer("codes", torch.round(table / scale).to(torch.int8))
        self.register_buffer("scale", scale)
        self._network, self._heads = network, heads

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        network = self._network
        present = attention_mask[..., None].to(torch.float32)
        states = self.codes[input_ids].to(torch.float32) * self.scale[input_ids]  # type: ignore[index]
        pooled = network.summary(network.contextual(states, present), present)
        logits = network.logits(pooled)
        return (network.unit_vectors(pooled), *(logits[head] for head in self._heads))


@dataclass(frozen=True, slots=True)
class Exported:
    """The two forms of one network.

    Attributes:
        full: ONNX with float32 layers.
        small: ONNX with int8 layers.
    """

    full: bytes
    small: bytes


def export(trained: Trained, sample: Sequence[str]) -> Exported:
    """Export to ONNX and quantise.

    Scales of activations are fixed from a sample and not taken from each batch: otherwise a text's vector would depend
    on the texts it is read with.

    Args:
        trained: Network and tokenizer.
        sample: Texts to choose scales from; none of them is stored.
    """
    served = _Served(trained.network.cpu().float().eval(), SHIPPED).eval()
    shape = trained.recipe.network
    ids = [clip(i, head=shape.head_tokens, tail=shape.tail_tokens) for i in ids_of(trained.tokenizer, sample)]
    with tempfile.TemporaryDirectory() as folder:
        full, plain, small = (Path(folder) / name for name in (_FULL, "plain.onnx", MODEL))
        _export(served, full)
        quant_pre_process(str(full), str(plain), skip_symbolic_shape=True)
        quantize_static(
            str(plain),
            str(small),
            _Sample(ids),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_gated(plain),
        )
        return Exported(full.read_bytes(), small.read_bytes())


def write_folder(
    folder: Path,
    trained: Trained,
    model: bytes,
    *,
    metrics: Mapping[str, Any],
    documents: Mapping[str, bytes],
    unrelated: float = 0.0,
) -> EncoderManifest:
    """Write an encoder's folder.

    Args:
        folder: Made if it is not there; other files in it stay.
        trained: What is shipped.
        model: The ONNX file.
        metrics: Figures with n and date.
        documents: Further files, such as the model card and its picture.
        unrelated: Cosine that texts about unrelated matters have.
    """
    shape = trained.recipe.network
    files = {MODEL: model, TOKENIZER: trained.tokenizer.to_str().encode(), **documents}
    facts = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    manifest = EncoderManifest(
        name=trained.recipe.name,
        version=trained.recipe.version,
        dimensions=shape.width,
        max_tokens=shape.max_tokens,
        head_tokens=shape.head_tokens,
        tail_tokens=shape.tail_tokens,
        architecture=f"embedding-{shape.width} {' '.join(shape.blocks)}",
        pooling=f"attention({shape.views})+mean+max",
        normaliser=NORMALISER_VERSION,
        outputs={head: tuple(trained.tasks.classes[head]) for head in SHIPPED},
        metrics=metrics,
        unrelated=unrelated,
        files=facts,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    record = json.dumps(manifest.to_record(), ensure_ascii=False, indent=1) + "\n"
    (folder / MANIFEST).write_text(record, encoding="utf-8")
    return manifest


def _gated(model: Path) -> list[str]:
    """Return the products that read gated values: gates multiply, so a few values are far larger than all others.

    In eight bits these few leave too few steps for the rest; kept in float32, vectors differ a sixth as much from torch's at
    three quarters of the speed.
    """
    nodes = onnx.load(model).graph.node
    gates = {output for node in nodes if node.op_type == "Mul" for output in node.output}
    return [node.name for node in nodes if node.op_type == "MatMul" and node.input[0] in gates]


def _export(served: _Served, path: Path) -> None:
    ids, mask = padded([[5, 6, 7], [8]], device="cpu")
    size, length = torch.export.Dim("size"), torch.export.Dim("length")
    shapes = {"input_ids": {0: size, 1: length}, "attention_mask": {0: size, 1: length}}
    torch.onnx.export(
        served,
        (ids, mask),
        str(path),
        input_names=list(INPUTS),
        output_names=[VECTOR, *SHIPPED],
        dynamic_shapes=shapes,
        opset_version=_OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )


class _Sample(CalibrationDataReader):  # type: ignore[misc]
    """Hands a sample to the quantiser, a few texts at a time."""

    def __init__(self, ids: Sequence[list[int]]) -> None:
        ordered = sorted(ids, key=len)
        self._batches = iter([ordered[at : at + _CALIBRATION_ROWS] for at in range(0, len(ordered), _CALIBRATION_ROWS)])

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        """Return the next batch, None at the end."""
        batch = next(self._batches, None)
        if batch is None:
            return None
        return dict(zip(INPUTS, (tensor.numpy() for tensor in padded(batch, device="cpu")), strict=True))
