"""Sign-in: every refusal alike, nothing by half a proof, nobody locked out, and one tap in a demonstration alone."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyotp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from anhuan import app as house
from anhuan.identity import codes, demonstration, passwords, recovery, sessions, signin, store, store_signin, throttle
from anhuan.identity.rights import Role
from anhuan.identity.signin import Browser
from anhuan.kit import audit, ids, page, rates, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Strength

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
PASSWORD = "tugboat plum sixty"
HOME = Browser(address="192.0.2.1", name="Chrome · Mac", visitor=b"home")
ELSEWHERE = Browser(address="198.51.100.7", name="Firefox · Linux", visitor=b"elsewhere")


class Lin:
    """A person with a password, an app for codes and a paper."""

    def __init__(self, db: Session) -> None:
        self.secret = codes.new_secret()
        self.id = sessions.add_person(db, now=NOW, name="林晓")
        first = pyotp.TOTP(self.secret).at(NOW - timedelta(seconds=30))
        self.handle = signin.set_password(db, self.id, "lin", PASSWORD, self.secret, first, now=NOW)
        self.paper = codes.make_recovery_codes(db, self.id, now=NOW)

    def code(self, at: datetime = NOW) -> str:
        return pyotp.TOTP(self.secret).at(at)


@pytest.fixture
def lin(db: Session) -> Lin:
    return Lin(db)


def enter(db: Session, lin: Lin, *, at: datetime = NOW, browser: Browser = HOME, code: str = "") -> signin.SignedIn:
    return signin.by_password(db, lin.handle, PASSWORD, code or lin.code(at), browser, now=at)


def test_password_and_code_open_a_session_of_that_strength(db: Session, lin: Lin) -> None:
    done = enter(db, lin)
    who = sessions.admit(db, done.token, now=NOW)
    assert who.person_id == lin.id
    assert who.strength is Strength.PASSWORD
    assert Role.HOLDER in who.roles


def test_the_sign_in_name_is_known_however_it_is_typed(db: Session, lin: Lin) -> None:
    assert signin.by_password(db, f" {lin.handle.upper()} ", PASSWORD, lin.code(), HOME, now=NOW).person_id == lin.id


def test_a_code_works_once_and_so_does_one_from_paper(db: Session, lin: Lin) -> None:
    enter(db, lin)
    with pytest.raises(signin.WrongSignIn):
        enter(db, lin)
    enter(db, lin, code=lin.paper[0])
    with pytest.raises(signin.WrongSignIn):
        enter(db, lin, code=lin.paper[0].upper())
    wall.enter(db, party=lin.id, person=lin.id)
    assert store_signin.codes_left(db, lin.id) == len(lin.paper) - 1


@pytest.mark.parametrize(("seconds", "right"), [(-60, False), (-30, False), (0, True), (30, True), (60, False)])
def test_clocks_may_drift_by_one_step_and_an_older_code_than_the_last_is_refused(
    db: Session, lin: Lin, seconds: int, right: bool
) -> None:
    """The step before was used when the codes were switched on, so it is worth nothing either."""
    code = lin.code(NOW + timedelta(seconds=seconds))
    if right:
        assert enter(db, lin, code=code)
    else:
        with pytest.raises(signin.WrongSignIn):
            enter(db, lin, code=code)


@pytest.mark.parametrize(("handle", "password", "code"), [
    ("nobody-0000", PASSWORD, "right"), ("lin", PASSWORD, "right"), ("", "", ""),
    ("right", "tugboat plum sixtx", "right"), ("right", "", "right"), ("right", PASSWORD, ""),
    ("right", PASSWORD, "000000"), ("right", PASSWORD, "０００００００"), ("right", "right" * 9999, "right"),
    ("right", PASSWORD, "aaaa-aaaa-aaaa-aaaa"), ("right\x00", PASSWORD, "right"),
])  # fmt: skip
def test_whatever_is_wrong_the_answer_is_the_same(db: Session, lin: Lin, handle: str, password: str, code: str) -> None:
    typed = handle.replace("right", lin.handle)
    with pytest.raises(signin.WrongSignIn) as said:
        signin.by_password(db, typed, password, lin.code() if code == "right" else code, HOME, now=NOW)
    assert said.value.message == "登录名、密码或动态码不对。没有登录。"
    assert db.scalar(text("SELECT anhuan_person()")) is None  # nobody's rows are open after a refusal


def test_an_unknown_name_takes_as_long_as_a_known_one(db: Session, lin: Lin) -> None:
    """Medians of a few tries each: without the hash for nobody the difference would be some 150 ms."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(4):
        for known in (True, False):
            name = lin.handle if known else "nobody-0000"
            began = time.perf_counter()
            with pytest.raises(signin.WrongSignIn):
                signin.by_password(db, name, "wrong wrong wrong", "000000", HOME, now=NOW)
            spent[known].append(time.perf_counter() - began)
    quickest = {known: min(times) for known, times in spent.items()}
    assert quickest[False] > 0.5 * quickest[True]


