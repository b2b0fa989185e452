"""The main ways of duty officers, analysts and administrators, in a real browser."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.bundle import load_bundle, write_bundle
from tests.browser.conftest import Console
from tests.store.filing import file_appeal, file_event, rows
from tests.store.test_alert_board import raise_alert
from tests.store.test_bundles import zipped
from triage.base_model import base_bundle_path
from triage.casework import reports
from triage.samples import sample_path
from triage.store.access import EVERYWHERE
from triage.store.reports import page as kept_reports


def opened(
    console: Console, page: Page, path: str, *, role: str = "admin", districts: tuple[str, ...] = ("*",)
) -> None:
    """Log in and wait for a page."""
    console.log_in(page, role=role, districts=districts, at=path)
    expect(page.locator("h1")).to_be_visible()


def agree(page: Page) -> None:
    """Say yes in the page's own dialog."""
    page.locator("#ask button[value=yes]").click()


def work_off(console: Console) -> None:
    """Do what the worker does with reports that were asked for."""
    with console.desk.database.transaction(EVERYWHERE) as connection:
        waiting = [kept.id for kept in kept_reports(connection).items if kept.state == "queued"]
    for report in waiting:
        assert reports.work(console.desk, report).state == "done"


def test_a_warning_is_acknowledged_with_one_key(console: Console, page: Page) -> None:
    database = console.desk.database
    event = file_event(database, district="临澜区")
    raise_alert(database, event, level=4, district="临澜区", reason="同一诉求人第5次反映，扬言跳楼")
    opened(console, page, "/console/alerts?level=4", role="officer")
    group = page.locator("[data-item]").filter(has_text="扬言跳楼")
    expect(group).to_contain_text("红色 Ⅰ级")
    number = page.locator("[data-item]").count()
    group.get_by_role("button", name=re.compile("签收")).press("Enter")
    expect(page.locator("[data-item]")).to_have_count(number - 1)
    expect(page.locator(".toast").last).to_contain_text("已签收 1 条预警")
    assert {row["state"] for row in rows(database, "alerts", event_id=event)} == {"acknowledged"}


def test_a_new_warning_appears_without_reload_and_the_sound_is_remembered(console: Console, page: Page) -> None:
    opened(console, page, "/console/alerts", role="officer")
    page.keyboard.press("v")
    toggle = page.locator("[data-sound-toggle]")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    database = console.desk.database
    event, reason = file_event(database, district="北屏区"), "地铁口大量人员聚集"
    assert raise_alert(database, event, level=4, district="北屏区", reason=reason, minutes_ago=-400_000)
    expect(page.locator("[data-item]").filter(has_text="大量人员聚集")).to_have_count(1, timeout=25_000)
    expect(page.locator(".toast").last).to_contain_text("有新的预警")
    page.reload()
    expect(toggle).to_have_attribute("aria-pressed", "true")


def test_two_events_are_joined_and_taken_apart_again(console: Console, page: Page) -> None:
    database = console.desk.database
    for matter in ("古渡口栏杆松动甲", "古渡口栏杆松动乙"):
        event = file_event(database, district="临澜区")
        with database.transaction(EVERYWHERE) as connection:
            connection.exec_driver_sql("UPDATE events SET title = %s, last_at = now() WHERE id = %s", (matter, event))
        file_appeal(database, district="临澜区", event_id=event, content=matter)
    opened(console, page, "/console/events", role="dispatcher")
    page.goto(f"{console.address}/console/events?order=last&size=1")
    for matter in ("甲", "乙"):
        page.get_by_label(f"选择事件 古渡口栏杆松动{matter}").check()
    expect(page.locator("[data-picked]").first).to_have_text("2")
    page.keyboard.press("m")
    agree(page)
    page.wait_for_url(re.compile(r"/console/events/[0-9a-f-]{36}$"))
    expect(page.locator("tbody [data-item]")).to_have_count(2)
    expect(page.locator("#steps-title")).to_be_visible()
    page.keyboard.press("u")
    agree(page)
    expect(page.locator("tbody [data-item]")).to_have_count(1)
    expect(page.locator(".tag", has_text="已撤销")).to_be_visible()


def test_a_number_of_the_screen_leads_to_its_list(console: Console, page: Page) -> None:
    opened(console, page, "/console/overview", role="analyst")
    expect(page.locator("canvas")).to_have_count(1)
    tile = page.locator("a.stat").first
    number = tile.locator(".stat-value").inner_text()
    tile.click()
    page.wait_for_url(re.compile("/console/list"))
    expect(page.locator(".page-tools")).to_contain_text(f"共 {number} 件")


