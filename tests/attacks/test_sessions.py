"""Attacks on sign-in and sessions: planted, stolen and replayed proofs, guessing, telling who exists, caches."""

import base64
import json
import re
from datetime import timedelta
from uuid import uuid4

import argon2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.attacks.conftest import BASE
from tests.attacks.hands import NOW, Clock, Hand, Owner, bent, form_token_of, hand, house_at
from tests.people import as_party

from anhuan.identity import recovery, rules, sessions, signin
from anhuan.identity.demonstration import PEOPLE
from anhuan.kit import db as database
from anhuan.kit import page, wall
from anhuan.kit.actors import Strength
from anhuan.kit.clock import now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(db: Session, clock: Clock) -> FastAPI:
    """The whole house over the transaction of this test."""
    return house_at(database.sessions(), clock)


@pytest.fixture
def browser(house: FastAPI) -> Hand:
    return hand(house)


@pytest.fixture
def other(house: FastAPI) -> Hand:
    """The attacker's browser."""
    return hand(house)


@pytest.fixture
def lin(db: Session) -> Owner:
    return Owner(db)


def holding(house: FastAPI, token: str) -> Hand:
    """A browser that keeps this token and nothing else, as somebody who stole it."""
    made = hand(house)
    made.cookies[page.SESSION_COOKIE] = token
    return made


# --- planted and stolen sessions ---


def test_fixation_by_an_invented_session(lin: Owner, browser: Hand, house: FastAPI) -> None:
    """Tried: a cookie planted before sign-in, in the hope that it becomes the session of whoever signs in.
    Must: sign-in makes a token of its own; the planted one opens nothing, before and after.
    Control: the new token opens the page.
    """
    planted = "A" * 43
    browser.cookies[page.SESSION_COOKIE] = planted
    lin.enters(browser, NOW)
    assert browser.session != planted
    assert not holding(house, planted).is_inside()
    assert browser.is_inside()


def test_fixation_by_the_attackers_own_session(
    db: Session, lin: Owner, browser: Hand, other: Hand, house: FastAPI, clock: Clock
) -> None:
    """Tried: the attacker's living session planted in the victim's browser, to share it after the sign-in.
    Must: it does not become the victim's, and ends where somebody else signed in with it.
    Control: before that it was the attacker's session.
    """
    thief = Owner(db, "别人")
    thief.enters(other, NOW)
    assert other.is_inside()
    planted = other.session
    browser.cookies[page.SESSION_COOKIE] = planted
    lin.enters(browser, NOW)
    assert browser.session != planted
    assert not holding(house, planted).is_inside()


def test_stolen_token_after_a_fresh_proof(lin: Owner, browser: Hand, house: FastAPI, clock: Clock) -> None:
    """Tried: a token that was stolen before the owner proved again who acts.
    Must: worth nothing from then on.
    Control: it opened the page before, the owner's new one does after.
    """
    stolen = lin.enters(browser, NOW).session
    assert holding(house, stolen).is_inside()
    at = clock.later(seconds=60)
    browser.post("/me/security/prove", {"password": lin.form(at)["password"], "code": lin.code(at)})
    assert browser.session != stolen
    assert not holding(house, stolen).is_inside()
    assert browser.is_inside()


def test_token_after_signing_out(lin: Owner, browser: Hand, house: FastAPI, clock: Clock) -> None:
    """Tried: a copy of the token, used after the owner signed out.
    Must: it opens nothing, by pages and by JSON.
    Control: until then it did.
    """
    copied = lin.enters(browser, NOW).session
    assert holding(house, copied).call("GET", "/api/v1/board").status_code == 200
    browser.post("/sign-out")
    assert not browser.session, "the browser was told to forget it"
    assert not holding(house, copied).is_inside()
    assert holding(house, copied).call("GET", "/api/v1/board").status_code == 401


def test_token_after_signing_out_everywhere(lin: Owner, browser: Hand, other: Hand, clock: Clock) -> None:
    """Tried: a session on another device, after the owner signed out everywhere.
    Must: every session is over.
    Control: both were open before.
    """
    lin.enters(browser, NOW)
    lin.enters(other, clock.later(seconds=60))
    assert (browser.is_inside(), other.is_inside()) == (True, True)
    browser.post("/me/devices/end")
    assert not other.is_inside()


