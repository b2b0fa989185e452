"""Logging in: passwords, locks, sessions, keys; who may do what."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from tests.store.filing import CLOCK, StandingClock, count, person, rows
from tests.store_fixtures import both_ways
from triage.casework import access, passwords
from triage.casework.rights import ACTIONS, RIGHTS, may, require
from triage.errors import InputError
from triage.store.access import SYSTEM, Scope
from triage.store.database import Database
from triage.store.errors import Conflict, NotFound, Refused, Unauthenticated
from triage.store.people import User
from triage.store.schema import ROLES

PASSWORD = "correct horse battery"
WRONG = "用户名或口令不正确；连续输错 5 次，账号锁定 15 分钟"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash cheaply; one test looks at the real cost."""
    passwords._hasher.cache_clear()
    passwords._nobody.cache_clear()
    monkeypatch.setattr(
        passwords, "PasswordHasher", lambda **_: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    )
    yield
    passwords._hasher.cache_clear()
    passwords._nobody.cache_clear()


def add(
    database: Database, name: str = "wang", *, role: str = "dispatcher", districts: tuple[str, ...] = ("*",)
) -> User:
    return access.add_user(database, SYSTEM, name=name, password=PASSWORD, role=role, districts=districts, clock=CLOCK)


def fail(database: Database, times: int, *, clock: StandingClock = CLOCK) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            access.log_in(database, "wang", "wrong password", clock=clock)


@both_ways()
def test_a_user_logs_in_and_is_known_by_the_session(database: Database) -> None:
    user = add(database, districts=("龙华区", "秀英区"))
    begun = access.log_in(database, "wang", PASSWORD, clock=CLOCK)
    actor = access.session(database, begun.token, clock=CLOCK)
    assert actor == begun.actor == user.actor
    assert actor.name == f"user:{user.id}"
    assert actor.scope == Scope(("龙华区", "秀英区"))


def test_neither_password_nor_token_is_stored_or_shown(database: Database) -> None:
    add(database)
    begun = access.log_in(database, "wang", PASSWORD, clock=CLOCK)
    stored = repr(rows(database, "users")) + repr(rows(database, "sessions")) + repr(rows(database, "audit"))
    assert PASSWORD not in stored
    assert begun.token not in stored
    assert begun.token not in repr(begun)
    assert str(rows(database, "users")[0]["password"]).startswith("$argon2id$")


@pytest.mark.parametrize("name", ["wang", "nobody", "x\x00y", "", "王" * 500])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(database: Database, name: str) -> None:
    add(database)
    with pytest.raises(Unauthenticated) as caught:
        access.log_in(database, name, "wrong password", clock=CLOCK)
    assert str(caught.value) == WRONG


def test_an_unknown_name_takes_the_time_of_a_known_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add(database)
    compared: list[str] = []
    real = passwords.password_matches
    monkeypatch.setattr(passwords, "password_matches", lambda s, p: compared.append(s) or real(s, p))  # type: ignore[func-returns-value]
    with pytest.raises(Unauthenticated):
        access.log_in(database, "nobody", "wrong password", clock=CLOCK)
    assert len(compared) == 1
    assert compared[0].startswith("$argon2id$")


def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(database: Database) -> None:
    clock = StandingClock()
    add(database)
    fail(database, 5, clock=clock)
    with pytest.raises(Unauthenticated, match="不正确"):
        access.log_in(database, "wang", PASSWORD, clock=clock)
    clock.pass_(minutes=14, seconds=59)
    with pytest.raises(Unauthenticated):
        access.log_in(database, "wang", PASSWORD, clock=clock)
    clock.pass_(seconds=1)
    assert access.log_in(database, "wang", PASSWORD, clock=clock).user.name == "wang"


def test_a_right_password_clears_the_count(database: Database) -> None:
    add(database)
    for _ in range(3):
        fail(database, 4)
        access.log_in(database, "wang", PASSWORD, clock=CLOCK)


def test_many_guesses_at_once_are_still_only_five(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add(database)
    guesses: list[str] = []
    monkeypatch.setattr(access, "password_matches", lambda _stored, typed: bool(guesses.append(typed)))  # type: ignore[func-returns-value]

    def guess(number: int) -> None:
        with pytest.raises(Unauthenticated):
            access.log_in(database, "wang", f"guess {number}", clock=CLOCK)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(guess, range(40)))
    assert len(guesses) == 5


