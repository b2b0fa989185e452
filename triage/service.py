"""The one place that turns an appeal into a decision; service, batch, evaluation and replay all run this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, load_bundle
from models.errors import BundleError
from triage.appeal import Appeal
from triage.assembly import Assembler, Settings
from triage.base_model import BaseModel, base_bundle_path, base_model_from
from triage.decision import Decision, EventDecision
from triage.dense_view import DenseView, TextEncoder
from triage.directory import Directory
from triage.document import read_document
from triage.events.words import WordCutter
from triage.reading import Reading, read_scores
from triage.routing.local import LocalModel, local_model_from
from triage.routing.router import UnitRouter
from triage.rules import CityRules
from triage.second_opinion import SecondOpinion, ShippedEncoder, load_shipped_encoder, second_opinion
from triage.text.normalise import NORMALISER_VERSION

CHUNK = 256
"""Appeals scored in one matrix product: large enough to be fast, small enough to stay far below 100 MB."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around an appeal when it is decided.

    Attributes:
        event: The event it belongs to; None makes it an event of its own.
    """

    event: EventDecision | None = None


class Triage:
    """Decides appeals; pure (no writes), safe to share between threads."""

    def __init__(
        self,
        base: BaseModel,
        *,
        local: LocalModel | None,
        directory: Directory | None,
        settings: Settings,
        words: WordCutter | None = None,
        rules: CityRules | None = None,
        encoder: ShippedEncoder | None = None,
    ) -> None:
        self.base = base
        self.encoder = encoder
        self.local = local
        self.directory = directory
        self.settings = settings
        self.rules = rules or CityRules.load()
        candidates = directory if directory is not None else local.directory if local else None
        self._router: UnitRouter | None = None
        if candidates is not None and len(candidates):
            ranker = local.ranker if local else base.ranker
            self._router = UnitRouter(candidates, ranker, local=local, day_one=base.ranker)
        self._view = _view_for(base, local, encoder.encoder if encoder else None)
        self._second: SecondOpinion | None = None
        if encoder is not None and encoder.fusion is not None:
            self._second = second_opinion(base, encoder.encoder, encoder.fusion)
        self._assembler = Assembler(
            base,
            version=self.version,
            second=self._second,
            local=local,
            router=self._router,
            settings=settings,
            deadlines=self.rules.deadlines,
            admission=self.rules.admission,
            words=words,
        )

    @classmethod
    def load(
        cls,
        bundle: Path | None = None,
        *,
        units: Path | None = None,
        precision: float = 0.95,
        strip: bool | None = None,
        words: WordCutter | None = None,
        rules: CityRules | None = None,
        encoder: bool = True,
    ) -> Triage:
        """Load models and directory.

        Args:
            bundle: A local bundle (the shipped base bundle stays beside it) or a base bundle; None: the shipped one.
            units: The city's list of units, csv or xlsx.
            precision: What an automatic dispatch must reach, 0.5 … 0.999.
            strip: Drop call-takers' instructions; None: as the bundle was trained.
            words: Word cutter to share, since its dictionary takes 0.6 s to load; None: one of its own.
            rules: Deadlines and admission list of the city; None: the shipped ones.
            encoder: Whether the shipped encoder reads the appeals too: better answers at a fifth of the speed.

        Raises:
            BundleError: If a bundle cannot be used.
            EncoderError: If the shipped encoder is damaged.
            DirectoryError: If the list of units contradicts itself.
        """
        chosen = load_bundle(bundle) if bundle else load_bundle(base_bundle_path())
        local: LocalModel | None = None
        if chosen.description.kind == "local":
            local, base = local_model_from(chosen), base_model_from(load_bundle(base_bundle_path()))
            _check_normaliser(chosen)
        else:
            base = base_model_from(chosen)
        directory = Directory.load(units) if units else None
        stripped = strip if strip is not None else local.strip if local else True
        settings = Settings(precision=precision, strip=stripped)
        shipped = load_shipped_encoder() if encoder else None
        return cls(base, local=local, directory=directory, settings=settings, words=words, rules=rules, encoder=shipped)

    @property
    def version(self) -> str:
        """Return the names of everything that decides, as decisions quote them."""
        parts = (self.base.version, self.local.version if self.local else "", self.encoder.name if self.encoder else "")
        return " ".join(part for part in parts if part)

    def decide(self, appeal: Appeal, *, context: Context | None = None) -> Decision:
        """Decide one appeal."""
        return self.decide_batch([appeal], contexts=[context or Context()])[0]

    def decide_batch(self, appeals: Sequence[Appeal], *, contexts: Sequence[Context] | None = None) -> list[Decision]:
        """Decide appeals; the result of each is the same as if it were decided alone."""
        surroundings = contexts if contexts is not None else [Context()] * len(appeals)
        decisions: list[Decision] = []
        for at in range(0, len(appeals), CHUNK):
            readings = self.read(appeals[at : at + CHUNK])
            decisions += self.decide_readings(readings, contexts=surroundings[at : at + CHUNK])
        return decisions

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        """Decide appeals that were scored before; for callers that need the readings too, such as event linking."""
        surroundings = contexts if contexts is not None else [Context()] * len(readings)
        return [
            self._assembler.assemble(reading, context.event)
            for reading, context in zip(readings, surroundings, strict=True)
        ]

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        """Score appeals without deciding anything yet."""
        documents = [read_document(appeal, strip=self.settings.strip) for appeal in appeals]
        if not documents:
            return []
        return read_scores(
            documents,
            base=self.base,
            local=self.local,
            router=self._router,
            view=self._view,
            encoder=self.encoder.encoder if self.encoder else None,
            second=self._second,
        )


def _view_for(base: BaseModel, local: LocalModel | None, encoder: TextEncoder | None) -> DenseView | None:
    """Return what the local model's network reads, with or without the encoder; None where it has no network.

    Raises:
        BundleError: It was trained over another word space or encoder.
    """
    if local is None or local.dense is None:
        return None
    views = [DenseView(base.meaning.space, encoder), DenseView(base.meaning.space)]
    found = next((view for view in views if view.fingerprint == local.view), None)
    if found is None:
        raise BundleError(
            f"bundle {local.version} was trained over vectors of another base bundle or encoder "
            f"({local.view}; here {views[0].fingerprint}); train it again with triage train"
        )
    return found


def _check_normaliser(bundle: Bundle) -> None:
    if bundle.description.normaliser_version != NORMALISER_VERSION:
        raise BundleError(
            f"bundle {bundle.description.name} was trained with normaliser {bundle.description.normaliser_version}, "
            f"this program has {NORMALISER_VERSION}; train it again"
        )