def test_a_refusal_is_written_down_about_the_person_it_aimed_at(db: Session, lin: Lin) -> None:
    with pytest.raises(signin.WrongSignIn):
        enter(db, lin, code="000000")
    wall.enter(db, party=lin.id, person=lin.id)
    assert next(one.act for one in audit.page_of(db, subject=f"person:{lin.id}")) == "session.refused"


def test_a_guesser_is_slowed_down_and_the_owner_at_home_is_not(db: Session, lin: Lin) -> None:
    known = Browser(HOME.address, HOME.name, enter(db, lin).device, HOME.visitor)
    refused = 0
    for n in range(80):  # from many addresses, and last from the owner's own
        thief = Browser(HOME.address if n >= 60 else f"203.0.113.{n}", "x", None, b"thief")
        try:
            signin.by_password(db, lin.handle, "guess", "000000", thief, now=NOW)
        except rates.TooMany:
            refused += 1
        except signin.WrongSignIn:
            continue
    assert refused >= 20
    later = NOW + timedelta(seconds=60)
    with pytest.raises(rates.TooMany):  # a strange browser with the right proof waits like everybody
        enter(db, lin, at=later, browser=ELSEWHERE)
    assert enter(db, lin, at=later, browser=known).person_id == lin.id


def test_a_browser_is_known_to_those_who_signed_in_with_it_alone(db: Session, lin: Lin) -> None:
    device = enter(db, lin).device
    wall.enter(db, party=None)
    assert throttle.is_known(db, lin.id, device, now=NOW)
    assert not throttle.is_known(db, ids.new_id(), device, now=NOW)
    assert not throttle.is_known(db, lin.id, device, now=NOW + timedelta(days=181))
    assert not throttle.is_known(db, lin.id, device[:-1], now=NOW)


def test_a_sign_in_ends_the_session_that_the_browser_held(db: Session, lin: Lin) -> None:
    first = enter(db, lin)
    before = sessions.admit(db, first.token, now=NOW)
    later = NOW + timedelta(seconds=30)
    second = enter(db, lin, at=later, browser=Browser(HOME.address, HOME.name, None, b"", before))
    assert second.token != first.token
    assert sessions.admit(db, first.token, now=later).person_id is None
    assert sessions.admit(db, second.token, now=later).person_id == lin.id


# Joining


def invited(roles: tuple[Role, ...] = (Role.HOLDER,), person: UUID | None = None) -> str:
    with database.sessions("work").begin() as db:
        return signin.invite(db, now=NOW, roles=roles, person_id=person, given_by=recovery.installer())


