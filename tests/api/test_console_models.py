"""Models as pages: figures, upload, comparison, promotion and the way back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import load_bundle, write_bundle
from tests.api.console import Visitor, signed_in
from tests.api.harness import House
from tests.store.filing import rows
from tests.store.test_bundles import zipped
from triage.base_model import base_bundle_path

ZIP = {"Content-Type": "application/zip"}


@pytest.fixture(scope="module")
def admin(house: House) -> Visitor:
    return signed_in(house)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The shipped bundle under another name: another bundle to the store."""
    folder: Path = tmp_path_factory.mktemp("bundle") / "city"
    base = load_bundle(base_bundle_path())
    write_bundle(folder, replace(base.description, name="city-a"), base.tensors)
    return zipped(folder).getvalue()


def test_a_bundle_is_uploaded_compared_promoted_and_taken_back(house: House, admin: Visitor, archive: bytes) -> None:
    before = house.service.desk.current().bundle
    listed = admin.post("/console/models/upload", partial=True, content=archive, headers=ZIP)
    assert listed.status_code == 200, listed.text
    assert "待启用" in listed.text
    stored = str(rows(house.service.desk.database, "bundles")[0]["id"])
    assert admin.post(f"/console/models/{stored}/evaluate", partial=True).status_code == 200
    promoted = admin.post("/console/models/promote", {"bundle": stored}, partial=True)
    assert promoted.headers["hx-redirect"] == "/console/models"
    assert house.service.desk.current().bundle.startswith("city-a")
    shown = admin.get("/console/models").text
    assert "使用中" in shown
    assert re.search(r"现用模型</span><span[^>]*>city-a", shown)
    assert admin.post("/console/models/rollback", {"reason": "试用结束"}, partial=True).status_code == 204
    assert house.service.desk.current().bundle == before
    actions = [row["action"] for row in rows(house.service.desk.database, "audit")]
    assert {"bundle.upload", "bundle.promote", "bundle.roll_back"} <= set(actions)


def test_figures_of_an_empty_store_say_so(admin: Visitor) -> None:
    shown = admin.get("/console/models?days=7")
    assert shown.status_code == 200
    assert "这段时间没有人工处理的诉求" in shown.text
    assert admin.get("/console/models?days=0").status_code == 422


def test_what_is_no_bundle_is_refused_with_a_word(admin: Visitor) -> None:
    answer = admin.post("/console/models/upload", partial=True, content=b"not an archive" * 100, headers=ZIP)
    assert answer.status_code == 422
    assert "无法识别的压缩格式" in answer.json()["detail"]
    assert admin.post("/console/models/promote", {}, partial=True).status_code == 422


def test_there_is_no_way_back_from_the_shipped_bundle(admin: Visitor) -> None:
    answer = admin.post("/console/models/rollback", partial=True)
    assert answer.status_code == 409
    assert "没有可回退的模型" in answer.json()["detail"]


def test_who_may_only_read_sees_no_buttons(house: House, archive: bytes) -> None:
    analyst = signed_in(house, role="analyst")
    shown = analyst.get("/console/models").text
    assert "上传模型" not in shown
    assert analyst.post("/console/models/upload", partial=True, content=archive, headers=ZIP).status_code == 403
    assert signed_in(house, role="dispatcher").get("/console/models").status_code == 403
    assert signed_in(house, role="analyst", districts=["临澜区"]).get("/console/models").status_code == 403
