"""Texts to vectors with ONNX Runtime and a tokenizer: no torch, no network, safe to share between threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.encoder_folder import INPUTS, VECTOR, EncoderFiles, EncoderManifest, read_folder
from models.errors import EncoderError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Logits = NDArray[np.float32]

BATCH_ROWS = 32
BATCH_TOKENS = 8_192
"""Of a batch, padding included: bounds the memory of one run to some tens of megabytes."""

_CHARS_PER_TOKEN = 16
"""Longest entry of a usual vocabulary; what lies further inside a long text than this cannot be among the tokens that are
read, so it is not tokenised: 100,000 characters take no longer than 10,000."""

_TRIAL = "小区门口路灯不亮，请派人维修。"


@dataclass(frozen=True, slots=True, eq=False)
class EncoderReading:
    """What an encoder says about texts.

    Attributes:
        vectors: float32[n, dimensions], rows of unit length.
        heads: Name of a head → float32[n, classes], logits.
    """

    vectors: Vectors
    heads: Mapping[str, Logits]


class OnnxEncoder:
    """An encoder in memory. Nothing of it changes after loading, so any number of threads may use it at once.

    Attributes:
        manifest: What it says about itself.
        fingerprint: What tells its vectors from those of any other encoder.
    """

    def __init__(self, files: EncoderFiles, *, threads: int = 1) -> None:
        """Build the session.

        Args:
            files: Verified files.
            threads: Cores that one run may use. Services give each request a thread already, so 1 is right for them.

        Raises:
            EncoderError: The model or the tokenizer cannot be loaded, or does not do what encoder.json says.
        """
        self.manifest: EncoderManifest = files.manifest
        self.fingerprint = files.manifest.fingerprint
        self._alone = files.alone
        self._tokenizer = _tokenizer(files)
        self._session = _session(files, threads=threads)
        self._inputs = [given.name for given in self._session.get_inputs()]
        self._outputs = [VECTOR, *files.manifest.outputs]
        self._try()

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> OnnxEncoder:
        """Verify and load the encoder of a folder.

        Raises:
            EncoderError: Anything is wrong with it.
        """
        return cls(read_folder(folder), threads=threads)

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.manifest.dimensions

    @property
    def unrelated(self) -> float:
        """Return the cosine that texts about unrelated matters have on average, 0 to below 1."""
        return self.manifest.unrelated

    @property
    def heads(self) -> Mapping[str, tuple[str, ...]]:
        """Return the heads by name with their classes in column order."""
        return self.manifest.outputs

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, dimensions], rows of unit length; each as if it were encoded alone."""
        return self._read(texts, self.manifest.document_prompt, [VECTOR])[VECTOR]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of what somebody looks for; differs from `encode` for encoders with a prompt for it."""
        return self._read(texts, self.manifest.query_prompt, [VECTOR])[VECTOR]

    def read(self, texts: Sequence[str]) -> EncoderReading:
        """Return the vectors and the logits of all heads; an encoder of strangers has none."""
        found = self._read(texts, self.manifest.document_prompt, self._outputs)
        return EncoderReading(found.pop(VECTOR), found)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens of a text are read."""
        return len(self._tokens(self.manifest.document_prompt + text))

    def _read(self, texts: Sequence[str], prompt: str, wanted: list[str]) -> dict[str, NDArray[np.float32]]:
        tokens = [self._tokens(prompt + text) for text in texts]
        sizes = {VECTOR: self.dimensions} | {name: len(classes) for name, classes in self.heads.items()}
        found = {name: np.zeros((len(texts), sizes[name]), dtype=np.float32) for name in wanted}
        for rows in _batches([len(row) for row in tokens], most=1 if self._alone else BATCH_ROWS):
            outputs = self._session.run(wanted, self._padded([tokens[row] for row in rows]))
            for name, numbers in zip(wanted, outputs, strict=True):
                found[name][rows] = numbers
        _of_unit_length(found[VECTOR])
        return found

    def _tokens(self, text: str) -> list[int]:
        """Return the tokens of a text; of a long one those at its beginning and its end."""
        manifest = self.manifest
        most = _CHARS_PER_TOKEN * manifest.max_tokens
        if len(text) <= 2 * most:
            first = last = self._cut(text)
        else:
            first, last = self._cut(text[:most]), self._cut(text[-most:])
        if first is last and len(first) <= manifest.max_tokens:
            return first
        tail = last[-manifest.tail_tokens :] if manifest.tail_tokens else []
        return first[: manifest.head_tokens] + tail

    def _cut(self, text: str) -> list[int]:
        # One text at a time: many at once would start as many threads as there are cores, whatever was asked for.
        try:
            found: list[int] = self._tokenizer.encode(text).ids
        except (UnicodeError, TypeError):
            # Half a surrogate pair, which no file of ours delivers but any caller may.
            found = self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8")).ids
        return found

    def _padded(self, rows: list[list[int]]) -> dict[str, NDArray[np.int64]]:
        longest = max(1, *(len(row) for row in rows)) if rows else 1
        ids = np.zeros((len(rows), longest), dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        given = dict(zip(INPUTS, (ids, mask), strict=True))
        return {name: given[name] for name in self._inputs}

    def _try(self) -> None:
        """Run once: shows that the model does what encoder.json says, and that the first citizen waits for nothing."""
        tokens = self._tokens(self.manifest.document_prompt + _TRIAL)
        try:
            outputs = self._session.run(self._outputs, self._padded([tokens, tokens[:2]]))
        except Exception as error:  # the runtime's errors have no common base and quote no text
            raise EncoderError(f"编码器 {self.manifest.name} 无法运行（{type(error).__name__}），请重新导出") from error
        widths = {VECTOR: self.dimensions} | {name: len(classes) for name, classes in self.heads.items()}
        for name, numbers in zip(self._outputs, outputs, strict=True):
            if numbers.dtype != np.float32 or numbers.shape != (2, widths[name]):
                raise EncoderError(
                    f"编码器 {self.manifest.name} 的输出 {name} 形状为 {numbers.shape}（{numbers.dtype}），"
                    f"应为 (n, {widths[name]})（float32）；请重新导出"
                )
            if not np.isfinite(numbers).all():
                raise EncoderError(f"编码器 {self.manifest.name} 的输出 {name} 含有无效数值，请重新导出")


def _session(files: EncoderFiles, *, threads: int) -> InferenceSession:
    import onnxruntime as runtime  # noqa: PLC0415 - 0.2 s, for those who load an encoder only

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads of the runtime would otherwise spin and take the cores from everybody else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(files.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base
        raise EncoderError(
            f"编码器 {files.manifest.name}：ONNX Runtime 无法载入 model.onnx（{type(error).__name__}），请重新导出"
        ) from error


def _tokenizer(files: EncoderFiles) -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415

    try:
        found = Tokenizer.from_buffer(files.tokenizer)
    except Exception as error:  # the library raises plain Exception
        raise EncoderError(f"编码器 {files.manifest.name}：tokenizer.json 无法载入，请重新导出") from error
    # Set once and before any thread shares it: changing these during another thread's work fails with "Already borrowed".
    found.no_padding()
    found.no_truncation()
    return found


def _batches(lengths: Sequence[int], *, most: int) -> Iterator[list[int]]:
    """Yield the rows of each batch: texts of about the same length together, so that little is padded."""
    order: list[int] = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable").tolist()
    batch: list[int] = []
    for row in order:
        # In ascending order each newcomer is the longest of its batch.
        if batch and (len(batch) == most or (len(batch) + 1) * lengths[row] > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _of_unit_length(vectors: Vectors) -> None:
    """Bring rows to unit length in place; a text without a single token gets the first axis."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = ~np.isfinite(lengths[:, 0]) | (lengths[:, 0] < 1e-6)
    vectors[bad], lengths[bad] = 0.0, 1.0
    vectors[bad, 0] = 1.0
    vectors /= lengths
