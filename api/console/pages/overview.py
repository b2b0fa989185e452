"""态势: the city on one screen; every number leads to the appeals behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from api.console.charts import days_chart
from api.console.pages.lists import address
from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework.picture import Figure, Picture, picture
from triage.store import events
from triage.store.events import EventFilter, EventView
from triage.store.narrow import look_up

router = page_router()

Reader = Annotated[Visit, Depends(visitor("report.read"))]

SHOWN = 8
"""Rows of a list on the screen, and rows and columns of the heat table."""
STEPS = 5
"""Shades of the heat table."""
HOT = 7
"""Hot events on the screen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell of the heat table: its number, its shade 0 … `STEPS`, and its list."""

    count: int
    shade: int
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hot:
    """A hot event with its appeals per day of the curve."""

    event: EventView
    daily: Sequence[int]


@router.get("/overview")
def show(visit: Reader) -> Response:
    """Show the state of the actor's districts."""
    found = picture(visit.desk, visit.actor)
    shown: dict[str, Any] = {
        "picture": found,
        "href": lambda figure: address(figure.slice),
        "curve": days_chart([(day.day, day.count, address(day.slice)) for day in found.days]),
        "heat": heat_rows(found),
        "columns": [one.name for one in found.categories[:SHOWN]],
        "shown": SHOWN,
        "hot": hot_events(visit, found),
    }
    if visit.partial:
        return visit.fragment("overview/_screen.html", **shown)
    return visit.page("overview/index.html", title="态势", **shown)


def hot_events(visit: Visit, found: Picture) -> list[Hot]:
    """Return the hottest open events of at least two appeals with one in the days of the curve."""
    first, today = found.days[0], found.days[-1].day
    wanted = EventFilter(state="open", size_at_least=2, since=first.slice.since)
    scope = visit.actor.scope
    with visit.desk.database.transaction(scope) as connection:
        look_up(connection, scope)
        page = events.page(connection, wanted, scope=scope, order="hot", limit=HOT, until=today)
        daily = events.daily_many(connection, [event.id for event in page.items], since=first.day)
    return [
        Hot(event=event, daily=[daily.get(event.id, {}).get(day.day, 0) for day in found.days]) for event in page.items
    ]


def heat_rows(found: Picture) -> list[tuple[str, Figure, list[Cell]]]:
    """Return districts with their cells; the darkest cell is the highest number."""
    most = max((figure.count for figure in found.heat.values()), default=0)
    return [
        (
            district.name,
            district.figure,
            [_cell(found.heat[district.name, category.name], most) for category in found.categories[:SHOWN]],
        )
        for district in found.districts[:SHOWN]
    ]


def _cell(figure: Figure, most: int) -> Cell:
    shade = -(-STEPS * figure.count // most) if most else 0
    return Cell(count=figure.count, shade=shade, href=address(figure.slice))