def test_logging_in_and_failing_is_audited_but_not_what_was_typed(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    add(database)
    with caplog.at_level(logging.DEBUG):
        fail(database, 5)
        with pytest.raises(Unauthenticated):
            access.log_in(database, "my-secret-as-name", PASSWORD, clock=CLOCK)
    actions = [row["action"] for row in rows(database, "audit")]
    assert actions == ["user.add", *["user.log_in.failed"] * 5]
    assert rows(database, "audit")[-1]["detail"] == {"locked": True}
    told = caplog.text + repr([record.__dict__ for record in caplog.records]) + repr(rows(database, "audit"))
    assert "my-secret-as-name" not in told
    assert "wrong password" not in told


def test_a_session_ends_after_a_shift_or_by_logging_out(database: Database) -> None:
    clock = StandingClock()
    add(database)
    one, two = (access.log_in(database, "wang", PASSWORD, clock=clock).token for _ in range(2))
    access.log_out(database, one)
    with pytest.raises(Unauthenticated, match="登录已失效，请重新登录"):
        access.session(database, one, clock=clock)
    clock.pass_(hours=12)
    with pytest.raises(Unauthenticated, match="登录已失效"):
        access.session(database, two, clock=clock)
    access.log_in(database, "wang", PASSWORD, clock=clock)
    assert count(database, "sessions") == 1  # the expired one is gone


@pytest.mark.parametrize("typed", ["", "\x00", "\ud800" * 20, "长" * 100_000])
def test_whatever_is_typed_as_a_password_is_only_wrong(database: Database, typed: str) -> None:
    add(database)
    with pytest.raises(Unauthenticated, match="不正确"):
        access.log_in(database, "wang", typed, clock=CLOCK)


def test_a_new_password_ends_sessions_and_lifts_a_lock(database: Database) -> None:
    add(database)
    token = access.log_in(database, "wang", PASSWORD, clock=CLOCK).token
    fail(database, 5)
    access.set_password(database, SYSTEM, "wang", "another good phrase")
    with pytest.raises(Unauthenticated):
        access.session(database, token, clock=CLOCK)
    assert access.log_in(database, "wang", "another good phrase", clock=CLOCK).token


def test_a_person_may_change_the_own_password_only(database: Database) -> None:
    me = add(database)
    add(database, "li")
    access.set_password(database, me.actor, "wang", "another good phrase")
    with pytest.raises(Refused, match="角色 dispatcher 无权管理用户；需要的角色：admin"):
        access.set_password(database, me.actor, "li", "another good phrase")


def test_a_disabled_user_is_out_at_once(database: Database) -> None:
    add(database)
    token = access.log_in(database, "wang", PASSWORD, clock=CLOCK).token
    access.disable_user(database, SYSTEM, "wang")
    with pytest.raises(Unauthenticated):
        access.session(database, token, clock=CLOCK)
    with pytest.raises(Unauthenticated):
        access.log_in(database, "wang", PASSWORD, clock=CLOCK)
    with pytest.raises(NotFound, match="没有用户“nobody”"):
        access.disable_user(database, SYSTEM, "nobody")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "10 至 200 个字符"),
        ("x" * 201, "10 至 200 个字符"),
        ("abababababab", "不同的字符不足 5 个"),
        ("13800001234567", "全是数字"),
        ("Password123", "过于常见"),
        ("i am Wang of here", "不能包含用户名"),
    ],
)
def test_a_password_easy_to_guess_is_refused(database: Database, password: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        access.add_user(database, SYSTEM, name="wang", password=password, role="admin", districts=["*"])
    assert password not in str(caught.value)


def test_a_name_a_role_and_districts_are_checked(database: Database) -> None:
    add(database)
    with pytest.raises(Conflict, match="用户名“wang”已被使用"):
        add(database)
    with pytest.raises(InputError, match="用户名应为 2 至 40 个字母"):
        add(database, "a b")
    with pytest.raises(InputError, match="角色“boss”不存在，请写：intake、dispatcher、officer、analyst、admin"):
        add(database, "li", role="boss")
    with pytest.raises(InputError, match="未写明可见区划；全市请写"):
        add(database, "li", districts=(" ",))
    with pytest.raises(InputError, match="区划名称过长或含有控制字符"):
        add(database, "li", districts=("龙华区\x1f秀英区",))


def test_a_password_stored_under_old_parameters_is_hashed_anew_at_the_next_log_in(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database)
    old = rows(database, "users")[0]["password"]
    passwords._hasher.cache_clear()
    monkeypatch.setattr(
        passwords, "PasswordHasher", lambda **_: PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    )
    access.log_in(database, "wang", PASSWORD, clock=CLOCK)
    assert rows(database, "users")[0]["password"] != old
    access.log_in(database, "wang", PASSWORD, clock=CLOCK)


def test_the_real_hash_costs_19_mib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    passwords._hasher.cache_clear()
    assert passwords.hash_password(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@both_ways()
def test_a_key_opens_until_it_is_revoked(database: Database) -> None:
    made = access.create_key(database, SYSTEM, label="热线平台", role="intake", districts=["龙华区"], clock=CLOCK)
    assert made.secret.startswith("tk_")
    assert len(made.secret) >= 46
    actor = access.authenticate_key(database, made.secret, clock=CLOCK)
    assert (actor.name, actor.role, actor.scope) == (f"key:{made.key.id}", "intake", Scope(("龙华区",)))
    access.revoke_key(database, SYSTEM, made.key.id, clock=CLOCK)
    with pytest.raises(Unauthenticated, match="密钥无效、已吊销或已过期"):
        access.authenticate_key(database, made.secret, clock=CLOCK)
    with pytest.raises(NotFound, match="没有有效的密钥"):
        access.revoke_key(database, SYSTEM, made.key.id, clock=CLOCK)
    assert [row["action"] for row in rows(database, "audit")] == ["key.create", "key.revoke"]


def test_a_keys_secret_is_shown_once_and_stored_nowhere(database: Database) -> None:
    made = access.create_key(database, SYSTEM, label="热线平台", role="intake", districts=["*"], clock=CLOCK)
    stored = repr(rows(database, "keys")) + repr(rows(database, "audit")) + repr(made)
    assert made.secret not in stored
    assert made.secret[3:] not in stored


def test_a_key_expires(database: Database) -> None:
    clock = StandingClock()
    with pytest.raises(InputError, match="密钥的到期时间已过"):
        access.create_key(database, SYSTEM, label="旧", role="intake", districts=["*"], expires_at=clock(), clock=clock)
    made = access.create_key(
        database,
        SYSTEM,
        label="临时",
        role="intake",
        districts=["*"],
        expires_at=clock() + timedelta(days=1),
        clock=clock,
    )
    access.authenticate_key(database, made.secret, clock=clock)
    clock.pass_(days=1)
    with pytest.raises(Unauthenticated):
        access.authenticate_key(database, made.secret, clock=clock)


def test_the_use_of_a_key_is_noted_once_a_minute(database: Database) -> None:
    clock = StandingClock()
    made = access.create_key(database, SYSTEM, label="平台", role="intake", districts=["*"], clock=clock)
    first = clock()
    for _ in range(3):
        access.authenticate_key(database, made.secret, clock=clock)
        clock.pass_(seconds=29)
    assert rows(database, "keys")[0]["used_at"] == first
    access.authenticate_key(database, made.secret, clock=clock)
    assert rows(database, "keys")[0]["used_at"] == clock()


@pytest.mark.parametrize("secret", ["", "tk_", "tk_" + "x" * 43, "sk_abc", "tk_\x00", "tk_\ud800"])
def test_an_invented_key_is_refused(database: Database, secret: str) -> None:
    with pytest.raises(Unauthenticated, match="密钥无效"):
        access.authenticate_key(database, secret, clock=CLOCK)


def test_only_an_administrator_manages_people(database: Database) -> None:
    for role in ROLES:
        if role != "admin":
            with pytest.raises(Refused, match=f"角色 {role} 无权管理用户"):
                access.users(database, person(role))
            with pytest.raises(Refused, match=f"角色 {role} 无权管理接口密钥"):
                access.keys(database, person(role))
    assert access.users(database, person("admin")) == []
    assert access.keys(database, person("admin")) == []


EXPECTED = {
    "intake": {"appeal.post", "appeal.hint", "appeal.batch", "job.read", "appeal.read", "event.read", "alert.read"}
    | {"unit.read", "appeal.answer", "appeal.urge", "appeal.opt_out"},
    "analyst": {"appeal.read", "event.read", "alert.read", "unit.read", "report.read", "appeal.export", "bundle.read"}
    | {"dispatching.read"},
    "admin": set(RIGHTS),
}
EXPECTED["dispatcher"] = (
    EXPECTED["intake"]
    | {"appeal.unmask", "appeal.review", "event.change", "alert.acknowledge"}
    | {"appeal.handle", "dispatching.read"}
)
EXPECTED["officer"] = EXPECTED["dispatcher"] | {"report.read", "appeal.export", "bundle.read", "appeal.rule"}


@pytest.mark.parametrize("action", RIGHTS)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(role: str, action: str) -> None:
    assert may(person(role), action) == (action in EXPECTED[role])
    assert may(SYSTEM, action)
    if action not in EXPECTED[role]:
        with pytest.raises(Refused, match=f"角色 {role} 无权{ACTIONS[action].split('（')[0]}"):
            require(person(role), action)


def test_an_unknown_role_may_nothing() -> None:
    assert not any(may(person("guest"), action) for action in RIGHTS)
    assert set(ACTIONS) == set(RIGHTS)


def test_a_log_in_answers_within_half_a_second(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    passwords._hasher.cache_clear()
    add(database)
    begun = time.perf_counter()
    access.log_in(database, "wang", PASSWORD, clock=CLOCK)
    assert time.perf_counter() - begun < 2.0
