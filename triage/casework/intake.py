"""From what a channel delivers to what is ready to be recorded: scored, signed, encoded; nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage, Desk
from triage.decision import Decision
from triage.directory import Directory
from triage.events import Signature, make_signature
from triage.linking import event_item
from triage.reading import Reading
from triage.store.access import Scope
from triage.store.errors import Refused
from triage.store.ids import new_id
from triage.store.search import Query
from triage.store.signatures import SearchKeys, search_keys
from triage.store.vectors import DenseEncoder, Vectors

_UNSTORABLE = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}
"""A text of PostgreSQL holds neither NUL nor half a surrogate pair; each becomes one other character: no offset slips."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAppeal:
    """An appeal as a channel delivers it.

    Attributes:
        content: The free text, raw.
        title: Subject line; may be empty.
        created_at: When it was written, with a time zone; None when unknown.
        user: The appellant's account or name; stored as a keyed hash only.
        address: The ticket's address field.
        channel: 热线, 网站 …
        reference: The channel's own number; unique within it; may be empty.
        district: The district it belongs to; empty: the actor's only one, or where the text says it is.
        received_at: When it came in, for imports of what came in earlier; None: now.
        no_automation: Whether the appellant objects to a decision by machine alone (PIPL art. 24).
        supplements: Id or reference of the open ticket that this appeal adds to (补充); empty for a new matter.
    """

    content: str
    title: str = ""
    created_at: datetime | None = None
    user: str = ""
    address: str = ""
    channel: str = ""
    reference: str = ""
    district: str = ""
    received_at: datetime | None = None
    no_automation: bool = False
    supplements: str = ""

    def __post_init__(self) -> None:
        for name in ("created_at", "received_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} has no time zone; use e.g. ZoneInfo('Asia/Shanghai')")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """An appeal ready to be recorded.

    Attributes:
        id: Its id in the store.
        new: As delivered, with characters that cannot be stored replaced.
        received_at: When it came in.
        reading: The scores.
        decision: What is proposed as long as its event is unknown.
        signature: For event assignment; its id is the appeal's.
        keys: By what it is found.
        vector: float32[256] of unit length.
        others: Fingerprint of an encoder that is taking over or leaving → its vector.
        appellant: Keyed hash; None when unknown.
        district: The district it belongs to.
    """

    id: UUID
    new: NewAppeal
    received_at: datetime
    reading: Reading
    decision: Decision
    signature: Signature
    keys: SearchKeys
    vector: Vectors
    appellant: bytes | None
    district: str
    others: Mapping[str, Vectors] = field(default_factory=dict)

    def query(self, encoder: str, *, unrelated: float = 0.0) -> Query:
        """Return the search for appeals about the same matter.

        Args:
            encoder: Fingerprint of what made the vector.
            unrelated: Its cosine of texts that have nothing in common.
        """
        return Query(vector=self.vector, encoder=encoder, keys=self.keys, unrelated=unrelated, appellant=self.appellant)


def prepare(desk: Desk, active: ActiveTriage, appeals: Sequence[NewAppeal], *, scope: Scope | None) -> list[Prepared]:
    """Score appeals; each as if it came alone.

    Args:
        desk: Composition.
        active: The models to use.
        appeals: As delivered.
        scope: Where they may be recorded; None: nowhere, they are only looked at.

    Raises:
        Refused: One belongs to a district outside the scope.
        InputError: Its channel does not number appeals like that, or is refused.
    """
    now = desk.clock()
    cleaned = [_cleaned(desk, appeal) for appeal in appeals]
    ids = [new_id(now) for _ in cleaned]
    readings = active.triage.read([_appeal(new, id_, now) for new, id_ in zip(cleaned, ids, strict=True)])
    decisions = active.triage.decide_readings(readings)
    vectors = _vectors(active.encoder, readings)
    others = {other.fingerprint: _vectors(other, readings) for other in active.others} if scope is not None else {}
    frequencies = desk.rarity.scorer(active.scorer).frequencies
    found = []
    rows = zip(cleaned, ids, readings, decisions, vectors, strict=True)
    for row, (new, id_, reading, decision, vector) in enumerate(rows):
        appellant = desk.appellant_hash(new.user)
        signature = _sign(desk, reading, decision, new=new, appellant=appellant)
        found.append(
            Prepared(
                id=id_,
                new=new,
                received_at=new.received_at or now,
                reading=reading,
                decision=decision,
                signature=signature,
                keys=search_keys(signature, frequencies),
                vector=vector,
                appellant=appellant,
                district=district_of(new, decision, active, scope=scope) if scope else "",
                others={fingerprint: made[row] for fingerprint, made in others.items()},
            )
        )
    return found