def test_an_invitation_gives_its_roles_once(own_database: Engine) -> None:
    token = invited((Role.HOLDER, Role.ADMINISTRATOR), ids.LOCAL_USER)
    with database.transaction() as db:
        assert signin.joining_id(db, token, now=NOW) == ids.LOCAL_USER
        signin.join(db, token, ids.LOCAL_USER, "林晓", HOME, now=NOW)
        assert set(store.roles(db, ids.LOCAL_USER)) == {"holder", "administrator"}
    with pytest.raises(signin.LinkGone), database.transaction() as db:
        signin.joining_id(db, token, now=NOW)
    with pytest.raises(signin.LinkGone), database.transaction() as db:
        signin.join(db, token, ids.new_id(), "别人", HOME, now=NOW)


def test_a_late_invitation_and_an_older_welcome_link_open_nothing(own_database: Engine) -> None:
    older, newer = invited(person=ids.LOCAL_USER), invited(person=ids.LOCAL_USER)
    with database.transaction() as db:
        with pytest.raises(signin.LinkGone):
            signin.invitation(db, older, now=NOW)
        with pytest.raises(signin.LinkGone):
            signin.invitation(db, newer, now=NOW + timedelta(hours=24))
        assert signin.invitation(db, newer, now=NOW)


def test_the_pages_login_can_write_no_invitation_and_no_role(own_database: Engine) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), database.transaction() as db:
        signin.invite(db, now=NOW, given_by=recovery.installer())
    with pytest.raises(DBAPIError, match="row-level security"), database.sessions("desk").begin() as db:
        signin.invite(db, now=NOW, roles=(Role.HOLDER, Role.ADMINISTRATOR), given_by=recovery.installer())
    with pytest.raises(DBAPIError, match="row-level security"), database.transaction() as db:
        sessions.add_person(db, now=NOW, roles=(Role.HOLDER, Role.RISK))


def test_choosing_a_sign_in_name_tells_nobody_whether_it_is_taken(db: Session, lin: Lin) -> None:
    other = sessions.add_person(db, now=NOW, name="x")
    secret = codes.new_secret()
    made = signin.set_password(db, other, "lin", PASSWORD, secret, pyotp.TOTP(secret).at(NOW), now=NOW)
    assert made.startswith("lin-")
    assert lin.handle.startswith("lin-")
    assert made != lin.handle


def test_a_password_needs_its_first_code(db: Session) -> None:
    person = sessions.add_person(db, now=NOW, name="x")
    with pytest.raises(signin.CodeWrong):
        signin.set_password(db, person, "x", PASSWORD, codes.new_secret(), "000000", now=NOW)
    with pytest.raises(signin.CodeWrong):
        signin.set_password(db, person, "x", PASSWORD, "short", "000000", now=NOW)
    with pytest.raises(passwords.TooCommon):
        signin.set_password(db, person, "linxiaofeng", "linxiaofeng1990", codes.new_secret(), "000000", now=NOW)


def test_one_way_in_is_not_enough_to_move_money(db: Session, lin: Lin) -> None:
    wall.enter(db, party=lin.id, person=lin.id)
    assert signin.ways_in(db, lin.id).enough  # password with codes, and a paper
    alone = sessions.add_person(db, now=NOW)
    assert not signin.ways_in(db, alone).enough


# One tap


@pytest.fixture
def shown(own_database: Engine) -> Engine:
    """A database that is a demonstration, with its invented people."""
    with database.transaction() as db:
        demonstration.declare(db, demonstration.DEMONSTRATION, now=NOW)
    with database.sessions("work").begin() as db:
        demonstration.fill(db, now=NOW)
    return own_database


def door(*, served: bool, host: str = "localhost", address: str = "127.0.0.1") -> TestClient:
    app = house.create(database.sessions(), now=lambda: NOW, demonstration=served)
    return TestClient(app, base_url=f"http://{host}:8000", client=(address, 4711), follow_redirects=False)


