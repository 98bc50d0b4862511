"""Attacks of people on people: foreign ids, rights by form, approvals of one's own, keys, looks, injected parties."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from tests.attacks.hands import NOW, Clock, Hand, Owner, hand, house_at
from tests.attacks.towns import WHY, Household, Town
from tests.identity.desk import a_person, at_desk, at_home, me, signed
from tests.identity.test_matrix import nothing_lasts
from tests.people import as_party
from tests.people import browser as browser_of

from anhuan.identity import clients, consent, export, freezing, grants, organisations
from anhuan.identity.change_rules import Status
from anhuan.identity.consent_words import Purpose
from anhuan.identity.rights import Role
from anhuan.kit import audit, ids, postgres
from anhuan.kit import db as database
from anhuan.kit.actors import Actor
from anhuan.kit.routes import Rule, rules_of

ADMIN: Final = Role.ADMINISTRATOR
DAY: Final = "2026-11-20"
# What a route must be told before it looks whose thing it is; the others take an empty form.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /cards/{account_id}/bill": {"total": "100", "statement_on": DAY},
    "POST /cards/{account_id}/payment": {"bill_id": "{bill_id}", "amount": "1", "credited_on": DAY},
    "POST /cards/{account_id}/terms": {"key": "grace_days", "value": "3", "valid_from": DAY},
    "PUT /api/v1/accounts/{account_id}/terms/{key}": {"value": 3, "valid_from": DAY, "source": "合同"},
    "POST /api/v1/bills/{bill_id}/payments": {"amount": "1", "credited_on": DAY},
    "PUT /api/v1/flows/{flow_id}": {"account_id": "{own_id}", "amount": "1", "day_of_month": 3},
    "PATCH /api/v1/cards/{card_id}": {"label": "别的"},
    "PUT /api/v1/spending/{account_id}": {"amount": "100"},
    "POST /organisation/members/{person_id}/role": {"role": "checker", "reason": WHY},
    "POST /import/preview/{preview_id}/commit": {"x": "1"},
    "POST /me/security/keys/{key_id}/name": {"name": "别的"},
}
QUERIES: Final = {"GET /api/v1/bills/{bill_id}/late": "?days=3"}
# Not whose thing it is: a word of the house, or a link that whoever holds it may use (each has an attack of its own).
WORDS: Final = {"key": "grace_days", "verb": "refuse", "role": "maker"}
OTHERWISE: Final = ("{token}", "{kind}", "{name}", "{purpose}", "{channel_id}", "{channel}", "{party_id}", "/static")


@pytest.fixture
def town(own_database: Engine, server: postgres.Access) -> Town:
    """Mei and Lin with everything."""
    return Town(own_database, server)


def doors(house: Any) -> list[Rule]:
    """Every route with an id of something that belongs to somebody."""
    found = [rule for rule in rules_of(house) if "{" in rule.path and not rule.path.startswith("/desk")]
    return [rule for rule in found if not any(word in rule.path for word in OTHERWISE)]


def asked(rule: Rule, whose: Household, turn: int) -> tuple[str, dict[str, Any]]:
    """The address and body for the ids of this party; `turn` walks through them."""
    path, body = f"{rule.method} {rule.path}", {}

    def filled(found: re.Match[str]) -> str:
        name = found[1]
        if name in WORDS:
            return WORDS[name]
        many = whose.ids[name]
        assert many, f"Mei has no {name}"
        return str(many[turn % len(many)])

    for name, value in BODIES.get(path, {}).items():
        body[name] = re.sub(r"\{(\w+)\}", filled, value) if isinstance(value, str) else value
    return re.sub(r"\{(\w+)(?::\w+)?\}", filled, rule.path) + QUERIES.get(path, ""), body


def knock(rule: Rule, who: Household, whose: Household, turn: int) -> int:
    """The status when somebody asks a route for somebody's thing."""
    path, body = asked(rule, whose, turn)
    by = who.office if rule.path.startswith("/organisation") else who.browser
    if rule.path.startswith("/api/"):
        return by.call(rule.method, path, None if rule.method == "GET" else body).status_code
    return (by.get(path) if rule.method == "GET" else by.post(path, body)).status_code