def test_token_after_idle_time(lin: Owner, browser: Hand, clock: Clock) -> None:
    """Tried: a browser that was left alone, after the idle time.
    Must: it asks for sign-in.
    Control: a minute before it still opens.
    """
    idle = rules.house("session_idle_minutes", on=NOW.date())
    lin.enters(browser, NOW)
    clock.later(minutes=idle - 1)
    assert browser.is_inside()
    clock.later(minutes=idle)
    assert not browser.is_inside()


def test_token_kept_alive_for_ever(lin: Owner, browser: Hand, clock: Clock) -> None:
    """Tried: a stolen token kept alive by a request every few minutes.
    Must: it ends after the session's whole length, however busy it was.
    Control: it lived through all the requests before.
    """
    hours, idle = (rules.house(f"session_{name}", on=NOW.date()) for name in ("total_hours", "idle_minutes"))
    lin.enters(browser, NOW)
    while clock.at + timedelta(minutes=idle - 1) < NOW + timedelta(hours=hours):
        clock.later(minutes=idle - 1)
        assert browser.is_inside()
    clock.later(minutes=idle - 1)
    assert not browser.is_inside()


def test_hash_from_a_stolen_database_as_a_token(db: Session, lin: Owner, browser: Hand, house: FastAPI) -> None:
    """Tried: what the database keeps of a session, read from a stolen dump and sent as the token, in four spellings.
    Must: it opens nothing: only a hash is kept.
    Control: the token whose hash it is opens.
    """
    lin.enters(browser, NOW)
    as_party(db, lin.id)
    kept = bytes(db.execute(text("SELECT token_hash FROM sessions")).scalar_one())
    wall.enter(db, party=None)
    assert kept == sessions.hash_of(browser.session)
    spellings = [kept.hex(), base64.urlsafe_b64encode(kept).rstrip(b"=").decode(), base64.b64encode(kept).decode()]
    assert [one for one in [*spellings, "\\x" + kept.hex()] if holding(house, one).is_inside()] == []
    assert browser.is_inside()


