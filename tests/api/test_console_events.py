"""Events as pages: looked at, joined, parted, judged, closed, and all that taken back."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.api.console import Visitor, signed_in
from tests.api.harness import EAST, NORTH, House
from tests.store.filing import file_appeal
from triage.store import appeals, events
from triage.store.access import EVERYWHERE
from triage.store.events import EventView


def post(house: House, *, district: str = EAST, content: str = "路灯不亮", unit: str = "") -> UUID:
    """File an appeal that is an event of its own."""
    return file_appeal(house.service.desk.database, district=district, content=content, raw=content, unit=unit)


def event_of(house: House, appeal_id: UUID) -> EventView:
    with house.service.desk.database.transaction(EVERYWHERE) as connection:
        found = appeals.get(connection, appeal_id).event_id
        return events.get(connection, found, scope=EVERYWHERE)


@pytest.fixture(scope="module")
def dispatcher(house: House) -> Visitor:
    return signed_in(house, role="dispatcher")


def merged(house: House, dispatcher: Visitor, number: int = 2) -> tuple[UUID, list[UUID]]:
    """Join appeals of their own and return the event and its appeals."""
    filed = [post(house) for _ in range(number)]
    chosen = [str(event_of(house, appeal_id).id) for appeal_id in filed]
    answer = dispatcher.post("/console/events/merge", {"event": chosen}, partial=True)
    assert answer.status_code == 204, answer.text
    return UUID(answer.headers["hx-redirect"].rpartition("/")[2]), filed


def test_ticked_events_become_one_and_the_page_shows_it(house: House, dispatcher: Visitor) -> None:
    event, filed = merged(house, dispatcher, 3)
    assert event_of(house, filed[0]).size == 3
    shown = dispatcher.get(f"/console/events/{event}")
    assert shown.status_code == 200
    assert "3 件" in shown.text
    assert "并单 2 件" in shown.text
    assert all(f"/console/appeals/{appeal_id}" in shown.text for appeal_id in filed)


def test_a_merge_is_taken_back(house: House, dispatcher: Visitor) -> None:
    event, filed = merged(house, dispatcher)
    assert dispatcher.post(f"/console/events/{event}/undo", partial=True).status_code == 204
    assert event_of(house, filed[0]).id != event_of(house, filed[1]).id
    assert "已撤销" in dispatcher.get(f"/console/events/{event}").text


def test_ticked_appeals_are_parted_from_the_rest(house: House, dispatcher: Visitor) -> None:
    event, filed = merged(house, dispatcher, 3)
    form = {"appeal": [str(filed[2])], "reason": "不是同一处"}
    answer = dispatcher.post(f"/console/events/{event}/split", form, partial=True)
    assert answer.headers["hx-redirect"] == f"/console/events/{event}"
    assert event_of(house, filed[2]).id != event_of(house, filed[0]).id
    assert "不是同一处" in dispatcher.get(f"/console/events/{event}").text


def test_partners_are_found_by_words(house: House, dispatcher: Visitor) -> None:
    mine, other = post(house), post(house, content="独特的古桥护栏松动")
    found = dispatcher.get(f"/console/events/{event_of(house, mine).id}/partners?q=古桥护栏", partial=True)
    assert str(event_of(house, other).id) in found.text
    assert str(event_of(house, mine).id) not in found.text


def test_an_event_is_watched_and_closed_and_opened_again(house: House, dispatcher: Visitor) -> None:
    appeal_id = post(house)
    event = event_of(house, appeal_id).id
    dispatcher.post(f"/console/events/{event}/watch", partial=True)
    assert event_of(house, appeal_id).watched
    waiting = dispatcher.post(f"/console/events/{event}/close", partial=True)
    assert waiting.status_code == 409
    assert "未派单" in waiting.json()["detail"]
    appeal_id = post(house, unit="澜江市城市管理局")
    event = event_of(house, appeal_id).id
    assert dispatcher.post(f"/console/events/{event}/close", partial=True).status_code == 204
    assert event_of(house, appeal_id).state == "closed"
    assert dispatcher.post(f"/console/events/{event}/reopen", partial=True).status_code == 204
    assert event_of(house, appeal_id).state == "open"


def test_the_list_is_ordered_and_filtered(house: House, dispatcher: Visitor) -> None:
    event, _ = merged(house, dispatcher, 4)
    for order in ("hot", "last", "size"):
        shown = dispatcher.get(f"/console/events?order={order}").text
        assert f"/console/events/{event}" in shown
    assert "多频" in dispatcher.get("/console/events?frequent=true").text
    assert dispatcher.get("/console/events?watched=true&size=500").text.count("<tr data-item>") == 0
    assert dispatcher.get("/console/events?order=random").status_code == 422


def test_a_list_goes_on_where_a_page_ended(house: House, dispatcher: Visitor) -> None:
    for _ in range(42):
        post(house, district=NORTH)
    first = dispatcher.get("/console/events?order=last&size=1").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)
    assert more is not None
    rest = dispatcher.get(more[1].replace("&amp;", "&"), partial=True).text
    shown = set(re.findall(r"/console/events/([0-9a-f-]{36})", first))
    assert shown
    assert not shown & set(re.findall(r"/console/events/([0-9a-f-]{36})", rest))


def test_a_district_sees_its_part_and_cannot_join_across_districts(house: House, dispatcher: Visitor) -> None:
    filed = [post(house), post(house, district=NORTH)]
    chosen = [str(event_of(house, appeal_id).id) for appeal_id in filed]
    both = dispatcher.post("/console/events/merge", {"event": chosen}, partial=True).headers["hx-redirect"]
    east = signed_in(house, role="dispatcher", districts=[EAST])
    shown = east.get(both).text
    assert f"/console/appeals/{filed[0]}" in shown
    assert f"/console/appeals/{filed[1]}" not in shown
    answer = east.post(f"{both}/split", {"appeal": [str(filed[0])]}, partial=True)
    assert answer.status_code == 403
    assert "其他区划的诉求" in answer.json()["detail"]


def test_who_may_only_read_gets_no_buttons_and_no_steps(house: House, dispatcher: Visitor) -> None:
    event, filed = merged(house, dispatcher)
    analyst = signed_in(house, role="analyst")
    shown = analyst.get(f"/console/events/{event}").text
    assert "拆出所选" not in shown
    assert 'id="merge"' not in shown
    assert analyst.post(f"/console/events/{event}/split", {"appeal": [str(filed[0])]}, partial=True).status_code == 403


def test_a_step_that_is_none_and_an_event_that_is_not_there_are_refused(house: House, dispatcher: Visitor) -> None:
    event = event_of(house, post(house)).id
    assert dispatcher.post(f"/console/events/{event}/explode", partial=True).status_code == 422
    missing = dispatcher.get(f"/console/events/{UUID(int=7)}")
    assert missing.status_code == 404
    assert "没有事件" in missing.text
    assert dispatcher.post("/console/events/merge", {"event": [str(event)]}, partial=True).status_code == 422


def test_the_list_of_unsure_pairs_is_a_page(dispatcher: Visitor) -> None:
    assert dispatcher.get("/console/events/unsure").status_code == 200
    form = {"appeal": [str(UUID(int=1)), str(UUID(int=2))], "verdict": "same"}
    answer = dispatcher.post("/console/events/unsure", form, partial=True)
    assert answer.status_code == 404


def test_texts_that_look_like_markup_stay_text(house: House, dispatcher: Visitor) -> None:
    appeal_id = post(house, content="</script><img src=x onerror=alert(1)>漏水")
    shown = dispatcher.get(f"/console/events/{event_of(house, appeal_id).id}").text
    assert "<img src=x" not in shown
