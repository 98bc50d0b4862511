"""Attacks through fields: values that no person types, in every field of every JSON route and form."""

import json
import re
import time
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.attacks.conftest import form_token, house_of, routes

from anhuan.kit import db as database
from anhuan.kit import fetch, ids
from anhuan.kit.fetch import Host, NotAllowed, Reach
from anhuan.kit.ids import LOCAL_USER

PLANTED = "Zq7planted0123456789"
API = "/api/v1"


def described(client: TestClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every JSON operation."""
    said = client.get(f"{API}/openapi.json").json()
    return [(method, path, about) for path, methods in said["paths"].items() for method, about in methods.items()]


def ask(client: TestClient, method: str, path: str, **how: Any) -> Any:
    """One request to the JSON door, with an id nobody has in its place."""
    filled = re.sub(r"\{\w*(id|key)\w*\}", lambda found: str(ids.new_id()), path)
    return client.request(method, API + re.sub(r"\{\w+\}", "x", filled), **how)


def test_mass_assignment_by_model(client: TestClient) -> None:
    """Tried: fields that a model does not name (role, user_id, is_admin) in any request body.
    Must: no model of a request keeps what it does not name.
    Control: the models are found, and one that would keep them is seen.
    """

    class Open(BaseModel, extra="allow"):
        name: str

    def keeps(model: type[BaseModel]) -> bool:
        return model.model_config.get("extra") == "allow"

    found = {
        part.field_info.annotation
        for _, route in routes(client.app)
        for part in (*route.dependant.body_params, *route.dependant.query_params)
        if isinstance(part.field_info.annotation, type) and issubclass(part.field_info.annotation, BaseModel)
    }
    assert len(found) > 5
    assert [model for model in found if keeps(model)] == []
    assert keeps(Open)


def test_mass_assignment_of_the_owner(client: TestClient, db: Session) -> None:
    """Tried: a card and a form for somebody else's account, by user_id, party_id, id and role in the request.
    Must: the row belongs to whoever is signed in, under an id of ours.
    Control: the fields that the model names are kept.
    """
    other = str(ids.new_id())
    extra = {"user_id": other, "party_id": other, "person_id": other, "id": other, "card_id": other, "role": "admin"}
    made = client.post(f"{API}/cards", json={"bank": "cmb", "number": "6214", "label": "mine", **extra})
    assert made.status_code in (201, 422)
    token = form_token(client)
    client.post("/cards/new", data={"csrf": token, "bank": "cgb", "number": "6736", "label": "mine", **extra})
    db.expire_all()
    owners = set(db.execute(text("SELECT user_id FROM cards")).scalars())
    assert owners == {LOCAL_USER}
    assert other not in made.text
    assert [one["bank"] for one in client.get(f"{API}/accounts").json()]


BODIES: dict[str, bytes] = {
    "a NUL": b'{"a": "\\u0000", "label": "a\\u0000b", "number": "62\\u000014", "bank": "c\\u0000"}',
    "half a character": b'{"label": "\\ud800", "bank": "\\udfff", "number": "6214"}',
    "a number without end": b'{"amount": 1' + b"0" * 5000 + b', "bank": "cmb", "number": "6214"}',
    "no number": b'{"amount": NaN, "limit": Infinity, "bank": "cmb", "number": "6214"}',
    "deep brackets": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "the same name twice": b'{"bank": "cmb", "bank": "cgb", "number": "6214", "number": "6736"}',
    "a prototype": b'{"__proto__": {"admin": true}, "constructor": {}, "__class__": "x", "bank": "cmb"}',
    "not UTF-8": b'{"bank": "\xff\xfe"}',
    "nothing": b"",
    "another type": b'"text"',
    "a list": b"[]",
    "wide letters": '{"bank": "\uff43\uff4d\uff42", "number": "\uff16\uff12\uff11\uff14"}'.encode(),
    "turned text": '{"label": "\u202e\u2066", "bank": "cmb", "number": "6214"}'.encode(),
}


@pytest.mark.parametrize("what", BODIES)
def test_hostile_bodies(client: TestClient, what: str) -> None:
    """Tried: a NUL, half a character, endless numbers, deep brackets and more, as the body of every JSON operation.
    Must: no 5xx, and never a trace.
    Control: an honest body is taken.
    """
    head = {"content-type": "application/json"}
    for method, path, about in described(client):
        if "requestBody" in about:
            answer = ask(client, method, path, content=BODIES[what], headers=head)
            assert answer.status_code < 500, f"{method} {path}: {answer.text[:300]}"
            assert "Traceback" not in answer.text
    assert client.post(f"{API}/cards", json={"bank": "cmb", "number": "6214"}).status_code == 201


VALUES = ["%00", "\x1f", "' OR 1=1 --", "-1", "99999999999999999999999999", "1e400", "9999-12-31", "0001-01-01", "٣",
          "🃏" * 50, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "../..", "a" * 3000,
          "null", "[]", "0x10"]  # fmt: skip


def test_hostile_queries(client: TestClient) -> None:
    """Tried: the same kinds of values in every query field and id of every GET operation.
    Must: no 5xx.
    Control: there are query fields, and an honest day is answered.
    """
    asked = 0
    for method, path, about in described(client):
        if method != "get":
            continue
        names = [
            one["name"] for one in about.get("parameters", ()) if one["in"] == "query" and one["name"] != "seconds"
        ]
        for value in VALUES:
            asked += 1
            answer = ask(client, method, path, params={**dict.fromkeys(names, value), "seconds": "0.05"})
            assert answer.status_code < 500, f"{path} {value[:40]!r}: {answer.text[:300]}"
    assert asked > 100
    assert client.get(f"{API}/board", params={"on": "2026-11-22"}).status_code == 200


@pytest.mark.parametrize(
    "value", ["a\x00b", "\u202e", "9" * 400, "-1e400", "' OR 1=1 --", "0001-01-01", "9999-12-31", "NaN"]
)
def test_hostile_forms(client: TestClient, value: str) -> None:
    """Tried: the same in the fields of forms.
    Must: no 5xx.
    Control: an honest form is taken.
    """
    token = form_token(client)
    fields = [
        "bank",
        "number",
        "label",
        "name",
        "balance",
        "amount",
        "day_of_month",
        "on_date",
        "back",
        "lang",
        "horizon_days",
    ]
    data = {"csrf": token, **dict.fromkeys(fields, value)}
    for path in (
        "/cards/new",
        "/me/money",
        "/me/income",
        "/me/planning",
        "/me/channels",
        "/cards/lines",
        "/me/language",
    ):
        answer = client.post(path, data=data)
        assert answer.status_code < 500, f"{path}: {answer.text[:500]}"
    assert client.post("/cards/new", data={"csrf": token, "bank": "cmb", "number": "6214"}).status_code == 303


def test_sql_injection(client: TestClient) -> None:
    """Tried: SQL in labels, filters and ids.
    Must: a label is kept letter by letter; a filter finds what bears that name, which is nothing.
    Control: the honest filter finds the card.
    """
    planted = "x'); DROP TABLE cards; --"
    body = {"bank": "cmb", "number": "6214", "label": planted, "groups": ["home"]}
    assert client.post(f"{API}/cards", json=body).status_code == 201
    assert planted in json.dumps(client.get(f"{API}/accounts").json())
    assert "6214" in client.get("/cards", params={"group": "home"}).text
    for group in ("' OR '1'='1", "home' --", "home%", "h_me"):
        assert "6214" not in client.get("/cards", params={"group": group}).text.split("<main")[1].split("details")[0]


def test_echo_of_secrets_in_complaints(client: TestClient) -> None:
    """Tried: a password or card number in the wrong field comes back in the complaint, and so in a log.
    Must: no complaint of any JSON operation repeats a value or a name of a field that we do not have.
    Control: the complaint names the field that we do have.
    """
    bodies = [{"bank": [PLANTED], "number": {"x": PLANTED}}, [PLANTED], PLANTED, {PLANTED: PLANTED}]
    for method, path, about in described(client):
        for one in about.get("parameters", ()):
            if one["in"] == "query":
                answer = ask(client, method, path, params={one["name"]: PLANTED})
                assert answer.status_code != 422 or PLANTED not in answer.text, f"{method} {path} {one['name']}"
        if "requestBody" in about:
            for body in bodies:
                answer = ask(client, method, path, json=body)
                assert PLANTED not in answer.text, f"{method} {path}: {answer.text[:200]}"
    assert client.get(f"{API}/board", params={"on": PLANTED}).json()["field"] == "on"


def test_errors_tell_no_inside(client: TestClient) -> None:
    """Tried: a fault that nobody foresaw, on a page and in JSON, to read its trace, paths and statements.
    Must: 500 with a number to quote, and nothing else.
    Control: the fault's own words are known, so their absence means something.
    """
    house = house_of(database.sessions())

    def fail() -> None:
        raise ZeroDivisionError(f"SELECT {PLANTED}")

    house.add_api_route("/fail", fail)
    next(route.app for route in house.routes if getattr(route, "path", "") == f"{API}").add_api_route("/fail", fail)
    with TestClient(house, base_url="http://localhost:8000", headers=dict(client.headers)) as broken:
        for path in ("/fail", f"{API}/fail"):
            answer = broken.get(path)
            assert answer.status_code == 500
            assert re.search(r"[0-9A-F]{8}", answer.text)
            assert not re.search(rf"{PLANTED}|Traceback|ZeroDivision|\.py|SELECT", answer.text)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "https://bank.example@10.0.0.1/",
    ],
)
def test_ssrf(url: str) -> None:
    """Tried: addresses inside our network, in every spelling, at the one function that fetches.
    Must: refused before a name is looked up.
    Control: a name of the list is looked up, and refused when it leads inside.
    """
    looked: list[str] = []

    def look(name: str, port: int) -> list[str]:
        looked.append(name)
        return ["10.0.0.1"]

    reach = Reach((Host("bank.example", 443, "test", date(2026, 1, 1)),), resolve=look)
    with pytest.raises(NotAllowed):
        fetch.fetch(url, purpose="test", on=date(2026, 11, 22), reach=reach)
    assert looked == []
    with pytest.raises(NotAllowed):
        fetch.fetch("https://bank.example/", purpose="test", on=date(2026, 11, 22), reach=reach)
    assert looked == ["bank.example"]


def test_slow_search(client: TestClient) -> None:
    """Tried: search fields and amounts of thousands of signs, at which a pattern or a number takes for ever.
    Must: answered within seconds.
    Control: the same page with an honest amount.
    """
    for value in ("9" * 3000, "1" + "," * 3000, "-" * 3000, "1e9999999", " " * 3000 + "x", "(" * 3000):
        for path in ("/education/late", "/education/instalment", "/cards", "/calendar"):
            began = time.monotonic()
            answer = client.get(
                path, params={"amount": value, "group": value, "month": value, "fee": value, "rate": value}
            )
            assert answer.status_code < 500, f"{path} {value[:20]}"
            assert time.monotonic() - began < 10
    assert client.get("/education/instalment", params={"amount": "12000"}).status_code == 200
