"""Attacks by chance on the JSON door: random requests by everybody, every answer as the description says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.attacks.described import Door, complaints, open_door
from tests.conftest import own_copy
from tests.identity.twins import Twins

from anhuan.kit import postgres


@pytest.fixture(scope="module")
def door(server: postgres.Access) -> Iterator[Door]:
    """The house with everybody before it, once for both tests."""
    with own_copy(server) as engine:
        name = engine.url.database
        assert name
        yield open_door(engine, Twins(name, server, ()).url("owner"))


@pytest.mark.timeout(300)
def test_a_lie_of_the_description_is_seen(door: Door) -> None:
    """Tried: a description that promises another shape than the answer has, and one that knows no 404.
    Must: the check finds both.
    Control: it says nothing about the one that is described truly.
    """
    import schemathesis

    told = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}
    answers = {"200": {"description": "x", "content": {"application/json": {"schema": {"type": "array"}}}}}
    paths: dict[str, Any] = {path: {"get": {"responses": answers}} for path in ("/board", "/nowhere", "/channels")}
    schema = schemathesis.openapi.from_dict(told | {"paths": paths})
    lying = replace(door, schema=schema, people={"holder": door.people["holder"]})
    found = list(complaints(lying, examples=1))
    assert any("/board" in one and "JsonSchemaError" in one for one in found), found
    assert any("/nowhere" in one and "UndefinedStatusCode" in one for one in found), found
    assert not any("/channels" in one for one in found), found


@pytest.mark.timeout(600)
def test_random_requests_by_everybody(door: Door) -> None:
    """Tried: random requests to every JSON operation, as each role, as a partner's program and as nobody.
    Must: no fault, no status that is not described, no answer that its schema does not fit, no word of the inside.
    Control: test_a_lie_of_the_description_is_seen plants what must be found.
    """
    assert len(door.people) == 13
    assert list(complaints(door, examples=2)) == []