def tap(client: TestClient, who: UUID = ids.LOCAL_USER) -> int:
    """Press a card, or forge the form where none is shown; the answer's status."""
    seen = client.get("/sign-in").text
    csrf = seen.partition('name="csrf" value="')[2].partition('"')[0]
    cookie = client.cookies.get(page.CSRF_COOKIE)
    said = client.post(
        "/sign-in/demo", data={"csrf": csrf, "who": str(who)}, headers={"Cookie": f"{page.CSRF_COOKIE}={cookie}"}
    )
    return said.status_code


def test_in_a_demonstration_each_role_signs_in_with_one_tap(shown: Engine) -> None:
    client = door(served=True)
    assert client.get("/sign-in").text.count('name="who"') == len(demonstration.PEOPLE)
    assert {one.role for one in demonstration.PEOPLE} == set(Role) - {Role.PARTNER}
    for one in demonstration.PEOPLE:
        assert tap(door(served=True), one.id) == 303


@pytest.mark.parametrize(("served", "host", "address"), [
    (False, "localhost", "127.0.0.1"),       # a demonstration's database served as if it were real
    (True, "localhost", "203.0.113.9"),      # asked from another machine
    (True, "127.0.0.1", "testclient"),       # from who knows where
])  # fmt: skip
def test_one_tap_is_neither_shown_nor_obeyed_elsewhere(shown: Engine, served: bool, host: str, address: str) -> None:
    client = door(served=served, host=host, address=address)
    assert 'name="who"' not in client.get("/sign-in").text
    assert tap(client) == 404


def test_one_tap_is_off_where_the_house_has_a_public_name(shown: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANHUAN_ORIGIN", "https://pay.example")
    client = door(served=True, host="pay.example")
    client.base_url = "https://pay.example"
    assert 'name="who"' not in client.get("/sign-in").text
    assert tap(client) == 404


@pytest.mark.parametrize("kind", [demonstration.REAL, None])
@pytest.mark.parametrize("served", [True, False])
def test_one_tap_is_off_in_a_real_house_and_in_one_that_nobody_declared(
    own_database: Engine, kind: str | None, served: bool
) -> None:
    with database.sessions("work").begin() as db:
        demonstration.fill(db, now=NOW)  # even with the invented people in it
    if kind is not None:
        with database.transaction() as db:
            demonstration.declare(db, kind, now=NOW)
    client = door(served=served)
    assert 'name="who"' not in client.get("/sign-in").text
    assert tap(client) == 404


def test_a_session_of_one_tap_opens_nothing_where_one_tap_is_off(shown: Engine) -> None:
    with database.transaction() as db:
        done = signin.let_in(db, ids.LOCAL_USER, Strength.DEMO, HOME, now=NOW, how="demo")
    cookie = {"Cookie": f"{page.SESSION_COOKIE}={done.token}"}
    assert door(served=True).get("/me", headers=cookie).status_code == 200
    assert door(served=False).get("/me", headers=cookie).status_code == 303
    assert door(served=True, address="203.0.113.9").get("/me", headers=cookie).status_code == 303


def test_a_person_who_was_not_invented_cannot_be_tapped(shown: Engine) -> None:
    with database.transaction() as db:
        person = sessions.add_person(db, now=NOW, name="真人")
    assert tap(door(served=True), person) == 404


def test_a_house_stays_what_it_was_declared_to_be(own_database: Engine) -> None:
    with database.transaction() as db:
        demonstration.declare(db, demonstration.REAL, now=NOW)
        demonstration.declare(db, demonstration.REAL, now=NOW)
        with pytest.raises(demonstration.NotADemonstration):
            demonstration.declare(db, demonstration.DEMONSTRATION, now=NOW)
    with pytest.raises(DBAPIError, match="permission denied"), database.transaction() as db:
        db.execute(text("UPDATE installation SET mode = 'demonstration'"))


def test_a_demonstration_is_never_served_as_real(shown: Engine) -> None:
    with database.transaction() as db, pytest.raises(demonstration.NotReal):
        demonstration.declare(db, demonstration.REAL, now=NOW)
