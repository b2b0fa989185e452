"""Reads a model of sentence-transformers or Hugging Face, from a folder without any network, or by its name on the hub."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LONGEST = 512
"""Tokens that a transformer reads of a text at most: twice as many take four times as long."""
LONGEST_STATIC = 2_048
"""The same for static embeddings, whose work is a sum."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_WEIGHTS = "请换用带 safetensors 权重的模型（其他格式可能夹带程序，不予载入）"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Foreign:
    """A model as it was read.

    Attributes:
        model: The model, on the CPU.
        source: Folder name or hub name, for people.
        tokenizer: tokenizer.json as serving needs it: neither padding nor truncation; for static embeddings no markers.
        static: Whether it is a table of token vectors and nothing else.
        max_tokens: Most tokens to read.
        query_prompt: Goes before what somebody looks for.
        document_prompt: Goes before other texts.
        architecture: E.g. ``BertModel``.
        pooling: E.g. ``mean``, ``cls``.
    """

    model: SentenceTransformer
    source: str
    tokenizer: bytes
    static: bool
    max_tokens: int
    query_prompt: str
    document_prompt: str
    architecture: str
    pooling: str


def is_hub_name(source: str) -> bool:
    """Tell whether a source names a model on the hub, and not a folder of this machine."""
    return not Path(source).exists() and _HUB_NAME.fullmatch(source) is not None


def read(source: str) -> Foreign:
    """Read a model.

    Args:
        source: Folder, or hub name such as ``BAAI/bge-small-zh-v1.5``. Only a hub name touches the network.

    Raises:
        EncoderError: There is no such model, or it is of a kind that cannot be exported.
    """
    if not is_hub_name(source) and not Path(source).is_dir():
        raise EncoderError(f"{source} 既不是本机文件夹，也不是模型库中的名称（应形如 BAAI/bge-small-zh-v1.5）")
    with _network(allowed=is_hub_name(source)):
        model = _loaded(source)
    first = model[0]
    static = type(first).__name__ == "StaticEmbedding"
    if getattr(model, "prompts", None) and _leaves_prompts_out(model):
        raise EncoderError(f"模型 {source} 的池化不计提示语（include_prompt），暂不支持导出")
    longest = getattr(model, "max_seq_length", None)
    most = LONGEST_STATIC if static else LONGEST
    query, document = _prompts(model)
    return Foreign(
        model=model,
        source=source if is_hub_name(source) else Path(source).resolve().name,
        tokenizer=_tokenizer(first, static=static),
        static=static,
        max_tokens=int(min(most, longest)) if longest else most,
        query_prompt=query,
        document_prompt=document,
        architecture="StaticEmbedding" if static else type(first.auto_model).__name__,
        pooling="mean" if static else _pooling(model),
    )


@contextmanager
def _network(*, allowed: bool) -> Iterator[None]:
    """Forbid the network to the libraries for as long as the block lasts, unless the user named a model on the hub."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    if not allowed:
        # Read when the libraries are imported first, which is inside the block; later `local_files_only` does it alone.
        os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _loaded(source: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - after the network was forbidden

    try:
        return SentenceTransformer(
            source,
            device="cpu",
            trust_remote_code=False,
            local_files_only=not is_hub_name(source),
            model_kwargs={"use_safetensors": True},
        ).eval()
    except (OSError, ValueError, KeyError, ImportError, AttributeError, RuntimeError, TypeError) as error:
        raise EncoderError(
            f"模型 {source} 无法载入（{type(error).__name__}）；请检查名称、网络或文件是否齐全，并{_WEIGHTS}"
        ) from error


def _tokenizer(first: Any, *, static: bool) -> bytes:
    tokenizer = first.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(backend, "to_str"):
        raise EncoderError("模型没有快速分词器（tokenizer.json），无法导出")
    record = json.loads(backend.to_str())
    record["padding"] = record["truncation"] = None
    if static:
        # Such models are trained on bare tokens, though their tokenizers were often taken from a BERT.
        record["post_processor"] = None
    return json.dumps(record, ensure_ascii=False).encode("utf-8")


def _prompts(model: SentenceTransformer) -> tuple[str, str]:
    """Return what goes before queries and before documents."""
    known: Mapping[str, str] = {name: words for name, words in (getattr(model, "prompts", None) or {}).items() if words}
    default = known.get(getattr(model, "default_prompt_name", None) or "", "")
    document = known.get("document") or known.get("passage") or default
    return known.get("query") or default, document


def _pooling(model: SentenceTransformer) -> str:
    modes = (getattr(module, "pooling_mode", None) for module in model)
    mode: Any = next(filter(None, modes), "")
    return mode if isinstance(mode, str) else "+".join(mode)


def _leaves_prompts_out(model: SentenceTransformer) -> bool:
    used = any((model.prompts or {}).values())
    return used and any(getattr(module, "include_prompt", True) is False for module in model)
