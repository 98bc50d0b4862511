"""Operators' looks: a reason first, written for good before anything is read; masked by role; told to the person."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.identity.desk import NOW, WHY, a_person, acting, at_desk, at_home, me
from tests.people import sign_in

from anhuan import app as house
from anhuan.identity import Role, looking
from anhuan.identity.looking import HIDDEN, Field, NeedsReason
from anhuan.identity.model import ReasonTooShort
from anhuan.identity.rules import house as number
from anhuan.kit import audit, ids, page
from anhuan.kit import db as database

NAME, MAIL, PHONE = "林小安", "linxiaoan@example.com", "13800000001"


@pytest.mark.parametrize(("role", "name", "mail", "address"), [
    (Role.RISK, "林**", "l***@example.com", "203.0.113.*"),
    (Role.SUPPORT, "林**", "l***@example.com", HIDDEN),
    (Role.OPERATIONS, "林**", "l***@example.com", HIDDEN),
    (Role.ADMINISTRATOR, "林**", "l***@example.com", HIDDEN),
    (Role.FINANCE, HIDDEN, HIDDEN, HIDDEN),
    (Role.CONTENT, HIDDEN, HIDDEN, HIDDEN),
    (Role.AUDITOR, HIDDEN, HIDDEN, HIDDEN),
    (Role.HOLDER, HIDDEN, HIDDEN, HIDDEN),
])  # fmt: skip
@pytest.mark.scope("S2-42", "S0-47")
def test_each_role_sees_its_part_of_what_identifies(role: Role, name: str, mail: str, address: str) -> None:
    who = acting(ids.new_id(), role)
    seen = (looking.masked(who, field, value) for field, value in
            ((Field.NAME, NAME), (Field.HANDLE, MAIL), (Field.ADDRESSES, "203.0.113.7")))  # fmt: skip
    assert tuple(seen) == (name, mail, address)


def test_masks_keep_what_tells_the_right_person_and_no_more() -> None:
    assert looking.part_of_handle(PHONE) == "138****0001"
    assert looking.part_of_handle("lin2468") == "l***"
    assert looking.part_of_name("Lin Xiaoan") == "L** X**"
    assert looking.part_of_address("2001:db8:1:2::5") == "2001:db8:*"
    assert set(looking.MASKS) == set(Field) == set(looking.PARTS)


def test_a_page_opens_for_a_reason_for_a_while_to_whoever_gave_it(own_database: Engine) -> None:
    support, colleague, person = a_person(Role.SUPPORT), a_person(Role.SUPPORT), a_person(name=NAME)
    with pytest.raises(NeedsReason), at_desk(support) as db:
        looking.insist(db, support, me(person), None, now=NOW)
    with pytest.raises(ReasonTooShort), at_desk(support) as db:
        looking.begin(db, support, me(person), reason="看看", now=NOW)
    with at_desk(support) as db:
        look = looking.begin(db, support, me(person), reason=WHY, now=NOW)
    minutes = timedelta(minutes=number("look_minutes", on=NOW.date()))
    with at_desk(support) as db:
        assert looking.insist(db, support, me(person), look, now=NOW + minutes - timedelta(seconds=1)).reason == WHY
        for who, at in ((support, NOW + minutes), (colleague, NOW)):
            with pytest.raises(NeedsReason):
                looking.insist(db, who, me(person), look, now=at)
        with pytest.raises(NeedsReason):
            looking.insist(db, support, me(colleague), look, now=NOW)


def test_the_person_reads_which_role_looked_at_what_and_why(own_database: Engine) -> None:
    support, person, other = a_person(Role.SUPPORT), a_person(name=NAME), a_person()
    with at_desk(support) as db:
        looking.begin(db, support, me(person), reason=WHY, now=NOW)
        looking.unmask(db, support, me(person), Field.NAME, reason="RC-20261122", now=NOW)
    with at_home(person) as db:
        rows = looking.of_person(db, me(person))
        assert {(one.as_role, one.field, one.reason) for one in rows} == {
            ("support", None, WHY), ("support", "name", "RC-20261122"),
        }  # fmt: skip
        acts = {one.act for one in audit.page_of(db, subject=f"person:{me(person)}")}
    assert {"person.read", "secret.read"} <= acts
    with at_home(other) as db:
        assert looking.of_person(db, me(person)) == []


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.ADMINISTRATOR, Role.AUDITOR, Role.FINANCE, Role.CONTENT])
def test_other_roles_open_nobodys_page(own_database: Engine, role: Role) -> None:
    who, person = a_person(role), a_person()
    with pytest.raises(page.NotAllowed), at_desk(who) as db:
        looking.begin(db, who, me(person), reason=WHY, now=NOW)
    with pytest.raises(page.NotAllowed), at_desk(who) as db:
        looking.unmask(db, who, me(person), Field.NAME, reason=WHY, now=NOW)


def test_a_look_stays_written_when_the_page_then_fails(own_database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, person = at_the_console(own_database, Role.SUPPORT), a_person(name=NAME)
    token = form_token(browser, f"/desk/people/{me(person)}")
    opened = browser.post(f"/desk/people/{me(person)}/look", data={"csrf": token, "reason": WHY})
    assert opened.status_code == 303
    monkeypatch.setattr(looking, "seen", broken)
    assert browser.get(opened.headers["location"]).status_code == 500
    look = opened.headers["location"].rpartition("=")[2]
    unmasked = {"csrf": token, "reason": WHY, "field": "name", "look": look}
    assert browser.post(f"/desk/people/{me(person)}/unmask", data=unmasked).status_code == 500
    with at_home(person) as db:
        assert sorted(str(one.field) for one in looking.of_person(db, me(person))) == ["None", "name"]
        acts = [one.act for one in audit.page_of(db, subject=f"person:{me(person)}")]
    assert {"person.read", "secret.read"} <= set(acts)


def test_a_field_in_clear_is_shown_to_one_request(own_database: Engine) -> None:
    browser, person = at_the_console(own_database, Role.RISK), a_person(name=NAME)
    token = form_token(browser, f"/desk/people/{me(person)}")
    opened = browser.post(f"/desk/people/{me(person)}/look", data={"csrf": token, "reason": WHY})
    place = opened.headers["location"]
    assert NAME not in browser.get(place).text
    form = {"csrf": token, "reason": WHY, "field": "name", "look": place.rpartition("=")[2]}
    assert NAME in browser.post(f"/desk/people/{me(person)}/unmask", data=form).text
    assert NAME not in browser.get(place).text
    short = browser.post(f"/desk/people/{me(person)}/unmask", data={**form, "reason": "看看"})
    assert (short.status_code, NAME in short.text) == (422, False)


def test_a_search_finds_exact_names_alone_and_is_written_down(own_database: Engine) -> None:
    support = a_person(Role.SUPPORT)
    with at_desk(support) as db:
        assert looking.find(db, support, "lin", now=NOW) is None
        assert [one.facts["found"] for one in audit.page_of(db, act="person.searched")] == [False]


def broken(*args: object, **kwargs: object) -> None:
    """Something that fails while a page is made."""
    raise RuntimeError("the page fails")


def at_the_console(engine: Engine, role: Role) -> TestClient:
    """A browser of an operator."""
    cookie = sign_in(engine, ids.new_id(), roles=[role], now=NOW)
    head = {"cookie": cookie, "sec-fetch-site": "same-origin"}
    app = house.create(database.sessions(), now=lambda: NOW)
    return TestClient(app, base_url="http://localhost:8000", headers=head, follow_redirects=False)


def form_token(browser: TestClient, path: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get(path).text)
    assert found
    return found[1]
