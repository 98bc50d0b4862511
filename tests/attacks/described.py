"""The JSON door against its own description: cases made by Schemathesis, sent by every role, the answers checked.

Nothing here is written for one route: operations, statuses and schemas are those of /api/v1/openapi.json.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks
from sqlalchemy import Engine
from starlette.testclient import TestClient
from tests.attacks.conftest import BASE
from tests.attacks.hands import NOW, Clock, house_at
from tests.attacks.towns import Household, ids_of, settled
from tests.identity.test_matrix import key_of_a_partner
from tests.people import browser

from anhuan.identity.rights import Role
from anhuan.kit import db as database
from anhuan.kit import ids, page

API: Final = "/api/v1"
CHECKS: Final = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip
INSIDE: Final = re.compile(r"Traceback|File \"/|sqlalchemy|psycopg|site-packages|SELECT .* FROM|0x[0-9a-f]{8}")
NOBODY: Final = "nobody"


@dataclass
class Door:
    """The house with somebody of every kind before it, and a household whose ids are put into paths."""

    house: FastAPI
    people: Mapping[str, dict[str, str]]
    home: Household
    schema: Any


def open_door(engine: Engine, owner_url: str) -> Door:
    """Everything that a run needs, over an empty migrated database."""
    clock = Clock()
    clock.at = NOW
    house = house_at(database.sessions(), clock)
    home = settled(engine, house, "林一")
    with psycopg.connect(owner_url) as admin:
        home.ids = ids_of(admin, home)
    known = {
        role.value: browser(engine, ids.new_id(), roles={role}, now=NOW)
        for role in Role
        if role not in (Role.PARTNER, Role.HOLDER)
    }
    known[Role.HOLDER.value] = {
        "cookie": f"{page.SESSION_COOKIE}={home.browser.session}", "sec-fetch-site": "same-origin",
    }  # fmt: skip
    known[Role.PARTNER.value] = {"authorization": f"Bearer {key_of_a_partner()}"}
    known[NOBODY] = {}
    with TestClient(house, base_url=BASE) as asking:
        told = asking.get(f"{API}/openapi.json").json()
    return Door(house, known, home, schemathesis.openapi.from_dict(told))


def complaints(door: Door, *, examples: int, start: int = 0) -> Iterator[str]:
    """What is wrong with the answers of every operation to this many random cases, sent by everybody; one line each."""
    client = TestClient(door.house, base_url=BASE, raise_server_exceptions=False)
    for found in door.schema.get_all_operations():
        yield from _wrong_of(client, door, found.ok(), examples, start)


def _wrong_of(client: TestClient, door: Door, operation: Any, examples: int, start: int) -> list[str]:
    """What is wrong with the answers of one operation."""
    told: set[str] = set()

    @seed(start)
    @settings(max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(), turn=st.integers(0, 5))
    def send(case: Any, turn: int) -> None:
        case.path_parameters = own_ids(dict(case.path_parameters or {}), door.home, turn)
        for who, heads in door.people.items():
            told.update(f"{operation.label} as {who}: {wrong}" for wrong in _sent(client, case, heads))

    send()
    return sorted(told)


def own_ids(given_: dict[str, Any], home: Household, turn: int) -> dict[str, Any]:
    """In most cases ids of the household in the place of random ones, so that something is found and changed."""
    known: dict[str, list[UUID]] = home.ids | {"party_id": [home.id]}
    return {
        name: str(known[name][turn % len(known[name])]) if turn and known.get(name) else value
        for name, value in given_.items()
    }


def _sent(client: TestClient, case: Any, heads: dict[str, str]) -> Iterator[str]:
    """One case as one person: what is wrong with the answer."""
    case.headers, case.cookies = {}, {}
    how = case.as_transport_kwargs(base_url=BASE + API)
    how["headers"] = {name: value for name, value in how["headers"].items() if name.lower() == "content-type"} | heads
    how.pop("cookies", None)
    how = {name: value for name, value in how.items() if value is not None}
    if "data" in how:
        how["content"] = how.pop("data")
    try:
        answer = client.request(how.pop("method"), how.pop("url"), follow_redirects=False, **how)
    except UnicodeEncodeError:
        return  # no client sends this
    if INSIDE.search(answer.text):
        yield f"{answer.status_code} tells of the inside: {answer.text[:200]}"
    try:
        case.validate_response(answer, checks=CHECKS)
    except (FailureGroup, AssertionError) as wrong:
        parts = wrong.exceptions if isinstance(wrong, FailureGroup) else [wrong]
        yield from (f"{answer.status_code} {type(one).__name__}: {' '.join(str(one).split())[:200]}" for one in parts)