def district_of(new: NewAppeal, decision: Decision, active: ActiveTriage, *, scope: Scope) -> str:
    """Return the district an appeal belongs to: the stated one, the actor's only one, or the one its area lies in.

    Raises:
        Refused: It lies outside the scope, or an actor of several districts must state which.
    """
    district = new.district.strip()
    if not district and not scope.everywhere and len(scope.districts) == 1:
        return scope.districts[0]
    if not district:
        district = enclosing_district(decision.area.name, active.triage.directory)
    if scope.everywhere or district in scope.districts:
        return district
    if new.district.strip():
        raise Refused(f"无权登记“{district}”的诉求；可登记的区划：{'、'.join(scope.districts)}")
    raise Refused(f"看不出诉求属于哪个区划，请填写 district；可登记的区划：{'、'.join(scope.districts)}")


def storable(text: str) -> str:
    """Return a text with the characters that the store cannot hold replaced, at the same length."""
    return text.translate(_UNSTORABLE)


def _vectors(encoder: DenseEncoder, readings: Sequence[Reading]) -> Sequence[Vectors]:
    """Return float32[256] for each appeal; what was encoded to decide it is not encoded again."""
    made = [reading.vector for reading in readings if reading.encoder == encoder.fingerprint]
    known = [vector for vector in made if vector is not None]
    if len(known) == len(readings):
        return known
    return list(encoder.encode([reading.document.text for reading in readings]))


def _cleaned(desk: Desk, new: NewAppeal) -> NewAppeal:
    """Return an appeal as it can be stored, its channel under the one name that all its spellings have."""
    new = replace(
        new,
        content=storable(new.content),
        title=storable(new.title),
        user=storable(new.user),
        address=storable(new.address),
        channel=storable(new.channel),
        reference=storable(new.reference),
        district=storable(new.district),
        supplements=storable(new.supplements),
    )
    return replace(new, channel=desk.channels.checked(new.channel, new.reference))


def _appeal(new: NewAppeal, id_: UUID, now: datetime) -> Appeal:
    return Appeal(
        id=str(id_),
        content=new.content,
        title=new.title,
        created_at=new.created_at or new.received_at or now,
        user=new.user,
        address=new.address,
        channel=new.channel,
    )


def _sign(desk: Desk, reading: Reading, decision: Decision, *, new: NewAppeal, appellant: bytes | None) -> Signature:
    """Make the signature; the appellant enters it by the keyed hash, so that nobody can try out names on stored ones."""
    item = event_item(reading.document, type_=decision.types[0].name if decision.types else None)
    key = appellant.hex()[:16] if appellant else ""
    item = replace(item, id=new.reference or item.id, user=key)
    return replace(make_signature(item, words=desk.words), id=reading.document.appeal.id)


def enclosing_district(area: str, directory: Directory | None) -> str:
    """Return the district or county that an area of the directory lies in; empty where that is unknown."""
    seen: set[str] = set()
    while directory is not None and area and area not in seen:
        found = directory.area(area)
        if found is None:
            return ""
        if found.level == "区县":
            return found.name
        seen.add(area)
        area = found.parent
    return ""
