"""One right on every door, and what it means: each role knocks at each route, and the answers are those of the page."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker
from tests.identity.desk import NOW, WHY, a_person, at_desk, signed
from tests.people import browser

from anhuan import app
from anhuan.cli import main as command_line
from anhuan.identity import clients, store_keys
from anhuan.identity.rights import DESK, WHO_MAY, Role
from anhuan.kit import db as database
from anhuan.kit import ids, rates
from anhuan.kit.actors import PUBLIC
from anhuan.kit.routes import Rule, rules_of
from anhuan.kit.terminal import INSTALLER, may

TOP = Path(__file__).resolve().parents[2]
TICK: Final = timedelta(milliseconds=50)  # each time somebody looks: no program asks too often, no session grows idle
SOMETHING: Final = "01900000-0000-7000-8000-0000000000ff"  # the id of a thing that nobody has
JSON: Final = "/api/"
ANYBODY: Final = "anybody"


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    """The rules of the whole house."""
    found = list(rules_of(app.create(sessionmaker())))
    assert len(found) > 100, "the routes were not found"
    return found


def test_every_route_names_exactly_one_right_of_the_table(rules: list[Rule]) -> None:
    wrong = [f"{rule.method} {rule.path}: {rule.rights}" for rule in rules if len(rule.rights) != 1]
    assert wrong == [], "dependencies=[page.needs(...)], once"
    named = {rule.rights[0] for rule in rules}
    assert named - {PUBLIC} <= set(WHO_MAY)


def test_every_right_of_the_table_opens_a_door_or_a_command(rules: list[Rule]) -> None:
    used = {right for rule in rules for right in rule.rights} | {right for _, rights in commands() for right in rights}
    assert set(WHO_MAY) - used <= {"partner.board"}, "a right that nothing asks for"


def test_every_form_proves_where_it_came_from(rules: list[Rule]) -> None:
    pages = [rule for rule in rules if not rule.path.startswith(JSON)]
    assert [f"{rule.method} {rule.path}" for rule in pages if rule.method != "GET" and not rule.forms] == []
    assert {rule.method for rule in pages} == {"GET", "POST"}, "forms know two methods"


def test_what_changes_something_needs_more_than_looking(rules: list[Rule]) -> None:
    looking = {right for right in WHO_MAY if right.endswith(".read")} - {"plan.read"}  # a plan is computed, not kept
    found = {f"{rule.method} {rule.path}" for rule in rules if rule.method != "GET" and looking & set(rule.rights)}
    found -= {"POST /api/v1/repayments/quotes", "POST /api/v1/repayments/quotes/together"}  # nor is a quote
    assert found == {"POST /organisation/leave"}, "whoever belongs to it may leave"


def test_every_command_has_exactly_one_rule() -> None:
    found = dict(commands())
    assert len(found) > 20, "the commands were not found"
    assert {called: rights for called, rights in found.items() if len(rights) != 1} == {}
    assert {right for rights in found.values() for right in rights} <= {*WHO_MAY, PUBLIC, INSTALLER}


def test_two_rules_beside_one_command_are_seen() -> None:
    @may("cards.read")
    @may("public")
    def twice() -> None:
        """Do nothing."""

    assert getattr(twice, "rights", ()) == ("public", "cards.read")


def test_no_operator_sees_cards_and_no_holder_sees_the_desk() -> None:
    desk = frozenset(DESK)
    assert [right for right, roles in WHO_MAY.items() if right.startswith("desk.") and roles - desk] == []
    own = ("cards.", "bills.", "plan.", "limits.")
    assert [right for right, roles in WHO_MAY.items() if right.startswith(own) and roles & desk] == []


def test_the_page_of_roles_is_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, "docs/roles.py", "--check"], cwd=TOP, check=False)
    assert done.returncode == 0, "run `make docs` and look at what changed in docs/ROLES.md"


# --- every role at every door ---------------------------------------------------------------------------------------


@pytest.fixture
def house(own_database: Engine) -> FastAPI:
    """The whole house, which counts no knocks."""
    moments = count()
    made = app.create(database.sessions(), now=lambda: NOW + next(moments) * TICK)
    made.state.limits = lambda name: rates.Limit(name, 10**9, 1.0)  # thousands of knocks, soon
    return made


@pytest.mark.timeout(600)  # some thousand knocks; a busy machine takes its time
def test_each_role_passes_each_door_as_the_page_says(
    house: FastAPI, own_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {
        role.value: browser(own_database, ids.new_id(), roles={role}, now=NOW) for role in Role if role != Role.PARTNER
    }
    people[ANYBODY] = {"sec-fetch-site": "same-origin"}
    people[Role.PARTNER] = {"authorization": f"Bearer {key_of_a_partner()}"}
    nothing_lasts(monkeypatch, own_database, *(database.sessions(login).kw["bind"] for login in ("desk", "work")))
    said = written()
    met = {}
    with TestClient(house, base_url="http://localhost:8000", follow_redirects=False) as client:
        for rule in rules_of(house):
            door = f"{rule.method} {rule.path}"
            met[door] = {who for who, heads in people.items() if passes(client, rule, heads, known=who != ANYBODY)}
    assert met.keys() == said.keys()
    assert {door: (met[door], said[door]) for door in met if met[door] != said[door]} == {}


def key_of_a_partner() -> str:
    """The key of a program that may all that partners may, asked for, signed by two and drawn."""
    one, other, risk = a_person(Role.ADMINISTRATOR), a_person(Role.ADMINISTRATOR), a_person(Role.RISK)
    with at_desk(one) as db:
        change = clients.propose_open(
            db, one, organisation="示例记账(虚构)", name="记账助手", scopes=clients.partner_scopes(), quota=100,
            reason=WHY, now=NOW,
        )  # fmt: skip
    signed(change, other, risk)
    with at_desk(one) as db:
        return clients.draw(db, one, store_keys.keys_of(db, change.subject_id)[0].id, now=NOW)


def passes(client: TestClient, rule: Rule, heads: dict[str, str], *, known: bool) -> bool:
    """Whether somebody is let in at a door; whoever is not is told so in the way that is right for them."""
    path = re.sub(r"\{[^}]*\}", SOMETHING, rule.path)
    body: dict[str, Any] = {} if rule.method == "GET" else {"json": {}} if path.startswith(JSON) else {"data": {}}
    answer = client.request(rule.method, path, headers=heads, **body)
    assert answer.status_code < 500, f"{rule.method} {path}: {answer.text[:300]}"
    assert answer.status_code != 429, "the knocks of this test are counted"
    refused = answer.status_code in (401, 403) and "access.not_" in answer.text
    led_away = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?back=")
    if refused or led_away:
        assert refused == (known or path.startswith(JSON)), f"{rule.method} {path}: {answer.status_code}"
        assert answer.status_code in ((403,) if known else (401, 303))
    return not (refused or led_away)


def nothing_lasts(monkeypatch: pytest.MonkeyPatch, *engines: Engine) -> None:
    """Let these connections take back what they should keep."""
    for engine in engines:
        monkeypatch.setattr(engine.dialect, "do_commit", engine.dialect.do_rollback)


def written() -> dict[str, set[str]]:
    """The table of routes in docs/ROLES.md: for each door who may pass."""
    text = (TOP / "docs" / "ROLES.md").read_text().partition("## Routes")[2].partition("## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    _, _, *who = lines[0]
    return {
        cells[0].strip("`"): {name for name, mark in zip(who, cells[2:], strict=True) if mark == "x"}
        for cells in lines[2:]
    }


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every command with the rules beside it, also groups that do something by themselves."""

    def below(called: str, command: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
        inner = getattr(command, "commands", {})
        if not inner or command.invoke_without_command:
            yield called, getattr(command.callback, "rights", ())
        for name, one in inner.items():
            yield from below(f"{called} {name}", one)

    for name in command_line.COMMANDS:
        yield from below(name, command_line.command(name))
