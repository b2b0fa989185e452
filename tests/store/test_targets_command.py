"""``triage targets``: addresses and secrets come from the prompt or a pipe, never from the command line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import update

from benchmarks.receiver import answer, receiving
from tests.store.filing import CLOCK
from triage.cli import main
from triage.notify.rules import HOSTS, NETWORKS
from triage.store import backup, outbox
from triage.store import targets as stored
from triage.store.access import EVERYWHERE
from triage.store.deliveries import add as add_delivery
from triage.store.opening import open_as_owner, open_store
from triage.store.schema.delivery import deliveries
from triage.store.sealing import KEY_FILE
from triage.store.settings import StoreSettings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, short_folder: Path, capsys: pytest.CaptureFixture[str]) -> object:
    def command(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main(["targets", *arguments, "--data", str(short_folder / "data")])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_a_receivers_life_on_the_command_line(run: object, short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(run)
    settings = StoreSettings(data=short_folder / "data")
    with receiving() as receiver, open_store(settings):
        status, _, said = run("add", "协同平台", "--kind", "webhook", typed=f"{receiver.url}\n\n")
        assert (status, HOSTS in said) == (2, False)  # plain http needs a network that the operator named
        assert "只有运维人员指明的内网网段可以用 http" in said
        monkeypatch.setenv(NETWORKS, "127.0.0.0/8")
        status, _, said = run("add", "协同平台", "--kind", "webhook", typed=f"{receiver.url}\n\n")
        assert (status, HOSTS in said) == (2, True)
        monkeypatch.setenv(HOSTS, f"127.0.0.1:{receiver.port}")

        status, shown, said = run("add", "协同平台", "--kind", "webhook", typed=f"{receiver.url}\n{SECRET}\n")
        assert (status, shown.strip()) == (0, SECRET)  # alone on standard output, for a pipe
        assert "只显示这一次" in said
        status, shown, said = run("list")
        assert "协同平台" in shown
        assert f"127.0.0.1:{receiver.port}" in shown
        assert SECRET not in shown + said
        assert "/hook" not in shown + said

        assert run("test", "协同平台")[:2] == (0, "测试消息已送达\n")
        receiver.act = answer(500)
        status, _, said = run("test", "协同平台")
        assert (status, said.strip()) == (1, "测试消息未确认送达：对方出错（HTTP 500）")
        assert run("change", "协同平台", typed=f"{receiver.url}2\n{SECRET}\n")[0] == 0
        receiver.act = answer(200)
        run("test", "协同平台")
        assert receiver.received[-1].path == "/hook2"
        assert run("remove", "协同平台")[1] == "已移除接收方 协同平台，关闭未发出的消息 0 条\n"
        status, _, said = run("test", "协同平台")
        assert (status, "没有名为“协同平台”的接收方" in said) == (2, True)


def test_what_did_not_arrive_is_listed_sent_again_and_closed(run: object, short_folder: Path) -> None:
    assert callable(run)
    robot = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=geheim-0000"
    with open_store(StoreSettings(data=short_folder / "data")) as store:
        assert run("add", "值班群", "--kind", "wecom", typed=f"{robot}\n")[0] == 0
        assert run("failed")[0] == 0
        with store.database.transaction(EVERYWHERE) as connection:
            outbox.add(connection, "alert.raised", key="a:1", payload={}, at=CLOCK())
            (message,) = outbox.due(connection)
            add_delivery(connection, message.id, [stored.named(connection, "值班群").id])
            connection.execute(update(deliveries).values(state="uncertain", last_error="消息已交出，对方没有答复"))
            (number,) = connection.execute(deliveries.select()).scalars()
        status, shown, _ = run("failed")
        assert (status, str(number) in shown, "uncertain" in shown) == (1, True, True)
        assert run("retry", str(number))[1] == "将重发：alert.raised → 值班群\n"
        assert run("close", str(number))[0] == 2
        with store.database.transaction(EVERYWHERE) as connection:
            connection.execute(update(deliveries).values(state="dead"))
        assert run("close", str(number))[1] == "已结清：alert.raised → 值班群\n"
        assert run("failed")[0] == 0


def test_a_backup_holds_no_address_in_clear_and_not_the_key(run: object, short_folder: Path) -> None:
    assert callable(run)
    settings, kept = StoreSettings(data=short_folder / "data"), short_folder / "backup"
    robot = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=geheim-0000"
    with open_store(settings) as store:
        run("add", "值班群", "--kind", "wecom", typed=f"{robot}\n")
        key = (short_folder / "data" / KEY_FILE).read_text().strip()
        with open_as_owner(settings) as place:
            backup.back_up(place.owner_url, kept, key=place.key)
            with store.database.transaction(EVERYWHERE) as connection:
                sealed = stored.named(connection, "值班群").sealed
    said = kept.read_bytes()
    assert b"geheim-0000" not in said + sealed
    assert bytes.fromhex(key) not in said
    assert key.encode() not in said
