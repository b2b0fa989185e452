"""What axe finds on every page: nothing serious; and no page is wider than its window."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page, expect

from api.console.navigation import ENTRIES
from tests.browser.conftest import Console

AXE = files("axe_playwright_python") / "axe.min.js"
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
PAGES = [entry.address for entry in ENTRIES] + ["/console/search?q=路灯", "/console/password"]


def troubles_of(page: Page) -> list[str]:
    """Serious and critical findings of axe, one line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))  # not through a script element, which the page's policy refuses
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_the_log_in_is_accessible(console: Console, page: Page) -> None:
    page.goto(f"{console.address}/console/login")
    assert troubles_of(page) == []


def found_on(console: Console, page: Page) -> dict[str, list[str]]:
    """What is wrong with each page that an administrator can open; empty where nothing is."""
    console.log_in(page, role="admin")
    found = {}
    for address in PAGES:
        page.goto(console.address + address)
        page.wait_for_load_state("networkidle")
        troubles = troubles_of(page) + (["wider than the window"] if is_too_wide(page) else [])
        if troubles:
            found[address] = troubles
    return found


def test_every_page_is_accessible_at_the_desk(console: Console, page: Page) -> None:
    assert found_on(console, page) == {}


def test_every_page_is_accessible_and_readable_on_a_phone(console: Console, phone: Page) -> None:
    assert found_on(console, phone) == {}


def test_the_chosen_appeal_its_page_and_the_dialogs_are_accessible(console: Console, page: Page) -> None:
    console.log_in(page, role="admin")
    expect(page.locator("[data-file]")).to_have_count(1)
    assert troubles_of(page) == []
    for key, dialog in (("u", "#chooser"), ("m", "#merge"), ("t", "#pass-on"), ("?", "#keys")):
        page.keyboard.press(key)
        expect(page.locator(dialog)).to_be_visible()
        assert troubles_of(page) == [], dialog
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
    page.keyboard.press("o")
    page.wait_for_url("**/console/appeals/**")
    assert troubles_of(page) == []
