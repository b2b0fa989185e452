"""In which street or township (街镇) something happens, as far as an address or a text says."""

from __future__ import annotations

from triage.directory import Directory
from triage.naming import parse_places

_DISTRICT, _STREET = "区县", "街镇"
_SEEN = 400
"""Characters of a text that are looked through for the name of its district."""
_MENTIONS = 5


def street_of(*, area: str, district: str, address: str, texts: tuple[str, ...], directory: Directory | None) -> str:
    """Return the street, without the name of its district; empty where nothing says.

    Args:
        area: The administrative area that was decided on.
        district: District of the appeal; empty when unknown.
        address: Its address field, raw or masked.
        texts: Title and content.
        directory: The city's units; None where there is no list.
    """
    found = _enclosing(area, _STREET, directory) or _named(address, _STREET)
    if not found and district:
        found = next(filter(None, (_after(text, district) for text in texts)), "")
    return found.removeprefix(district) if district else found


def district_of(*, area: str, address: str, directory: Directory | None) -> str:
    """Return the district or county: the one that the area lies in, else the one that area or address names."""
    found = _enclosing(area, _DISTRICT, directory) or _named(area, _DISTRICT) or _named(address, _DISTRICT)
    if directory is None or directory.area(found) is not None:
        return found
    return ""


def _enclosing(area: str, level: str, directory: Directory | None) -> str:
    seen: set[str] = set()
    while directory is not None and area and area not in seen:
        found = directory.area(area)
        if found is None:
            return ""
        if found.level == level:
            return found.name
        seen.add(area)
        area = found.parent
    return ""


def _named(text: str, level: str) -> str:
    places, _ = parse_places("".join(text.split()))
    return next((place.name for place in places if place.level == level), "")


def _after(text: str, district: str) -> str:
    """Return the street that stands right behind the district's name: 临澜区桃溪街道桃溪路 → 桃溪街道."""
    at = -1
    for _ in range(_MENTIONS):
        at = text.find(district, at + 1, _SEEN)
        if at < 0:
            break
        found = _named(text[at : at + 60], _STREET)
        if found:
            return found
    return ""
