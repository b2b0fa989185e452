"""The encoder beside the base model: it reads each appeal once, and what both say is mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import models
from models.encoder import EncoderReading, OnnxEncoder
from models.encoder_folder import MANIFEST, read_document
from models.errors import EncoderError
from models.fusion import FILE, Fusion, fusion_from, in_order
from models.linear import Scores
from triage.base_model import CALL_FUNCTION, CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE, BaseModel

ENCODER_HEADS = {
    FUNCTION: FUNCTION,
    CALL_FUNCTION: CALL_FUNCTION,
    CATEGORY: "l2",
    TYPE: TYPE,
    RISK: RISK,
    FACTORS: FACTORS,
    EMERGENCY: EMERGENCY,
}
"""Question → the head of the shipped encoder that answers it."""

_YES_NO = (RISK, FACTORS, EMERGENCY)
_EXPERTS = {FUNCTION: 3, CATEGORY: 2, TYPE: 2, RISK: 2, FACTORS: 2, EMERGENCY: 2}
"""Question → how many experts have a weight."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What base model and encoder say of n appeals together.

    Attributes:
        logs: FUNCTION and CATEGORY → float32[n, c], log-probabilities.
        types: float32[n, t], probabilities.
        margins: RISK, FACTORS, EMERGENCY → float32[n, c], to be calibrated as the fusion says.
    """

    logs: Mapping[str, Scores]
    types: Scores
    margins: Mapping[str, Scores]


@dataclass(frozen=True, slots=True, eq=False)
class SecondOpinion:
    """Mixes base model and encoder.

    Attributes:
        fusion: The weights.
        heads: The encoder's heads with their classes.
        classes: The base model's.
    """

    fusion: Fusion
    heads: Mapping[str, Sequence[str]]
    classes: Mapping[str, Sequence[str]]

    def mix(
        self,
        margins: Mapping[str, Scores],
        judged: Mapping[str, Scores],
        said: EncoderReading,
        shares: NDArray[np.float32],
    ) -> Opinion:
        """Mix what is known of n appeals.

        Args:
            margins: Of the base model's text heads; the function is mixed already.
            judged: Of its second level.
            said: What the encoder says.
            shares: float32[n], how much each is taken for a call-taker's note.
        """
        logits = {q: in_order(said.heads[h], self.heads[h], self.classes[q]) for q, h in ENCODER_HEADS.items()}
        function = [margins[FUNCTION], *by_channel(logits[FUNCTION], logits[CALL_FUNCTION], shares)]
        return Opinion(
            logs={
                FUNCTION: self.fusion.exclusive(FUNCTION, function),
                CATEGORY: self.fusion.exclusive(CATEGORY, [margins[CATEGORY], logits[CATEGORY]]),
            },
            types=np.exp(self.fusion.exclusive(TYPE, [judged[TYPE], logits[TYPE]])),
            margins={q: self.fusion.yes_no(q, judged[q], logits[q]) for q in _YES_NO},
        )


def by_channel(letters: Scores, calls: Scores, shares: NDArray[np.float32]) -> list[Scores]:
    """Return the two function heads, each flattened by how little the text looks like what it learned from."""
    share = shares[:, None]
    return [(1.0 - share) * letters, share * calls]


def second_opinion(base: BaseModel, encoder: OnnxEncoder, fusion: Fusion) -> SecondOpinion | None:
    """Return what mixes them; None where the weights were fitted for another base bundle or encoder.

    Raises:
        EncoderError: Weights or heads are missing.
    """
    if fusion.base != base.heads_fingerprint or fusion.encoder != encoder.fingerprint:
        return None
    missing = [q for q, experts in _EXPERTS.items() if len(fusion.weights.get(q, ())) != experts]
    missing += [head for head in ENCODER_HEADS.values() if head not in encoder.heads]
    if missing:
        raise EncoderError(f"编码器 {encoder.manifest.name} 缺少与自带模型合并所需的 {'、'.join(missing)}，请重新导出")
    return SecondOpinion(fusion, encoder.heads, base.classes)


@dataclass(frozen=True, slots=True, eq=False)
class ShippedEncoder:
    """The encoder that comes with the project.

    Attributes:
        encoder: In memory.
        fusion: Its weights beside the base bundle; None where the folder has none.
    """

    encoder: OnnxEncoder
    fusion: Fusion | None

    @property
    def name(self) -> str:
        """Return what decisions quote: name, version and the beginning of the fingerprint."""
        manifest = self.encoder.manifest
        return f"{manifest.name}-{manifest.version}+{manifest.fingerprint.rpartition('-')[2][:12]}"


def shipped_encoder_path() -> Path:
    """Return the folder of the encoder that ships with the project; it may be missing."""
    return Path(models.__file__).resolve().parent / "bundles" / "encoder"


def load_shipped_encoder(*, threads: int = 1) -> ShippedEncoder | None:
    """Load the shipped encoder; None where there is none.

    Raises:
        EncoderError: It is damaged.
    """
    folder = shipped_encoder_path()
    if not (folder / MANIFEST).is_file():
        return None
    weights = read_document(folder, FILE)
    return ShippedEncoder(OnnxEncoder.load(folder, threads=threads), fusion_from(weights) if weights else None)
