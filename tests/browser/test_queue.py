"""The dispatcher's way through the queue, with the keyboard only."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.api.texts import numbered
from tests.browser.conftest import Console
from triage.casework import receive
from triage.casework.intake import NewAppeal
from triage.store import appeals
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.appeals import AppealView


def chosen(page: Page) -> str:
    """The id of the appeal that is shown."""
    expect(page.locator("[data-item][aria-current=true]")).to_have_count(1)
    shown = page.locator("[data-item][aria-current=true]").get_attribute("data-id")
    assert shown
    expect(page.locator(f"[data-file='{shown}']")).to_have_count(1)
    return shown


def stored(console: Console, id_: str) -> AppealView:
    with console.desk.database.transaction(EVERYWHERE) as connection:
        return appeals.get(connection, UUID(id_))


def arrive(console: Console, number: int) -> str:
    """An appeal comes in."""
    new = NewAppeal(**numbered(number))
    return str(receive.receive(console.desk, SYSTEM, new, idempotency_key=None).appeal_id)


def test_ten_appeals_are_dispatched_by_keyboard_only(console: Console, page: Page) -> None:
    console.log_in(page)
    done = []
    for _ in range(10):
        shown = chosen(page)
        proposed = page.locator(".unit-name").first.inner_text()
        page.keyboard.press("Enter")
        expect(page.locator(f"[data-item][data-id='{shown}']")).to_have_count(0)
        done.append((shown, proposed))
    assert len({id_ for id_, _ in done}) == 10
    assert [stored(console, id_).unit for id_, _ in done] == [unit for _, unit in done]


def test_a_digit_dispatches_to_that_proposal(console: Console, page: Page) -> None:
    console.log_in(page)
    shown = chosen(page)
    second = page.locator(".unit-name").nth(1).inner_text()
    page.keyboard.press("2")
    expect(page.locator(".toast").last).to_contain_text(second)
    assert stored(console, shown).unit == second


def test_another_unit_is_found_by_the_first_letters_of_its_syllables(console: Console, page: Page) -> None:
    console.log_in(page)
    shown = chosen(page)
    page.keyboard.press("u")
    page.keyboard.type("ljsjyj")
    expect(page.locator("#chooser-list [aria-selected=true]")).to_contain_text("澜江市教育局")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("已派往澜江市教育局")
    assert stored(console, shown).unit == "澜江市教育局"


def test_a_dispatch_is_taken_back_with_z(console: Console, page: Page) -> None:
    console.log_in(page)
    shown = chosen(page)
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-item][data-id='{shown}']")).to_have_count(0)
    page.keyboard.press("z")
    expect(page.locator(f"[data-item][data-id='{shown}']")).to_have_count(1)
    view = stored(console, shown)
    assert (view.case_state, view.unit) == ("waiting", "")


def test_a_new_appeal_appears_without_a_reload(console: Console, page: Page) -> None:
    console.log_in(page)
    page.goto(f"{console.address}/console/queue?order=latest")
    chosen(page)
    fresh = arrive(console, 7001)
    expect(page.locator(f"[data-item][data-id='{fresh}']")).to_have_count(1)


def test_what_a_colleague_has_dispatched_goes_away(console: Console, page: Page) -> None:
    from triage.casework import review

    fresh = arrive(console, 7002)
    console.log_in(page)
    page.goto(f"{console.address}/console/queue?order=latest")
    expect(page.locator(f"[data-item][data-id='{fresh}']")).to_have_count(1)
    review.confirm(console.desk, SYSTEM, UUID(fresh))
    expect(page.locator(f"[data-item][data-id='{fresh}']")).to_have_count(0)


def test_a_returned_appeal_is_never_proposed_to_that_unit_again(console: Console, page: Page) -> None:
    console.log_in(page)
    shown = chosen(page)
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-item][data-id='{shown}']")).to_have_count(0)
    unit = stored(console, shown).unit
    page.goto(f"{console.address}/console/appeals/{shown}")
    page.keyboard.press("r")
    page.keyboard.type("经核实不属于本单位职责范围")
    page.locator("#return button[type=submit]").click()
    expect(page.locator(".file-facts")).to_contain_text("退单")
    page.goto(f"{console.address}/console/queue?tray=returned")
    page.locator(f"[data-item][data-id='{shown}'] a").click()
    expect(page.locator(f"[data-file='{shown}']")).to_contain_text(f"{unit}（不再建议）")
    assert unit not in page.locator(".unit-name").all_inner_texts()


def test_two_events_are_merged_from_the_queue(console: Console, page: Page) -> None:
    console.log_in(page)
    chosen(page)
    for _ in range(30):
        if page.locator("#merge input[name=into]").count():
            break
        shown = chosen(page)
        page.keyboard.press("j")
        expect(page.locator(f"[data-item][data-id='{shown}']")).not_to_have_attribute("aria-current", "true")
    else:
        pytest.fail("no two samples look alike enough to be offered")
    shown = chosen(page)
    page.keyboard.press("m")
    into = page.locator("#merge input[name=into]:checked").get_attribute("value")
    page.locator("#merge button[type=submit]").press("Enter")
    expect(page.locator(".toast").last).to_contain_text("已并入")
    assert str(stored(console, shown).event_id) == into


def test_a_district_user_sees_only_the_district(console: Console, page: Page) -> None:
    console.log_in(page, districts=["临澜区"])
    chosen(page)
    ids = [item.get_attribute("data-id") for item in page.locator("[data-item]").all()]
    assert ids
    assert {stored(console, id_).district for id_ in ids if id_} == {"临澜区"}


def test_a_lost_connection_is_said_and_the_queue_comes_back_by_itself(console: Console, page: Page) -> None:
    console.log_in(page)
    chosen(page)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("[data-offline]")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden(timeout=15_000)


def test_the_unmasked_text_needs_a_reason_and_is_audited(console: Console, page: Page) -> None:
    console.log_in(page)
    shown = chosen(page)
    page.keyboard.press("o")
    page.wait_for_url(re.compile("/console/appeals/"))
    page.get_by_label(re.compile("查看理由")).fill("回访联系需要核对地址")
    page.get_by_role("button", name="查看原文").click()
    expect(page.locator(".raw-text")).to_be_visible()
    expect(page.locator("#raw")).to_contain_text("已记入审计")
    assert shown in page.url


def test_the_help_lists_the_keys_of_the_page(console: Console, page: Page) -> None:
    console.log_in(page)
    chosen(page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("确认派往首个建议单位")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_on_a_phone_an_appeal_opens_on_its_own_page(console: Console, phone: Page) -> None:
    console.log_in(phone)
    phone.locator("[data-item] a").first.click()
    phone.wait_for_url(re.compile("/console/appeals/"))
    expect(phone.locator(".unit").first).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