def _jwt(head: dict[str, str], said: dict[str, object], signature: bytes = b"") -> str:
    parts = (json.dumps(head).encode(), json.dumps(said).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256", ""])
def test_unsigned_web_token(lin: Owner, browser: Hand, house: FastAPI, algorithm: str) -> None:
    """Tried: a JSON web token that names the victim and every role, unsigned or signed by nothing, as cookie and key.
    Must: nobody: no token of ours carries claims.
    Control: the victim's true session opens the same address.
    """
    claims = {"sub": str(lin.id), "person_id": str(lin.id), "roles": ["administrator", "holder"], "exp": 4102444800}
    forged = _jwt({"alg": algorithm, "typ": "JWT"}, claims, b"" if algorithm.lower() == "none" else b"x" * 32)
    bearer = {"authorization": f"Bearer {forged}"}
    assert holding(house, forged).call("GET", "/api/v1/board").status_code == 401
    assert hand(house).call("GET", "/api/v1/board", **bearer).status_code == 401
    lin.enters(browser, NOW)
    assert browser.call("GET", "/api/v1/board").status_code == 200


def test_random_bearer_strings(lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: keys in the right shape with chance inside, empty ones, endless ones, other schemes, and a session as key.
    Must: 401, never a fault.
    Control: the same session as a cookie opens.
    """
    lin.enters(browser, NOW)
    keys = [f"anh_{uuid4().hex}_{'A' * 43}", f"anh_{lin.id.hex}_{'A' * 43}", "anh__", "", " ", "x" * 5000, "' OR 1=1",
            "anh_" + "0" * 32 + "_" + "=" * 43, browser.session]  # fmt: skip
    for key in keys:
        assert other.call("GET", "/api/v1/board", authorization=f"Bearer {key}").status_code == 401
    for line in ("Basic bGluOmxpbg==", f"Session {browser.session}", browser.session, "Bearer", "Digest a=b"):
        assert other.call("GET", "/api/v1/board", authorization=line).status_code == 401
    assert browser.call("GET", "/api/v1/board").status_code == 200


def test_key_and_cookie_together(lin: Owner, browser: Hand) -> None:
    """Tried: a request that carries a good session and a bad key, to be let in by the one and pass checks by the other.
    Must: the key counts alone: nobody, and no form passes without its token.
    Control: the session alone opens.
    """
    lin.enters(browser, NOW)
    assert browser.call("GET", "/api/v1/board", authorization="Bearer x").status_code == 401
    sent = browser.post("/sign-out", csrf="", authorization="Bearer x", sec_fetch_site="cross-site")
    assert sent.status_code in (303, 422)
    assert browser.is_inside(), "it was not signed out"


# --- forms of sessions ---


def test_csrf_with_the_token_of_another_session(db: Session, lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: the attacker, signed in too, puts the token of the own session into a form of the victim.
    Must: refused; the victim stays signed in.
    Control: the victim's own token signs out.
    """
    Owner(db, "别人").enters(other, NOW)
    lin.enters(browser, NOW)
    assert browser.post("/sign-out", csrf=form_token_of(other.session)).status_code == 422
    assert browser.is_inside()
    assert browser.post("/sign-out").status_code == 303


def test_csrf_with_a_token_from_before_sign_in(lin: Owner, browser: Hand) -> None:
    """Tried: a form token that was read while the victim was not signed in yet.
    Must: worth nothing in the session.
    Control: it was good until then: the sign-in itself carried one.
    """
    early = browser.token()
    lin.enters(browser, NOW)
    assert browser.post("/sign-out", csrf=early).status_code == 422
    assert browser.is_inside()


def test_login_csrf(db: Session, browser: Hand, other: Hand) -> None:
    """Tried: another site signs the victim's browser in to the attacker's account, to read what is entered there.
    Must: refused by where it comes from, and by the attacker's form token too.
    Control: from our page with this browser's own token the same form signs in.
    """
    thief = Owner(db, "别人")
    form = thief.form(NOW)
    assert browser.post("/sign-in/password", form, sec_fetch_site="cross-site").status_code == 403
    assert browser.post("/sign-in/password", form, csrf=other.token()).status_code == 422
    assert browser.post("/sign-in/password", form, csrf="").status_code == 422
    assert not browser.session
    assert browser.post("/sign-in/password", form).status_code == 303


def test_clickjacking_on_pages_that_confirm(lin: Owner, browser: Hand) -> None:
    """Tried: pages on which one tap confirms something, in a frame of another site.
    Must: both head lines against frames on every one of them, also on the answer to a form.
    Control: the page asked for is truly there.
    """
    lin.enters(browser, NOW)
    shown = [browser.get(path) for path in ("/me/security", "/me/security/prove", "/me/limits", "/me/data/erase")]
    shown.append(browser.post("/me/limits", {"kind": "per_payment", "amount": "1"}))
    for answer in shown:
        assert answer.status_code in (200, 303, 422), answer.status_code
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
    assert [answer.status_code for answer in shown[:4]] == [200] * 4


# --- proofs sent again ---


def test_replay_of_a_one_time_code(lin: Owner, browser: Hand, other: Hand, clock: Clock) -> None:
    """Tried: name, password and code as somebody typed them, sent again within the same half minute and the next.
    Must: refused.
    Control: the same form with a fresh code signs in.
    """
    form = lin.form(NOW)
    assert browser.post("/sign-in/password", form).status_code == 303
    assert other.post("/sign-in/password", form).status_code == 422
    at = clock.later(seconds=30)
    assert other.post("/sign-in/password", form).status_code == 422
    assert not other.session
    assert other.post("/sign-in/password", lin.form(at)).status_code == 303


def test_replay_of_a_recovery_code(lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: a code from paper used a second time, to sign in and to begin a recovery.
    Must: refused both times, in the words for a code that never was.
    Control: the next code from the paper is good.
    """
    first, second = lin.paper[:2]
    assert browser.post("/sign-in/password", lin.form(NOW, code=first)).status_code == 303
    assert other.post("/sign-in/password", lin.form(NOW, code=first)).status_code == 422
    assert other.post("/recover", {"code": first}).status_code == 422
    assert not other.session
    assert other.post("/recover", {"code": second}).status_code == 200


def test_replay_of_a_passkeys_answer(lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: the answer of a passkey, recorded and sent again, by the same browser and by another.
    Must: refused: a question is spent by its first answer.
    Control: it signed in the first time, and a fresh answer does again.
    """
    answer = lin.answers(browser)
    assert browser.post("/sign-in/passkey", answer).status_code == 303
    first = browser.session
    for one in (browser, other):
        assert one.post("/sign-in/passkey", answer).status_code in (409, 422)
    assert (browser.session, other.session) == (first, "")
    assert other.post("/sign-in/passkey", lin.answers(other)).status_code == 303


def test_passkeys_answer_from_another_site(lin: Owner, browser: Hand) -> None:
    """Tried: a site that looks like ours passes our question on and the owner's device answers it (phishing).
    Must: refused: the device signed the origin it saw.
    Control: the same device at our origin signs in.
    """
    for origin in ("https://anhuan.evil.example", "http://localhost:8001", "https://localhost:8000"):
        lin.device.origin = origin
        assert browser.post("/sign-in/passkey", lin.answers(browser)).status_code == 422
    assert not browser.session
    lin.device.origin = BASE
    assert browser.post("/sign-in/passkey", lin.answers(browser)).status_code == 303


def test_passkeys_answer_for_somebody_else(db: Session, lin: Owner, browser: Hand) -> None:
    """Tried: one's own passkey with the name of another person in the answer.
    Must: refused.
    Control: unbent, the same key signs its own person in.
    """
    thief = Owner(db, "别人")
    victim = base64.urlsafe_b64encode(lin.id.bytes).rstrip(b"=").decode()
    form = thief.answers(browser)
    handle = json.loads(lin.answers(browser)["credential"])["response"]["userHandle"]
    for named in (victim, handle):
        form = thief.answers(browser)
        form["credential"] = bent(form["credential"], userHandle=named)
        assert browser.post("/sign-in/passkey", form).status_code == 422
    assert not browser.session
    assert browser.post("/sign-in/passkey", thief.answers(browser)).status_code == 303


def test_half_a_proof(lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: the right password without the code, the code without the password, each alone and empty.
    Must: no session, and the same answer for every half.
    Control: both together sign in.
    """
    halves = [
        lin.form(NOW, code=""),
        lin.form(NOW, password=""),
        lin.form(NOW, handle=""),
        lin.form(NOW, code="000000"),
    ]
    texts = {_plain(other.post("/sign-in/password", form | {"handle": lin.handle}).text) for form in halves[:2]}
    assert len(texts) == 1
    assert {other.post("/sign-in/password", form).status_code for form in halves} == {422}
    assert not other.session
    lin.enters(browser, NOW)


# --- who exists, and guessing ---


def _plain(page_text: str) -> str:
    """A page without what differs from visit to visit: tokens of forms and numbers to quote."""
    return re.sub(r'value="[0-9a-f]{128}"', "", page_text)


def test_timing_of_sign_in(db: Session, lin: Owner, browser: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: telling by the time of an answer whether a name, a password or a code was right.
    Must: every refusal costs exactly one slow hash (counted, because seconds swing on a busy machine).
    Control: the counter counts: a sign-in costs one as well, and a page none.
    """
    spent: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: str) -> bool:
        spent.append(hash[:10])
        return bool(verify(self, hash, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    passkey_only = Owner(db, "无密码")
    as_party(db, passkey_only.id)
    db.execute(text("DELETE FROM passwords"))
    wall.enter(db, party=None)
    wrong = [
        lin.form(NOW, password="wrong wrong wrong"),
        lin.form(NOW, handle="nobody-0000"),
        lin.form(NOW, code="000000"),
        lin.form(NOW, handle=passkey_only.handle),
        lin.form(NOW, handle=""),
    ]
    costs = []
    for form in wrong:
        spent.clear()
        assert browser.post("/sign-in/password", form).status_code == 422
        costs.append(len(spent))
    assert costs == [1] * len(wrong)
    spent.clear()
    lin.enters(browser, NOW)
    browser.get("/me")
    assert len(spent) == 1


def test_names_told_by_sign_in(lin: Owner, other: Hand) -> None:
    """Tried: reading off the answer whether a sign-in name exists.
    Must: the same page, to the letter, for a known name and an unknown one.
    Control: a right sign-in answers otherwise.
    """
    said = []
    for name in (lin.handle, "nobody-0000", f"{lin.handle}x"):
        answer = other.post("/sign-in/password", lin.form(NOW, handle=name, password="wrong wrong wrong"))
        said.append((answer.status_code, _plain(answer.text).replace(name, "NAME"), sorted(answer.headers)))
    assert said[0] == said[1] == said[2]
    assert other.post("/sign-in/password", lin.form(NOW)).status_code == 303


def test_names_told_by_the_passkeys_question(db: Session, lin: Owner, browser: Hand) -> None:
    """Tried: asking for a passkey's question to learn which keys an account has.
    Must: the question names no key and no person: the device knows its own.
    Control: the question itself differs each time.
    """
    asked = [browser.post("/sign-in/passkey/options", {"handle": name}).json() for name in (lin.handle, "nobody", "")]
    assert [one["options"]["allowCredentials"] for one in asked] == [[], [], []]
    assert len({one["options"]["challenge"] for one in asked}) == 3
    assert {frozenset(one["options"]) for one in asked} == {frozenset(asked[0]["options"])}


def test_names_told_by_recovery(lin: Owner, browser: Hand, other: Hand) -> None:
    """Tried: reading off recovery whether a code or a link was ever good.
    Must: a used code says what an invented one says; so does the link of a recovery that was stopped.
    Control: a good code answers otherwise.
    """
    begun = browser.post("/recover", {"code": lin.paper[0]})
    assert begun.status_code == 200
    link = re.search(r"/recover/([A-Za-z0-9_-]{43})", begun.text)
    assert link
    said = [other.post("/recover", {"code": code}) for code in (lin.paper[0], "aaaa-aaaa-aaaa-aaaa")]
    assert len({(one.status_code, _plain(one.text)) for one in said}) == 1
    assert browser.get(link[0]).status_code == 200
    home = lin.enters(other, NOW)
    home.post("/me/security/recovery/cancel")
    gone = [browser.get(path) for path in (link[0], "/recover/" + "A" * 43)]
    assert [one.status_code for one in gone] == [gone[0].status_code] * 2
    assert gone[0].status_code in (404, 409, 410, 422)


def test_names_told_by_sign_up(browser: Hand) -> None:
    """Tried: reading off a welcome link whether it was ever given, or whether everybody may sign up.
    Must: a used link, an invented one and the closed door say the same.
    Control: an address that is no link at all says something else.
    """
    said = [browser.get(f"/welcome/{token}") for token in ("A" * 43, "new", "x")]
    assert len({one.status_code for one in said}) == 1
    assert said[0].status_code in (404, 409, 410, 422)
    assert browser.get("/welcome").status_code == 404


def test_locking_somebody_out(db: Session, browser: Hand, other: Hand, house: FastAPI, clock: Clock) -> None:
    """Tried: wrong passwords for somebody's name until nobody gets in by it.
    Must: the guesser is slowed down, the owner's known browser and passkey still sign in.
    Control: the guesser, with the right proof in hand, is turned away.
    """
    clock.at = now()  # tries are counted by the true clock at the door and by the house's clock behind it
    lin = Owner(db, at=clock.at)
    known = lin.enters(browser, clock.at)
    known.post("/sign-out")
    at, tries = clock.later(seconds=60), 0
    while other.post("/sign-in/password", lin.form(at, code="000000")).status_code != 429:
        tries += 1
        assert tries < 20, "nobody slows the guesser down"
    assert other.post("/sign-in/password", lin.form(at)).status_code == 429
    fresh = hand(house)
    assert fresh.post("/sign-in/passkey", lin.answers(fresh)).status_code == 303
    assert known.post("/sign-in/password", lin.form(at)).status_code == 303


# --- recovery, links, demonstration ---


def test_a_recovery_that_hurries(lin: Owner, browser: Hand, clock: Clock) -> None:
    """Tried: with a stolen paper, making a new way in at once, or changing something in the session that only looks.
    Must: nothing changes before the day is over.
    Control: the day after, the link opens.
    """
    begun = browser.post("/recover", {"code": lin.paper[0]})
    link = re.search(r"/recover/[A-Za-z0-9_-]{43}", begun.text)
    assert link
    assert browser.post(f"{link[0]}/password", {"password": "something quite else"}).status_code in (409, 422)
    assert browser.post(f"{link[0]}/passkey/options").status_code in (409, 422)
    acts = ("/me/security/codes", "/me/security/keys", "/me/security/password", "/me/security/password/remove",
            "/me/devices/end", "/me/security/recovery/cancel", "/me/security/read", "/me/keys", "/me/limits/pause",
            "/me/data/export", "/me/data/erase", "/me/consents/sharing/give", "/organisations")  # fmt: skip
    answers = {path: browser.post(path).status_code for path in acts}
    assert {path: status for path, status in answers.items() if status not in (303, 403, 409, 422)} == {}
    assert browser.is_inside(), "it still looks"
    clock.later(hours=rules.house("recovery_hours", on=NOW.date()))
    assert browser.get(f"{link[0]}/password").status_code == 200


def test_recovery_link_tried_by_another_account(db: Session, lin: Owner, browser: Hand, clock: Clock) -> None:
    """Tried: a new key for one's own account, registered for the ready recovery of somebody else, and the reverse.
    Must: refused: a question belongs to its link and its person.
    Control: the key that was asked for by that link is taken.
    """
    thief = Owner(db, "别人")
    links = []
    for one in (lin, thief):
        _, token = recovery.begin_by_code(db, one.paper[0], now=NOW)
        links.append(f"/recover/{token}")
    wall.enter(db, party=None)
    clock.later(hours=rules.house("recovery_hours", on=NOW.date()))
    asked = browser.post(f"{links[1]}/passkey/options").json()
    made = {"challenge": asked["challenge"], "credential": thief.device.make(asked["options"])}
    assert browser.post(f"{links[0]}/passkey", made).status_code in (409, 422)
    assert not browser.session
    thief.device.id = b"a new key of the same person 123"
    asked = browser.post(f"{links[1]}/passkey/options").json()
    made = {"challenge": asked["challenge"], "credential": thief.device.make(asked["options"])}
    assert browser.post(f"{links[1]}/passkey", made).status_code == 303


@pytest.mark.parametrize("head", [{"host": "evil.example"}, {"x-forwarded-host": "evil.example"},
                                  {"forwarded": "host=evil.example"}, {"x-original-host": "evil.example"}])  # fmt: skip
def test_host_name_in_links(lin: Owner, browser: Hand, head: dict[str, str]) -> None:
    """Tried: another host in the head of a request that makes a link of recovery or invitation (poisoned links).
    Must: the link has the name of our settings, or the request is turned away.
    Control: the link is on the page.
    """
    answer = browser.post("/recover", {"code": lin.paper[0]}, **head)
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)
    if "host" in head:
        assert answer.status_code == 421
    else:
        assert re.search(r"http://localhost:?\d*/recover/[A-Za-z0-9_-]{43}", answer.text)


def test_one_tap_outside_a_demonstration(db: Session, house: FastAPI, browser: Hand, clock: Clock) -> None:
    """Tried: the one-tap sign-in of the demonstration in a real house, and a session of it carried over.
    Must: there is no such page, and the session opens nothing.
    Control: in a declared demonstration on this machine the same tap signs in.
    """
    from anhuan.identity import demonstration

    who = PEOPLE[0].id
    as_party(db, who)
    sessions.add_person(db, now=NOW, person_id=who, name="张三")
    token = sessions.open_session(db, who, strength=Strength.DEMO, now=NOW)
    wall.enter(db, party=None)
    assert browser.post("/sign-in/demo", {"who": str(who)}).status_code == 404
    assert not holding(house, token).is_inside()
    shown = house_at(database.sessions(), clock, demonstration=True)
    assert hand(shown).post("/sign-in/demo", {"who": str(who)}).status_code == 404, "the database is not one"
    demonstration.declare(db, demonstration.DEMONSTRATION, now=NOW)
    near = hand(shown)
    near.client = type(near.client)(shown, base_url=BASE, client=("127.0.0.1", 50000))
    far = hand(shown)
    far.client = type(far.client)(shown, base_url=BASE, client=("203.0.113.9", 50000))
    assert far.post("/sign-in/demo", {"who": str(who)}).status_code == 404
    assert near.post("/sign-in/demo", {"who": str(who)}).status_code == 303


def test_invitation_used_twice_or_late(own_database: object) -> None:
    """Tried: an invitation's link a second time, and one whose time is over.
    Must: the words for a link that never was.
    Control: the first use makes the person.
    """
    clock = Clock()
    house = house_at(database.sessions(), clock)
    with database.sessions("work").begin() as db:
        token, late = (signin.invite(db, now=NOW, given_by=recovery.installer()) for _ in range(2))
    first, second = hand(house), hand(house)
    assert first.get(f"/welcome/{token}").status_code == 200
    with database.transaction() as db:
        signin.join(db, token, made := uuid4(), "林晓", signin.Browser(), now=NOW)
    with database.transaction() as db:
        as_party(db, made)
        assert db.execute(text("SELECT count(*) FROM people")).scalar_one() == 1
    used = second.get(f"/welcome/{token}")
    clock.later(days=30)
    assert used.status_code == second.get(f"/welcome/{late}").status_code == second.get("/welcome/none").status_code
    assert used.status_code != 200


# --- what a browser keeps ---


def test_back_button_after_signing_out(lin: Owner, browser: Hand) -> None:
    """Tried: the page before, by the back button or by asking whether the kept copy is still good, after signing out.
    Must: pages are never kept and have no mark to be asked for; signing out clears what the browser keeps.
    Control: signed in, the page was there.
    """
    lin.enters(browser, NOW)
    shown = browser.get("/me/security")
    assert lin.handle in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "expires"} & set(shown.headers)
    out = browser.post("/sign-out")
    assert "cache" in out.headers["clear-site-data"]
    again = browser.get("/me/security", if_none_match="*", if_modified_since="Sun, 22 Nov 2026 01:20:00 GMT")
    assert again.status_code == 303
    assert lin.handle not in again.text


def test_two_people_at_one_browser(db: Session, lin: Owner, browser: Hand, clock: Clock) -> None:
    """Tried: the page of whoever used this browser before, by the same address.
    Must: the second person sees the own name alone, in pages and in JSON.
    Control: the first person saw theirs.
    """
    second = Owner(db, "别人")
    paths = ("/me/security", "/api/v1/consents")
    lin.enters(browser, NOW)
    mine = [browser.get(path).text for path in paths]
    assert lin.handle in mine[0]
    browser.post("/sign-out")
    second.enters(browser, NOW)
    theirs = [browser.get(path) for path in paths]
    assert all("Cookie" in one.headers["vary"] and "no-store" in one.headers["cache-control"] for one in theirs)
    assert lin.handle not in theirs[0].text
    assert second.handle in theirs[0].text


def test_pages_read_in_another_charset(lin: Owner, browser: Hand) -> None:
    """Tried: a page that does not say its charset, so that a browser reads what people typed as something else (UTF-7).
    Must: every page and text says UTF-8, also a refusal.
    Control: JSON, which is always UTF-8, says its own type.
    """
    lin.enters(browser, NOW)
    shown = [browser.get(path) for path in ("/me", "/me/security", "/nowhere", "/education/late")]
    shown.append(browser.post("/sign-out", sec_fetch_site="cross-site"))
    kinds = {answer.headers["content-type"] for answer in shown}
    assert kinds <= {"text/html; charset=utf-8", "text/plain; charset=utf-8"}
    assert browser.call("GET", "/api/v1/board").headers["content-type"] == "application/json"


def test_thief_inside_when_the_password_changes(lin: Owner, browser: Hand, other: Hand, clock: Clock) -> None:
    """Tried: a session that a thief opened with the stolen password, and that password, after the owner changed it.
    Must: the session is over, the old password opens nothing.
    Control: the owner's session goes on, and the new password signs in.
    """
    lin.enters(other, NOW)
    at = clock.later(seconds=60)
    lin.enters(browser, at)
    fresh = "another olive lantern seventy"
    at = clock.later(seconds=60)
    form = {"password": fresh, "secret": lin.secret, "code": lin.code(at)}
    assert browser.post("/me/security/password", form).status_code == 200
    assert browser.is_inside()
    assert not other.is_inside()
    at = clock.later(seconds=60)
    assert other.post("/sign-in/password", lin.form(at)).status_code == 422
    assert other.post("/sign-in/password", lin.form(at, password=fresh)).status_code == 303


def test_stolen_generator_after_it_was_removed(lin: Owner, browser: Hand, other: Hand, clock: Clock) -> None:
    """Tried: codes of a lost telephone, with the right password, after the owner removed password and codes.
    Must: refused.
    Control: until then they signed in, and the owner's passkey still does.
    """
    lin.enters(browser, NOW)
    at = clock.later(seconds=60)
    lin.enters(other, at)
    assert browser.post("/me/security/password/remove").status_code == 303
    at = clock.later(seconds=60)
    assert other.post("/sign-in/password", lin.form(at)).status_code == 422
    assert other.post("/sign-in/passkey", lin.answers(other)).status_code == 303
