"""From scores to a decision: thresholds, rules, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.abstention import NEVER
from triage.base_model import CATEGORY, FACTORS, FUNCTION, SEPARATOR, TYPE, BaseModel
from triage.decision import (
    AUTO,
    REVIEW,
    AreaDecision,
    Candidate,
    CategoryCandidate,
    Decision,
    DemandText,
    EventDecision,
    Quote,
    Reason,
    RiskDecision,
    UnitDecision,
)
from triage.directory import Directory, Unit
from triage.document import masked_text
from triage.escalation import RiskScores, risk_scores
from triage.events.words import WordCutter
from triage.evidence import highlighted_words, open_quote, risk_quotes
from triage.reading import Reading
from triage.routing.local import CITY, LocalModel
from triage.routing.places import consistent, guess_place, narrowest
from triage.routing.router import UnitRouter
from triage.rules import (
    AdmissionList,
    Danger,
    DeadlineRules,
    RouteOut,
    assisting_units,
    color,
    complained_about,
    handling_level,
    life_danger,
    route_out,
)
from triage.rules.deadlines import UTILITIES
from triage.second_opinion import SecondOpinion
from triage.text.demands import Demand, split_demands
from triage.text.normalise import NORMALISER_VERSION

SHOWN = 5
"""Candidates listed per question."""

SERIOUS = 3
"""Risk level from which nothing is dispatched without a person."""

EMERGENCY = 0.5
"""Calibrated probability from which an appeal is treated as an emergency."""

LEAST_AREA = 0.6
"""Probability from which the city's own model may name the area that the text does not."""

QUOTED_FROM = 2
"""Risk level from which evidence is quoted; below it there is nothing to prove."""

MOST_QUOTES = 2
"""Quotes of evidence at the most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may choose.

    Attributes:
        precision: What automatic dispatch must reach, proven by the lower bound on held-out tickets.
        strip: Whether call-takers' instructions are dropped before anything reads the text.
    """

    precision: float = 0.95
    strip: bool = True


@dataclass(frozen=True, slots=True)
class _Routed:
    """The ranked units after the rules: names with probabilities, and what the rules did."""

    units: list[tuple[Unit, float]]
    avoided: Unit | None