def ghost(one: Household) -> Household:
    """The same household with ids that nobody has."""
    return replace(one, ids={name: [ids.new_id() for _ in many] for name, many in one.ids.items()})


def turns(rule: Rule, whose: Household) -> int:
    """How many ids there are to try at a route."""
    return max([len(whose.ids[name]) for name in re.findall(r"\{(\w+)", rule.path) if name in whose.ids] or [1])


def test_foreign_ids_at_every_door(town: Town, own_database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: every id that another person or organisation has, at every route with an id in its path (IDOR).
    Must: 404 or 403 (on the organisation's page the refusal of an id that nobody has), and no row of theirs changed.
    Control: to its owner each of these routes answers otherwise.
    """
    found = doors(town.house)
    assert len(found) > 40, "the routes were not found"
    for one in town.mei.ids["request_id"]:
        export.make(town.mei.id, one)
    before = town.marks(town.mei)
    told: set[str] = set()
    for rule in found:
        for turn in range(turns(rule, town.mei)):
            status = knock(rule, town.lin, town.mei, turn)
            shown = rule.path.startswith("/organisation") and status == knock(rule, town.lin, ghost(town.mei), turn)
            if status not in (403, 404) and not (shown and status >= 400):
                told.add(f"{rule.method} {rule.path}: {status}")
    assert sorted(told) == []
    assert {name for name, mark in town.marks(town.mei).items() if mark != before[name]} == set()
    nothing_lasts(monkeypatch, own_database)
    closed = [
        f"{rule.method} {rule.path}"
        for rule in found
        if all(knock(rule, town.mei, town.mei, turn) in (401, 403, 404) for turn in range(turns(rule, town.mei)))
    ]
    assert closed == [], "the owner gets no further either: this proves nothing"


def test_foreign_ids_in_bodies(town: Town) -> None:
    """Tried: ids of another party inside a body or form, where the path has none.
    Must: the answer for an id that nobody has, refused where it must be looked up; not one row of theirs has changed.
    Control: the own id in its place is taken.
    """
    mei, lin = town.mei, town.lin
    before = town.marks(mei)
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/v1/flows", {"account_id": "account_id", "amount": "1", "day_of_month": 3}),
        ("POST", "/api/v1/lines", {"label": "x", "account_ids": ["account_id"]}),
        ("PUT", "/api/v1/limits", {"kind": "per_card", "account_id": "account_id", "amount": "1"}),
    ]

    def sent(whose: Household) -> list[list[int]]:
        return [
            [lin.browser.call(method, path, _with(body, one)).status_code for one in whose.ids["account_id"]]
            for method, path, body in tries
        ]

    theirs, nobodys = sent(mei), sent(ghost(mei))
    assert theirs == nobodys, "an id of theirs is told from one that nobody has"
    assert {status for row in theirs[:2] for status in row} <= {403, 404, 422}
    forms: dict[str, dict[str, Any]] = {"/organisations/act": {"party": mei.organisation},
             "/cards/lines": {"account_id": mei.ids["account_id"][:2]},
             "/me/income": {"account_id": mei.ids["account_id"][0], "amount": "1", "day_of_month": "3"}}  # fmt: skip
    for path, form in forms.items():
        assert lin.browser.post(path, form).status_code in (403, 404, 422), path
    assert lin.browser.get("/organisation").status_code == 403, "Lin acts for nobody else"
    assert {name for name, mark in town.marks(mei).items() if mark != before[name]} == set()
    assert all(min(row) < 300 for row in sent(lin)[:1] + sent(lin)[2:])


def _with(body: dict[str, Any], one: UUID) -> dict[str, Any]:
    """The body with this id where it says so."""
    return {
        key: str(one) if value == "account_id" else [str(one)] if isinstance(value, list) else value
        for key, value in body.items()
    }


def test_somebody_elses_archive(town: Town) -> None:
    """Tried: the finished export of another person, by page and JSON, as another person and as nobody.
    Must: 404 for people, sign-in for nobody; no byte of it.
    Control: its owner is asked for one more proof, and behind it lies an archive.
    """
    mei, lin, stranger = town.mei, town.lin, hand(town.house)
    for one in mei.ids["request_id"]:
        export.make(mei.id, one)
    found = [one for one in mei.ids["request_id"] if mei.browser.post(f"/me/data/{one}/file").status_code == 200]
    assert len(found) == 1, "one of the two requests is an export"
    page_, door = f"/me/data/{found[0]}/file", f"/api/v1/data-requests/{found[0]}/file"
    answers = [lin.browser.post(page_), lin.browser.call("POST", door, {}), stranger.post(page_),
               stranger.call("POST", door, {})]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 404, 303, 401]
    assert not [answer for answer in answers if b"PK" in answer.content[:4]]
    with database.transaction() as db:
        as_party(db, mei.id)
        assert export.fetch(db, mei.id, found[0], actor=actor_of(mei.browser), now=town.clock.at)[:2] == b"PK"


def test_erasing_somebody_else(town: Town) -> None:
    """Tried: asking for another person's erasure, and calling one off, with their ids in form, JSON and query.
    Must: the request is about oneself alone, theirs stays as it was.
    Control: one's own erasure can be called off.
    """
    mei, lin = town.mei, town.lin
    before = town.marks(mei)
    whose = {"user_id": str(mei.id), "person_id": str(mei.id), "party_id": str(mei.id)}
    lin.browser.post("/me/data/erase", whose | {"sure": "1"})
    lin.browser.call("POST", f"/api/v1/data-requests?user_id={mei.id}", {"kind": "erasure"} | whose)
    for one in mei.ids["request_id"]:
        assert lin.browser.post(f"/me/data/{one}/cancel", whose).status_code == 404
    assert town.marks(mei) == before
    own = [lin.browser.post(f"/me/data/{one}/cancel").status_code for one in lin.ids["request_id"]]
    assert 303 in own


# --- rights by form ---


@pytest.fixture
def desk(own_database: Engine) -> tuple[Clock, Any]:
    """The house where operators come in by their own login, and its clock."""
    clock = Clock()
    return clock, house_at(database.sessions(), clock)


def of(house: Any, where: Engine, *roles: Role, now: Any = NOW) -> tuple[UUID, Hand]:
    """Somebody with these roles and a browser that is signed in."""
    person = ids.new_id()
    head = browser_of(where, person, roles=roles or (Role.HOLDER,), now=now)
    made = hand(house)
    name, _, value = head["cookie"].partition("=")
    made.cookies[name] = value
    return person, made


FORM: Final = {"role": "administrator", "reason": WHY, "told": WHY, "organisation": "x", "name": "x", "quota": "3",
               "scopes": "partner.board", "field": "name", "look": str(ids.new_id()), "zh": "x", "en": "x"}  # fmt: skip


def test_a_holder_at_every_door_of_the_desk(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: a card holder posts to every operators' route, with roles, rights and states in the form.
    Must: 403 everywhere; no role, change, client or freeze appears.
    Control: an administrator's form to one of them makes a proposal.
    """
    _, house = desk
    person, lin = of(house, own_database)
    _, admin = of(house, own_database, ADMIN)
    found = [rule for rule in rules_of(house) if rule.path.startswith("/desk")]
    assert len(found) > 25, "the routes were not found"
    before = proposals()
    form = FORM | {"person_id": str(person), "user_id": str(person)}
    answers = {}
    for rule in found:
        path = re.sub(r"\{(\w+)\}", lambda at: WORDS.get(at[1], str(person)), rule.path)
        sent = lin.get(path) if rule.method == "GET" else lin.post(path, form)
        answers[f"{rule.method} {rule.path}"] = sent.status_code
    assert {door: status for door, status in answers.items() if status != 403} == {}
    assert proposals() == before
    client = {"organisation": "示例(虚构)", "name": "记账", "scopes": "partner.board", "quota": "3", "reason": WHY}
    assert admin.post("/desk/clients", client).status_code == 303
    assert proposals() != before


def proposals() -> tuple[int, ...]:
    """How many roles at the desk, changes, clients and freezes there are, as the worker sees them."""
    from anhuan.kit import wall

    with database.sessions("work").begin() as db:
        wall.everybody(db)
        return tuple(
            db.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("role_grants", "change_requests", "api_clients", "freezes")
        )


ROWS: Final = ("id, state FROM people", "person_id, role FROM role_grants",
               "party_id, strength, proved_at FROM sessions")  # fmt: skip


def test_mass_assignment_of_rights(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: role, state, party, strength and right as further fields of forms and JSON about oneself.
    Must: the person, the roles and the session are what they were.
    Control: the field that belongs to the form is taken (the language changes).
    """
    _, house = desk
    person, lin = of(house, own_database)
    more = {"role": "administrator", "roles": "administrator", "state": "active", "strength": "passkey", "demo": "true",
            "person_id": str(ids.new_id()), "party_id": str(ids.new_id()), "user_id": str(ids.new_id()),
            "rights": "desk.home", "is_admin": "1", "proved_at": "2099-01-01"}  # fmt: skip

    def kept() -> list[Any]:
        with database.transaction() as db:
            as_party(db, person)
            return [db.execute(text(f"SELECT {what}")).all() for what in ROWS]

    before = kept()
    forms = ("/me/language", "/me/hide", "/me/planning", "/me/limits", "/me/security/read", "/me/channels",
             "/documents/user_agreement/accept", "/me/consents/marketing/give")  # fmt: skip
    sent = [lin.post(path, more | {"lang": "en", "back": "/me", "version": "1"}).status_code for path in forms]
    assert sent[0] == 303
    assert lin.cookies["lang"] == "en"
    lin.call("PUT", "/api/v1/plan-settings", more | {"horizon_days": 30, "rely_on_grace": False})
    lin.call("PUT", "/api/v1/limits", more | {"kind": "per_day", "amount": "1"})
    assert kept() == before
    assert lin.get("/desk").status_code == 403


def test_a_role_that_was_taken_away(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: an open session of somebody who lost a role at the desk meanwhile, and of a member who was removed.
    Must: 403 at the next request, without signing out.
    Control: until then the doors opened.
    """
    clock, house = desk
    person, gone = of(house, own_database, Role.HOLDER, Role.SUPPORT)
    assert gone.get("/desk/people").status_code == 200
    with database.sessions("work").begin() as db:
        as_party(db, person)
        db.execute(text("UPDATE role_grants SET until = :at WHERE role = 'support'"), {"at": NOW})
    clock.later(seconds=1)
    assert gone.get("/desk/people").status_code == 403
    assert gone.get("/me").status_code == 200
    _, member = of(house, own_database, Role.OWNER)
    assert member.get("/organisation").status_code == 200
    assert of(house, own_database)[1].get("/organisation").status_code == 403


# --- approvals ---


def proposed(one: Actor, person: UUID) -> Any:
    """A role at the desk, asked for by an administrator."""
    with at_desk(one) as db:
        return grants.propose(db, one, person, Role.SUPPORT, reason=WHY, now=NOW)


def test_approving_ones_own_change(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: whoever asked for a change approves it, by the page, also after getting the hash the page shows.
    Must: refused, the change stays open and nothing happens.
    Control: another administrator's approval of the same hash gives the role.
    """
    _, house = desk
    _, admin = of(house, own_database, ADMIN)
    _, other = of(house, own_database, ADMIN)
    newcomer = a_person(now=NOW)
    change = proposed(actor_of(admin), me(newcomer))
    form = {"shown": change.shown_hash.hex()}
    assert admin.post(f"/desk/changes/{change.id}/sign", form).status_code == 409
    assert roles_of(me(newcomer)) == {"holder"}
    assert other.post(f"/desk/changes/{change.id}/sign", form).status_code == 303
    assert roles_of(me(newcomer)) == {"holder", "support"}


def actor_of(browser: Hand) -> Actor:
    """Who is signed in with this browser."""
    from anhuan.identity import sessions

    with database.transaction() as db:
        return sessions.admit(db, browser.session, now=NOW)


def roles_of(person: UUID) -> set[str]:
    """What a person is."""
    with database.transaction() as db:
        as_party(db, person)
        return set(db.scalars(text("SELECT role FROM role_grants WHERE until IS NULL OR until > now()")))


def test_approving_what_was_not_shown(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: an approval with another hash than the page showed, an empty one, and a word for another act.
    Must: refused; nothing happens.
    Control: the hash that was shown is taken.
    """
    _, house = desk
    one, newcomer = a_person(ADMIN, now=NOW), a_person(now=NOW)
    _, other = of(house, own_database, ADMIN)
    change = proposed(one, me(newcomer))
    for shown in ("", "00" * 32, change.shown_hash.hex()[:-2], change.shown_hash.hex() + "00", "x" * 64):
        assert other.post(f"/desk/changes/{change.id}/sign", {"shown": shown}).status_code == 409
    for verb in ("act", "use", "__init__", "apply"):
        assert other.post(f"/desk/changes/{change.id}/{verb}").status_code == 404
    assert roles_of(me(newcomer)) == {"holder"}
    assert other.post(f"/desk/changes/{change.id}/sign", {"shown": change.shown_hash.hex()}).status_code == 303


def together(*acts: Any) -> list[Any]:
    """What these acts return or raise when they start at the same moment."""
    ready, told = threading.Barrier(len(acts)), []

    def run(act: Any) -> None:
        ready.wait()
        try:
            told.append(act())
        except Exception as error:
            told.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_race_of_two_approvals(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: two administrators approve one change at the same moment, through their browsers.
    Must: one is taken, the other told that it is decided; the role is given once.
    Control: one of them is taken.
    """
    _, house = desk
    one, newcomer = a_person(ADMIN, now=NOW), a_person(now=NOW)
    hands = [of(house, own_database, ADMIN)[1] for _ in range(2)]
    change = proposed(one, me(newcomer))
    form = {"shown": change.shown_hash.hex()}
    told = together(*[lambda by=by: by.post(f"/desk/changes/{change.id}/sign", form).status_code for by in hands])
    assert sorted(told) == [303, 409]
    with database.transaction() as db:
        as_party(db, me(newcomer))
        given = db.execute(text("SELECT count(*) FROM role_grants WHERE role = 'support'")).scalar_one()
    assert given == 1


def test_race_of_one_proof(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: one one-time code, then one code from paper, then one passkey's answer, by two browsers at one moment.
    Must: one session each.
    Control: that one.
    """
    _, house = desk
    with database.transaction() as db:
        lin = Owner(db)
    for form in (lin.form(NOW), lin.form(NOW, code=lin.paper[0])):
        hands = [hand(house), hand(house)]
        for by in hands:
            by.token()
        together(*[lambda by=by, form=form: by.post("/sign-in/password", form) for by in hands])
        assert sorted(bool(by.session) for by in hands) == [False, True]
    first = hand(house)
    answer, second = lin.answers(first), replace(first, cookies=dict(first.cookies))
    together(*[lambda by=by: by.post("/sign-in/passkey", answer) for by in (first, second)])
    assert sorted(bool(by.session) for by in (first, second)) == [False, True]


# --- keys of programs ---


@pytest.fixture
def world(own_database: Engine) -> Any:
    """A partner with a client and a drawn key."""
    from tests.identity.test_clients import World

    return World()


def test_key_that_was_ended(world: Any) -> None:
    """Tried: a partner's key after it was ended, after its client was ended, and after its time.
    Must: 401.
    Control: before that it opened the board of whoever agreed.
    """
    person = agreed(world)
    assert world.ask(person)[0] == 200
    begun = world.moment
    world.moment = begun + timedelta(days=4000)
    assert world.ask(person)[0] == 401
    world.moment = begun
    with at_desk(world.one) as db:
        clients.end_key(db, world.one, world.key_id, now=world.moment)
    world.moment += timedelta(seconds=1)
    assert world.ask(person)[0] == 401


def test_key_of_a_client_that_was_ended(world: Any) -> None:
    """Tried: the key of a client that the house ended.
    Must: 401.
    Control: before that it opened.
    """
    person = agreed(world)
    assert world.ask(person)[0] == 200
    with at_desk(world.one) as db:
        clients.end_client(db, world.one, world.client, now=world.moment)
    assert world.ask(person)[0] == 401


def agreed(world: Any) -> UUID:
    """Somebody who agreed to share with the partner's client."""
    person = a_person()
    with at_home(person) as db:
        consent.give(db, me(person), Purpose.SHARING, actor=person, now=world.moment, partner=str(world.client))
    return me(person)


def test_scope_escalation(world: Any) -> None:
    """Tried: a partner's key at every route of the house, with wider scopes in head, query and body.
    Must: nothing opens but the partner's own route and what is open to all.
    Control: its own route opens.
    """
    person = agreed(world)
    open_to = {}
    for rule in rules_of(world.door.app):
        if rule.rights in (("public",), ("partner.board",)):
            continue
        path = re.sub(r"\{[^}]*\}", str(person), rule.path) + "?scope=cards.read&scopes=cards.read"
        head = {"authorization": f"Bearer {world.key}", "x-scopes": "cards.read me.use desk.home"}
        with_body = {} if rule.method == "GET" else {"json": {"scopes": ["cards.read"], "role": "administrator"}}
        status = world.door.request(rule.method, path, headers=head, follow_redirects=False, **with_body).status_code
        if status not in (401, 403, 429):
            open_to[f"{rule.method} {rule.path}"] = status
    assert open_to == {}
    world.moment += timedelta(minutes=2)
    assert world.ask(person)[0] == 200


def test_personal_key_at_security_and_money(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: a person's own key with every scope it can have, at every route beyond cards, bills and plans.
    Must: 403: it never signs in, agrees, raises a limit, invites, exports or erases.
    Control: cards it may read.
    """
    _, house = desk
    who = a_person(now=NOW)
    with at_home(who) as db:
        key = clients.make_personal(db, who, label="记账", scopes=list(clients.PERSONAL), now=NOW)
    by = hand(house)
    bearer = {"authorization": f"Bearer {key}"}
    beyond = [rule for rule in rules_of(house) if not set(rule.rights) & {"public", *clients.PERSONAL}]
    assert len(beyond) > 60, "the routes were not found"
    opened = {}
    for rule in beyond:
        path = re.sub(r"\{[^}]*\}", str(ids.new_id()), rule.path)
        status = by.call(rule.method, path, None if rule.method == "GET" else {}, **bearer).status_code
        if status != 403:
            opened[f"{rule.method} {rule.path}"] = status
    assert opened == {}
    assert by.call("GET", "/api/v1/board", **bearer).status_code == 200


def test_scopes_chosen_by_form(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: rights of security, money and the desk chosen as scopes of a personal key in the form.
    Must: refused, no key is made.
    Control: a scope of the list leads on to the proof of who acts.
    """
    _, house = desk
    _, lin = of(house, own_database)
    for scope in ("limits.write", "consent.write", "me.use", "me.data", "members.write", "desk.home", "*", "public"):
        answer = lin.post("/me/keys", {"label": "x", "scopes": scope})
        assert answer.status_code == 422
        assert "anh_" not in answer.text
    asked = lin.post("/me/keys", {"label": "x", "scopes": "cards.read"})
    assert asked.status_code == 200
    assert "确认是您本人" in asked.text


def test_partner_reads_after_consent_was_taken_back(world: Any) -> None:
    """Tried: a partner asks on after the person withdrew the consent, and for somebody who never gave one.
    Must: 404, the same as for nobody.
    Control: with the consent it was 200.
    """
    person = a_person()
    with at_home(person) as db:
        consent.give(db, me(person), Purpose.SHARING, actor=person, now=world.moment, partner=str(world.client))
    assert world.ask(me(person))[0] == 200
    with at_home(person) as db:
        consent.withdraw(db, me(person), Purpose.SHARING, actor=person, now=world.moment, partner=str(world.client))
    assert world.ask(me(person)) == world.ask(ids.new_id())
    assert world.ask(me(person))[0] in (404, 429)


# --- operators ---


def test_audit_log_for_others(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: every role but the auditor opens the audit log and its pack, and the web's login reads it by raw SQL.
    Must: 403, and no row about anybody else.
    Control: the auditor opens both; one's own records are seen.
    """
    _, house = desk
    for role in (*[one for one in Role if one not in (Role.AUDITOR, Role.PARTNER)],):
        _, by = of(house, own_database, role)
        assert [by.get(path).status_code for path in ("/desk/audit", "/desk/audit/pack")] == [403, 403], role
    auditor, by = of(house, own_database, Role.AUDITOR)
    assert by.get("/desk/audit").status_code == 200
    with database.transaction() as db:
        as_party(db, auditor)
        own = {one.subject for one in audit.page_of(db)}
        assert own <= {f"person:{auditor}"} | {one for one in own if not one.startswith("person:")}
        assert own


def test_unmasking_without_a_reason(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: an operator opens a field in clear with no reason, with blanks, with one sign repeated, without a look.
    Must: refused, nothing in clear, no field read.
    Control: with a reason the field is shown, and the look is written down.
    """
    _, house = desk
    _, support = of(house, own_database, Role.SUPPORT)
    person = a_person(now=NOW, name="林小安")
    opened = support.post(f"/desk/people/{me(person)}/look", {"reason": WHY})
    look = opened.headers["location"].rpartition("look=")[2]
    for reason in ("", "   ", "啊啊啊啊啊啊啊啊啊啊", "x"):
        answer = support.post(f"/desk/people/{me(person)}/unmask", {"field": "name", "look": look, "reason": reason})
        assert answer.status_code == 422
        assert "林小安" not in answer.text
    unlooked = {"field": "name", "look": str(ids.new_id()), "reason": WHY}
    refused = support.post(f"/desk/people/{me(person)}/unmask", unlooked)
    assert refused.status_code >= 400 or refused.status_code == 303
    assert "林小安" not in refused.text
    assert not read_in_clear(person)
    shown = support.post(f"/desk/people/{me(person)}/unmask", {"field": "name", "look": look, "reason": WHY})
    assert "林小安" in shown.text
    assert read_in_clear(person)


def read_in_clear(person: Actor) -> bool:
    """Whether the log says that somebody saw a field of this person in clear."""
    with at_home(person) as db:
        return "secret.read" in {one.act for one in audit.page_of(db, subject=f"person:{me(person)}")}


def test_moving_something_while_frozen(desk: tuple[Clock, Any], own_database: Engine) -> None:
    """Tried: a frozen person goes on with an open session: cards, limits, keys, organisations.
    Must: 403 for what moves something; looking and taking consent back stay.
    Control: before the freeze the same form was taken.
    """
    _, house = desk
    person, lin = of(house, own_database)
    card = {"bank": "cmb", "number": "6214"}
    assert lin.call("POST", "/api/v1/cards", card).status_code == 201
    risk, other = a_person(Role.RISK, now=NOW), a_person(Role.RISK, now=NOW)
    with at_desk(risk) as db:
        change = freezing.propose(db, risk, person, told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    assert signed(change, other, now=NOW) is Status.APPROVED
    tries = [
        lin.call("POST", "/api/v1/cards", card | {"number": "6215"}),
        lin.call("POST", "/api/v1/pause/lift", {}),
        lin.call("PUT", "/api/v1/limits", {"kind": "per_day", "amount": "1"}),
        lin.post("/me/keys", {"label": "x"}),
    ]
    assert [answer.status_code for answer in tries] == [403] * 4
    assert lin.get("/me").status_code == 200


# --- injected parties ---

INJECTED: Final = [
    "'; SELECT set_config('anhuan.party', '{mei}', false); --",
    "x', 'y'); SELECT set_config('anhuan.party','{mei}',true)/*",
    "$$; RESET ROLE; SET anhuan.party = '{mei}'; --",
    "\\'; SET LOCAL anhuan.person = '{mei}'; --",
    "%(party)s {mei} :party ${{party}}",
]


def test_party_by_injection(town: Town) -> None:
    """Tried: SQL that would open another party's rows, in every text field of JSON, forms and queries.
    Must: it stays text: no fault, the next answer shows the own rows alone, theirs are untouched.
    Control: the text itself was kept, quotes and all, in a field that keeps text.
    """
    mei, lin = town.mei, town.lin
    before = town.marks(mei)
    first = str(lin.ids["account_id"][0])
    for planted in (one.format(mei=mei.id) for one in INJECTED):
        tries = [
            lin.browser.call("POST", "/api/v1/cards", {"bank": "cmb", "number": "6216", "label": planted[:40]}),
            lin.browser.call("POST", "/api/v1/cards", {"bank": planted, "number": planted, "groups": [planted]}),
            lin.browser.call("POST", "/api/v1/flows", {"account_id": first, "amount": planted, "label": planted}),
            lin.browser.call("PUT", "/api/v1/limits", {"kind": "per_day", "amount": planted[:20]}),
            lin.browser.post(f"/cards/{first}/name", {"label": planted}),
            lin.browser.post("/me/language", {"lang": planted, "back": planted}),
            lin.browser.post("/me/keys", {"label": planted, "scopes": planted}),
            lin.browser.post("/organisations", {"kind": "merchant", "name": planted}),
            lin.browser.post("/sign-in/password", {"handle": planted, "password": planted, "code": planted}),
            lin.browser.post("/recover", {"code": planted}),
            lin.browser.get("/cards?group=" + quoted(planted)),
            lin.browser.get("/plan?skip=" + quoted(planted)),
            lin.browser.get("/me/looks?after=" + quoted(planted)),
            lin.browser.get("/join/" + quoted(planted)),
        ]
        assert [answer.status_code for answer in tries if answer.status_code >= 500] == []
        board = lin.browser.call("GET", "/api/v1/accounts").json()
        assert not {one["account_id"] for one in board} & {str(one) for one in mei.ids["account_id"]}
    assert {name for name, mark in town.marks(mei).items() if mark != before[name]} == set()
    assert "set_config" in lin.browser.call("GET", "/api/v1/accounts").text


def quoted(text_: str) -> str:
    """A text as a part of an address."""
    from urllib.parse import quote

    return quote(text_, safe="")


def test_party_by_head_line(town: Town) -> None:
    """Tried: another party named in head lines, cookies and queries that some frameworks believe.
    Must: the own rows alone.
    Control: the own rows are there.
    """
    mei, lin = town.mei, town.lin
    heads = {"x-user-id": str(mei.id), "x-party": str(mei.id), "x-forwarded-user": str(mei.id), "remote-user": "mei"}
    lin.browser.cookies |= {"party": str(mei.id), "anhuan.party": str(mei.id)}
    answer = lin.browser.call("GET", f"/api/v1/accounts?user_id={mei.id}&party_id={mei.id}", **heads)
    shown = {one["account_id"] for one in answer.json()}
    assert shown
    assert shown <= {str(one) for one in lin.ids["account_id"]}


def test_invitation_to_become_more(town: Town) -> None:
    """Tried: an owner invites an owner or an operator by form, a maker invites, the link is used with a wider role.
    Must: refused; whoever joins gets the role of the link.
    Control: an invitation of a checker makes a link.
    """
    mei, lin = town.mei, town.lin
    for role in ("owner", "administrator", "holder", "partner", "risk", "x"):
        assert "/join/" not in mei.office.post("/organisation/invitations", {"role": role}).text
    made = mei.office.post("/organisation/invitations", {"role": "checker"}, x_forwarded_host="evil.example")
    link = re.search(r"http://[^/\s\"<]+/join/([A-Za-z0-9_-]{43})", made.text)
    assert link
    assert link[0].startswith("http://localhost")
    assert (
        lin.browser.post(f"/join/{link[1]}", {"role": "owner", "organisation_id": str(mei.organisation)}).status_code
        == 303
    )
    with database.transaction() as db:
        as_party(db, lin.id)
        found = {of_.id: role for of_, role in organisations.of(db, lin.id)}
    assert found[mei.organisation] == Role.CHECKER