def test_the_weekly_report_is_made_looked_at_and_downloaded(console: Console, page: Page, tmp_path: Path) -> None:
    opened(console, page, "/console/reports", role="analyst")
    page.get_by_label("所属日期").fill("2026-09-09")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("n")
    expect(page.locator("#reports tbody tr").first).to_contain_text("排队中")
    work_off(console)
    expect(page.locator("#reports tbody tr").first).to_contain_text("已生成", timeout=25_000)
    page.locator("#reports tbody a").first.click()
    frame = page.frame_locator("iframe.preview")
    expect(frame.locator("body")).to_contain_text("周报", timeout=25_000)
    with page.expect_download() as began:
        page.get_by_role("link", name="Word").click()
    target = tmp_path / "weekly.docx"
    began.value.save_as(target)
    assert target.read_bytes()[:2] == b"PK"
    assert began.value.suggested_filename.endswith(".docx")


def test_a_changed_list_of_units_is_compared_and_imported(console: Console, page: Page, tmp_path: Path) -> None:
    with sample_path("units.csv").open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.reader(file))
    text = io.StringIO()
    csv.writer(text).writerows([*listed, ["澜江市低空经济办公室", "市", *[""] * (len(listed[0]) - 2)]])
    fresh = tmp_path / "units.csv"
    fresh.write_text(text.getvalue(), encoding="utf-8-sig")
    opened(console, page, "/console/directory")
    page.keyboard.press("i")
    page.locator("input[type=file]").set_input_files(fresh)
    page.get_by_role("button", name="查看差异").click()
    expect(page.locator("#diff")).to_contain_text("＋ 新增 1")
    expect(page.locator("#diff")).to_contain_text("澜江市低空经济办公室")
    page.get_by_role("button", name="确认导入").click()
    expect(page.locator(".toast").last).to_contain_text("名录已更新：新增 1 个")
    expect(page.locator("#units")).to_contain_text("澜江市低空经济办公室")


def test_a_bundle_is_uploaded_promoted_and_rolled_back(console: Console, page: Page, tmp_path: Path) -> None:
    base = load_bundle(base_bundle_path())
    write_bundle(tmp_path / "city", replace(base.description, name="city-a"), base.tensors)
    archive = tmp_path / "city-a.zip"
    archive.write_bytes(zipped(tmp_path / "city").getvalue())
    page.set_default_timeout(60_000)
    opened(console, page, "/console/models")
    page.get_by_role("button", name="上传模型").click()
    page.locator("#upload input[type=file]").set_input_files(archive)
    page.locator("#upload").get_by_role("button", name="上传", exact=True).click()
    expect(page.locator("#bundles .bundle")).to_contain_text("待启用", timeout=60_000)
    page.locator("#upload").get_by_role("button", name="关闭").click()
    page.locator("#bundles").get_by_role("button", name="启用", exact=True).click()
    page.get_by_role("button", name="比较并启用").click()
    expect(page.locator("#bundles .bundle")).to_contain_text("使用中", timeout=60_000)
    assert console.desk.current().bundle.startswith("city-a")
    page.get_by_role("button", name="回退到上一个模型").click()
    page.locator("#rollback").get_by_role("button", name="回退", exact=True).click()
    expect(page.locator("#bundles .bundle")).to_contain_text("已退役", timeout=60_000)
    assert not console.desk.current().bundle.startswith("city-a")


def test_a_key_is_shown_once(console: Console, page: Page) -> None:
    opened(console, page, "/console/people")
    page.get_by_role("button", name="新建密钥").click()
    box = page.locator("#new-key")
    box.get_by_label("用途").fill("热线平台")
    box.get_by_label("受理登记").check()
    box.get_by_label("可见区划").fill("全市")
    box.get_by_role("button", name="生成密钥").click()
    expect(page.locator(".secret")).to_have_text(re.compile("^tk_"))
    expect(box).to_be_hidden()
    page.reload()
    expect(page.locator(".secret")).to_have_count(0)
    expect(page.locator("#keys-list")).to_contain_text("热线平台")


def test_a_district_user_sees_only_the_district(console: Console, page: Page) -> None:
    year = datetime.now(UTC).year
    span = f"since={year - 1}-12-01T00:00:00%2B08:00&until={year}-12-31T00:00:00%2B08:00"
    opened(console, page, "/console/overview", role="officer", districts=("临澜区",))
    expect(page.locator("#screen")).not_to_contain_text("北屏区")
    page.goto(f"{console.address}/console/list?{span}")
    shown = set(page.locator("td[data-label='区划']").all_inner_texts())
    assert shown == {"临澜区"}
    page.goto(f"{console.address}/console/models")
    expect(page.locator("main")).to_contain_text("涉及全市")


@pytest.mark.parametrize("path", ["alerts", "events", "overview", "reports", "directory", "models", "audit", "people"])
def test_a_phone_shows_every_page_without_scrolling_sideways(console: Console, phone: Page, path: str) -> None:
    opened(console, phone, f"/console/{path}")
    wide = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