class Assembler:
    """Turns readings into decisions."""

    def __init__(
        self,
        base: BaseModel,
        *,
        local: LocalModel | None,
        router: UnitRouter | None,
        settings: Settings,
        deadlines: DeadlineRules,
        admission: AdmissionList,
        words: WordCutter | None = None,
        version: str = "",
        second: SecondOpinion | None = None,
    ) -> None:
        self._base = base
        self._factor_thresholds = second.fusion.factor_thresholds if second else base.factor_thresholds
        self._router = router
        self._directory: Directory | None = router.directory if router else None
        self._settings = settings
        self._deadlines = deadlines
        self._admission = admission
        self._words = words or WordCutter()
        self._threshold = local.held_out.threshold(settings.precision) if local else NEVER
        self._trained = local is not None
        self._bundle = version or base.version

    def assemble(self, reading: Reading, event: EventDecision | None) -> Decision:
        """Decide one appeal."""
        document = reading.document
        functions = _top(reading.functions, self._base.classes[FUNCTION])
        types = _top(reading.types, self._base.classes[TYPE])
        danger = life_danger(document.text)
        scores = risk_scores(reading, danger)
        risk = self._risk(reading, scores, danger)
        demands = split_demands(document.content if document.content.text.strip() else document.title)
        channel = route_out(document.text, type_=types[0].name, emergency=reading.emergency)
        routed = self._routed(reading)
        lead = routed.units[0][0].function if routed.units else functions[0].name
        area = self._area(reading)
        level = handling_level(
            document.text,
            function=lead or functions[0].name,
            area=self._known(area.name),
            directory=self._directory,
            risk_level=risk.level,
            admission=self._admission,
        )
        unit = self._unit(routed, risk=risk, demands=len(demands), channel=channel, matter=document.text)
        return Decision(
            id=document.appeal.id,
            unit=unit,
            functions=functions,
            area=area,
            categories=self._categories(reading),
            types=types,
            risk=risk,
            event=event or EventDecision(f"E-{document.appeal.id}"),
            explanation=self._explanation(reading, routed, area, channel=channel, danger=danger),
            demands=self._demand_texts(reading, demands),
            level=Reason(level.name, level.reason),
            assisting=self._assisting(reading, lead, area),
            route_out=(channel.channel, channel.reason) if channel else None,
            deadline=self._deadline(reading, types[0].name, lead, emergency=scores.emergency),
            bundle=self._bundle,
            normaliser=NORMALISER_VERSION,
        )

    def _risk(self, reading: Reading, scores: RiskScores, danger: Danger | None) -> RiskDecision:
        names = self._base.classes[FACTORS]
        shown = np.flatnonzero(reading.factors >= self._factor_thresholds)
        factors = sorted((Candidate(names[i], float(reading.factors[i])) for i in shown), key=lambda c: -c.probability)
        return RiskDecision(
            level=scores.level,
            color=color(scores.level),
            probabilities=tuple(float(p) for p in scores.probabilities),
            score=scores.score,
            emergency=scores.emergency,
            factors=tuple(factors),
            evidence=_evidence(reading, scores.level, danger),
        )

    def _categories(self, reading: Reading) -> tuple[CategoryCandidate, ...]:
        top = _top(reading.categories, self._base.classes[CATEGORY])
        parts = ((candidate.name.partition(SEPARATOR), candidate.probability) for candidate in top)
        return tuple(CategoryCandidate(l1, l2, probability) for (l1, _, l2), probability in parts)

    def _routed(self, reading: Reading) -> _Routed:
        """Rank the units; one that the appeal complains about makes way for its superior.

        The rule puts the superior first, not the model, so it inherits none of the other's certainty, only the best
        probability among the remaining ones.
        """
        if self._router is None:
            return _Routed([], None)
        order = np.argsort(-reading.units, kind="stable")[: SHOWN + 3]
        ranked = [(self._router.units[i], float(reading.units[i])) for i in order if reading.units[i] > 0.0]
        top = ranked[0][0]
        if complained_about(reading.document.text, top) is None:
            return _Routed(ranked[:SHOWN], None)
        superior = self._router.directory.superior_of(top)
        rest = [(unit, p) for unit, p in ranked[1:] if unit is not superior]
        if superior is None:
            return _Routed(rest[:SHOWN], top)
        probability = max((p for unit, p in ranked if unit is not top), default=0.0)
        return _Routed([(superior, probability), *rest][:SHOWN], top)

    def _unit(
        self, routed: _Routed, *, risk: RiskDecision, demands: int, channel: RouteOut | None, matter: str
    ) -> UnitDecision:
        candidates = tuple(Candidate(unit.name, probability) for unit, probability in routed.units)
        if not candidates:
            return UnitDecision((), REVIEW, "未提供单位名录，也未加载本市模型，仅给出职能建议，请人工确定承办单位")
        reason = self._obstacle(routed, risk=risk, demands=demands, channel=channel, matter=matter)
        if reason is not None:
            return UnitDecision(candidates, REVIEW, reason)
        best, needed = candidates[0].probability, self._threshold
        share = f"{self._settings.precision:.0%}"
        if best >= needed:
            text = f"首选单位概率{best:.1%}，达到自动派单门槛{needed:.1%}（经留出工单检验，准确率不低于{share}）"
            return UnitDecision(candidates, AUTO, text)
        if needed >= NEVER:
            text = (
                f"留出工单不足以证明{share}的准确率，全部交人工确认"
                if self._trained
                else "尚无本市历史工单可供检验，交人工确认"
            )
        else:
            text = f"首选单位概率{best:.1%}，低于自动派单门槛{needed:.1%}，请在候选单位中确认"
        return UnitDecision(candidates, REVIEW, text)

    def _obstacle(
        self, routed: _Routed, *, risk: RiskDecision, demands: int, channel: RouteOut | None, matter: str
    ) -> str | None:
        """Say what forbids an automatic dispatch whatever the probability; None for nothing."""
        if channel is not None:
            return f"应转其他渠道（{channel.channel}）：{channel.reason}"
        if routed.avoided is not None:
            return f"诉求反映“{routed.avoided.name}”自身履职问题，不转该单位办理，建议由其上级单位受理"
        if risk.emergency >= EMERGENCY:
            return "可能属紧急事项，须人工立即确认"
        if risk.level >= SERIOUS:
            return f"风险等级{risk.level}级（{risk.color}），须人工确认"
        if demands > 1:
            return f"含{demands}项诉求，须人工确认主办、协办单位"
        return self._objection(routed.units[0][0], matter)

    def _objection(self, unit: Unit, matter: str) -> str | None:
        """Say what about the first unit forbids an automatic dispatch; None for nothing."""
        if self._router is not None and self._router.is_newcomer(unit):
            return f"“{unit.name}”为模型训练后新增的单位，尚无历史工单可供检验，须人工确认"
        if not self._admission.admits(matter, unit.level):
            return f"“{unit.name}”为{unit.level}级单位，诉求不在准入清单内，不能自动下沉，须人工确认"
        return None

    def _area(self, reading: Reading) -> AreaDecision:
        places = reading.places if self._directory is None else consistent(reading.places, self._directory)
        mention = narrowest(places)
        if mention is not None:
            return AreaDecision(mention.area, mention.words)
        if reading.local_area is not None:
            name, probability = reading.local_area
            if name != CITY and probability >= LEAST_AREA:
                return AreaDecision(name, f"据本市历史工单地名推断，概率{probability:.0%}")
        if self._router is None:
            guess = guess_place(reading.document.text, reading.document.address)
            if guess is not None:
                return AreaDecision(guess.area, guess.words)
        return AreaDecision()

    def _known(self, area: str) -> str:
        return area if self._directory is not None and self._directory.area(area) is not None else ""

    def _explanation(
        self,
        reading: Reading,
        routed: _Routed,
        area: AreaDecision,
        *,
        channel: RouteOut | None,
        danger: Danger | None,
    ) -> tuple[Reason, ...]:
        reasons = [highlighted_words(reading.document, reading.route_credit, self._words)]
        if area.name:
            reasons.append(Reason("place", f"{area.name}（{area.evidence}）"))
        if routed.units:
            duties = [duty for duty in routed.units[0][0].duties if duty in reading.phrases]
            if duties:
                reasons.append(Reason("duty", f"{routed.units[0][0].name}职责：{'、'.join(duties)}"))
        if routed.avoided is not None:
            reasons.append(Reason("rule", f"被反映单位“{routed.avoided.name}”回避"))
        if danger is not None:
            reasons.append(Reason("rule", f"风险按规则提级：{danger.reason}"))
        if channel is not None and (danger is None or channel.reason != danger.reason):
            reasons.append(Reason("rule", channel.reason))
        return tuple(reason for reason in reasons if reason is not None)

    def _demand_texts(self, reading: Reading, demands: Sequence[Demand]) -> tuple[DemandText, ...]:
        document = reading.document
        raw = document.appeal.content if document.content.text.strip() else document.appeal.title
        return tuple(DemandText(masked_text(raw, demand.raw), demand.raw.start, demand.raw.end) for demand in demands)

    def _assisting(self, reading: Reading, lead: str, area: AreaDecision) -> tuple[str, ...]:
        names = self._base.classes[FUNCTION]
        likely = {names[i]: float(reading.functions[i]) for i in np.argsort(-reading.functions)[:SHOWN]}
        return assisting_units(
            reading.document.text,
            lead_function=lead,
            function_probabilities=likely,
            directory=self._directory,
            area=self._known(area.name),
        )

    def _deadline(
        self, reading: Reading, type_: str, lead: str, *, emergency: float
    ) -> tuple[datetime, datetime, str] | None:
        found = self._deadlines.deadline(
            reading.document.appeal.created_at,
            type_=type_,
            emergency=emergency >= EMERGENCY,
            utilities=lead in UTILITIES,
        )
        return (found.accept_by, found.finish_by, found.rule) if found else None


def _evidence(reading: Reading, level: int, danger: Danger | None) -> tuple[Quote, ...]:
    """Quote what shows the risk; the words of a danger found by rule come first."""
    if level < QUOTED_FROM:
        return ()
    quotes = risk_quotes(reading.document, reading.clauses, level=level)
    found = open_quote(reading.document, danger.span) if danger else None
    if found is None:
        return quotes
    others = (q for q in quotes if q.field != found.field or q.end <= found.start or found.end <= q.start)
    return (found, *others)[:MOST_QUOTES]


def _top(probabilities: NDArray[np.float32], names: Sequence[str]) -> tuple[Candidate, ...]:
    order = np.argsort(-probabilities, kind="stable")[:SHOWN]
    return tuple(Candidate(names[i], float(probabilities[i])) for i in order)
