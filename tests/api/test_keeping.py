"""Units, bundles, files, figures, audit and erasure over HTTP."""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.api.harness import House
from tests.api.texts import PHONE, WAGES, numbered
from triage.base_model import base_bundle_path
from triage.rules.deadlines import CHINA
from triage.samples import sample_path

CSV = {"Content-Type": "text/csv"}


def test_units_are_listed_and_replaced_by_a_file(house: House) -> None:
    admin = house.caller()
    units = admin.get("/v1/units").json()["items"]
    assert "临澜区城市管理局" in [unit["name"] for unit in units]
    whole = sample_path("units.csv").read_bytes()
    same = admin.post("/v1/units/import", content=whole, headers=CSV)
    assert same.status_code == 200, same.text
    assert same.json()["unchanged"] == len(units)
    fewer = b"\n".join(whole.splitlines()[:40])
    assert admin.post("/v1/units/import", content=fewer, headers=CSV).json()["withdrawn"] == len(units) - 39
    assert admin.post("/v1/units/import", content=whole, headers=CSV).json()["added"] == len(units) - 39


@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [
        (b"", "text/csv", 422),
        ("名称不对\n某局\n".encode(), "text/csv", 422),
        (b"PK\x03\x04 no workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 422),
        (b"name\nx\n", "application/json", 415),
    ],
)
def test_a_list_that_cannot_be_used_changes_nothing(house: House, sent: bytes, kind: str, status: int) -> None:
    admin = house.caller()
    before = admin.get("/v1/units").content
    answer = admin.post("/v1/units/import", content=sent, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert admin.get("/v1/units").content == before


def test_uploads_need_the_right_before_their_body_is_read(house: House) -> None:
    answer = house.caller("officer").post("/v1/units/import", content=b"x", headers=CSV)
    assert answer.status_code == 403


def packed(folder: Path, *, spoil: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            entry = tarfile.TarInfo(path.name)
            if spoil and path.suffix == ".safetensors":
                data = data[:-1] + bytes([data[-1] ^ 1])
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def test_a_bundle_is_uploaded_evaluated_promoted_and_rolled_back(house: House) -> None:
    admin, tar = house.caller(), {"Content-Type": "application/x-tar"}
    shipped = admin.get("/v1/bundles").json()["deciding"]
    stored = admin.post("/v1/bundles", content=packed(base_bundle_path()), headers=tar)
    assert stored.status_code == 201, stored.text
    path = f"/v1/bundles/{stored.json()['id']}"
    assert admin.post("/v1/bundles", content=packed(base_bundle_path()), headers=tar).status_code == 409
    assert admin.post(f"{path}/evaluate").status_code == 200
    promoted = admin.post(f"{path}/promote", {})
    assert promoted.status_code == 200, promoted.text
    assert promoted.json()["former"] == shipped
    assert admin.post(f"{path}/promote", {}).status_code == 409
    states = {bundle["id"]: bundle["state"] for bundle in admin.get("/v1/bundles").json()["items"]}
    assert states[stored.json()["id"]] == "active"
    assert house.caller("intake").post("/v1/appeals", numbered(90)).status_code == 201
    assert admin.post("/v1/bundles/rollback", {}).status_code == 200
    assert admin.post("/v1/bundles/rollback", {}).status_code == 409


def test_a_damaged_bundle_is_refused_and_not_kept(house: House) -> None:
    admin, tar = house.caller(), {"Content-Type": "application/x-tar"}
    before = admin.get("/v1/bundles").content
    answer = admin.post("/v1/bundles", content=packed(base_bundle_path(), spoil=True), headers=tar)
    assert answer.status_code == 422
    assert admin.post("/v1/bundles", content=b"nonsense", headers=tar).status_code == 422
    assert admin.get("/v1/bundles").content == before


def test_an_export_is_masked_defused_and_audited(house: House) -> None:
    intake, officer = house.caller("intake"), house.caller("officer")
    intake.post("/v1/appeals", WAGES)
    intake.post("/v1/appeals", numbered(91, title="=HYPERLINK(1)", reference="@SUM(1)"))
    answer = officer.get("/v1/appeals/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert PHONE not in answer.text
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "'=HYPERLINK(1)" in [row["标题"] for row in rows]
    assert "'@SUM(1)" in [row["来源编号"] for row in rows]
    book = load_workbook(io.BytesIO(officer.get("/v1/appeals/export", params={"format": "xlsx"}).content))
    assert book.worksheets[0].max_row == len(rows) + 1
    entries = house.caller().get("/v1/audit").json()["items"]
    assert entries[0]["action"] == "appeal.export"
    assert entries[0]["detail"]["appeals"] == len(rows)
    assert house.caller("dispatcher").get("/v1/appeals/export").status_code in (200, 403)
    assert house.caller("intake").get("/v1/appeals/export").status_code == 403


def test_the_overview_counts_the_days_asked_for(house: House) -> None:
    house.caller("intake").post("/v1/appeals", numbered(92))
    analyst = house.caller("analyst")
    today = analyst.get("/v1/reports/overview").json()
    assert today["total"] > 0
    assert sum(count["count"] for count in today["units"]) == today["total"]
    assert sum(count["count"] for count in today["risks"]) == today["total"]
    assert analyst.get("/v1/reports/overview", params={"day": "2001-01-01", "days": 7}).json()["total"] == 0
    day = datetime.now(UTC).astimezone(CHINA).date().isoformat()
    assert analyst.get("/v1/reports/overview", params={"day": day}).json()["total"] == today["total"]
    assert house.caller("intake").get("/v1/reports/overview").status_code == 403


def test_the_audit_can_be_read_in_pages_and_holds(house: House) -> None:
    admin = house.caller()
    posted = admin.post("/v1/appeals", numbered(93)).json()
    for number in range(3):
        admin.post(f"/v1/appeals/{posted['id']}/unmask", {"reason": f"第{number}次核实"})
    first = admin.get("/v1/audit", params={"limit": 2}).json()
    second = admin.get("/v1/audit", params={"limit": 2, "before": first["next"]}).json()
    assert [row["id"] for row in first["items"] + second["items"]] == sorted(
        (row["id"] for row in first["items"] + second["items"]), reverse=True
    )
    checked = admin.get("/v1/audit/verify").json()
    assert checked["intact"] is True
    assert checked["rows"] >= 3


def test_a_person_is_erased_on_request(house: House) -> None:
    intake, admin = house.caller("intake"), house.caller()
    posted = intake.post("/v1/appeals", {**WAGES, "user": "王待删", "channel": "删除"}).json()
    done = admin.post("/v1/appellants/erase", {"user": "王待删"})
    assert done.json()["appeals"] == [posted["id"]]
    shown = intake.get(f"/v1/appeals/{posted['id']}")
    assert shown.status_code == 200
    assert "工友" not in shown.text


def test_metrics_count_decisions_and_name_routes_not_ids(house: House) -> None:
    posted = house.caller("intake").post("/v1/appeals", numbered(94)).json()
    house.caller("intake").get(f"/v1/appeals/{posted['id']}")
    numbers = house.client.get("/metrics").text
    assert 'triage_decisions_total{outcome="review"}' in numbers
    assert 'route="/v1/appeals/{appeal_id}"' in numbers
    assert "triage_outbox_pending" in numbers
    assert posted["id"] not in numbers


def test_a_zip_is_taken_as_well(house: House) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", "{}")
    answer = house.caller().post("/v1/bundles", content=buffer.getvalue(), headers={"Content-Type": "application/zip"})
    assert answer.status_code == 422
