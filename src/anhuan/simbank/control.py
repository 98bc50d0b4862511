"""The control interface `/sim`: the hand on the clock, the switches, the books laid open; with the control token alone.

It is for tests, developers and demonstrations; a partner of the bank never sees it, and nothing here is signed.
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from typing import Any, Final

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anhuan.kit import fetch
from anhuan.kit.clock import CHINA
from anhuan.kit.errors import Bad
from anhuan.simbank import (
    billing,
    books,
    courses,
    day_files,
    days,
    payments,
    scenarios,
    store,
    store_agenda,
    store_books,
)
from anhuan.simbank.callbacks import Sender
from anhuan.simbank.dice import Dice
from anhuan.simbank.house import KEY_ID, Bank, profile_of
from anhuan.simbank.model import BadOrder, Card
from anhuan.simbank.replies import whole_body

Order = Callable[["Desk", Request, Mapping[str, Any]], Any]
_PUBLIC_BYTES: Final = 32
MAX_BODY: Final = 64 << 20  # charges in bulk


class Desk:
    """Whoever holds the control token: the bank, and the sender of its callbacks."""

    def __init__(self, bank: Bank, sender: Sender) -> None:
        self.bank, self.sender = bank, sender

    def may(self, token: str) -> bool:
        """Whether this is the control token."""
        return hmac.compare_digest(token.encode(), self.bank.control_token.encode())


def routes(desk: Desk) -> list[Route]:
    """The routes of the control interface."""
    table: list[tuple[str, str, Order]] = [
        ("GET", "/sim/clock", show_clock),
        ("PUT", "/sim/clock", move_clock),
        ("POST", "/sim/reset", reset),
        ("GET", "/sim/scenarios", show_scenarios),
        ("PUT", "/sim/scenarios/{number:int}", switch),
        ("GET", "/sim/oracle/{number:int}", oracle),
        ("GET", "/sim/script", show_script),
        ("PUT", "/sim/script", set_script),
        ("POST", "/sim/accounts", add_account),
        ("POST", "/sim/cards", add_card),
        ("PUT", "/sim/cards/{card}", change_card),
        ("PUT", "/sim/cards/{card}/scenario", mark_card),
        ("POST", "/sim/cards/{card}/instalments", take_instalment),
        ("POST", "/sim/charges", add_charges),
        ("PUT", "/sim/callbacks", set_callbacks),
        ("POST", "/sim/callbacks/flush", flush),
        ("PUT", "/sim/profile", set_profile),
        ("PUT", "/sim/partners/{key_id}", trust),
        ("GET", "/sim/key", show_key),
        ("GET", "/sim/books", show_books),
        ("GET", "/sim/payments/{key}", show_payment),
        ("POST", "/sim/payments/{key}/reverse", reverse),
    ]
    return [Route(path, _door(desk, order), methods=[method]) for method, path, order in table]


def _door(desk: Desk, order: Order) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not desk.may(given):
            return _json(401, {"code": "no_control_token"})
        body = await whole_body(request, MAX_BODY)
        if body is None:
            return _json(413, {"code": "too_long"})
        return await run_in_threadpool(_obey, desk, order, request, body)

    return endpoint


def _obey(desk: Desk, order: Order, request: Request, body: bytes) -> Response:
    try:
        said = json.loads(body) if body else {}
        if not isinstance(said, dict):
            raise BadOrder("the body is a JSON object")
        return _json(200, order(desk, request, said))
    except json.JSONDecodeError as why:
        return _json(400, {"code": BadOrder.code, "message": f"this is no JSON: {why}"})
    except KeyError as why:
        return _json(400, {"code": BadOrder.code, "message": f"{why.args[0]} is missing"})
    except (ValueError, TypeError, ArithmeticError, psycopg.DataError, psycopg.IntegrityError) as why:
        return _json(400, {"code": BadOrder.code, "message": str(why)})
    except Bad as bad:
        return _json(400, bad.as_json())


def _json(status: int, said: Any) -> Response:
    text = json.dumps(said, ensure_ascii=False, default=_plain, indent=1)
    return Response(text.encode() + b"\n", status, media_type="application/json")


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return payments.moment(value)
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case bytes():
            return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")


# --- the clock ---


def show_clock(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """The bank's now, and what is due next."""
    with desk.bank.act() as act:
        coming = store_agenda.coming(act.db, 10)
        return {"now": act.now, "held": not desk.bank.speed, "speed": desk.bank.speed, "coming": coming}


def move_clock(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Send the callbacks that are due, move the clock through everything on the way, send what became due."""
    until = _moment(said["now"])
    sent = desk.sender.send_due()
    with desk.bank.lock:
        ran = days.move_clock(desk.bank, until)
        desk.bank.restart_clock()
    return {"now": until, "ran": ran, "callbacks": sent + desk.sender.send_due()}


def reset(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Forget everything but partners and keys and begin again with this seed, now or at a given moment."""
    with desk.bank.lock:  # a clock that runs goes on from the new moment, and never from the old one
        with desk.bank.act() as act:
            now = _moment(said["now"]) if "now" in said else act.now
            store.empty(act.db, seed=int(said.get("seed", act.dice.seed)), now=now)
        with desk.bank.act() as act:
            days.furnish(act)
        desk.bank.restart_clock()
    return {"now": now, "seed": act.dice.seed}


# --- scenarios ---


def show_scenarios(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """All of them with their oracles, and which are on."""
    with desk.bank.act() as act:
        on = {row["number"]: row for row in store_agenda.switches(act.db)}
    found = [
        {**one.as_json(), "on": number in on, **({"switch": on[number]} if number in on else {})}
        for number, one in scenarios.every().items()
    ]
    return {"scenarios": found}


def switch(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Switch a scenario on for everybody (with a probability from 0 to 1 as text), or off."""
    number = request.path_params["number"]
    probability = str(said.get("probability", "1"))
    if not 0 <= Fraction(probability) <= 1:
        raise BadOrder("a probability lies between 0 and 1", field="probability")
    _, params = _checked([number], said.get("params"))
    with desk.bank.act() as act:
        store_agenda.set_switch(act.db, number, probability if said["on"] else None, params.get(str(number), {}))
    return {"number": number, "on": bool(said["on"])}


def oracle(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """The right end of a scenario."""
    return scenarios.of(request.path_params["number"]).as_json()


def show_script(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """What is left of the script."""
    with desk.bank.act() as act:
        return {"steps": store_agenda.script_left(act.db)}


def set_script(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """A script in place of the old one: each step names its scenarios and whom it is for, `next` or a payment's key."""
    steps = []
    for step in said["steps"]:
        numbers, params = _checked(step["scenarios"], step.get("params"))
        whom = step.get("for", "next")
        steps.append((None if whom == "next" else str(whom), numbers, params))
    with desk.bank.act() as act:
        store_agenda.set_script(act.db, steps)
    return {"steps": len(steps)}


def mark_card(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Mark a card: every payment to it meets these scenarios; an empty list takes the marks away."""
    numbers, params = _checked(said["numbers"], said.get("params"))
    with desk.bank.act() as act:
        card = _card(store.card(act.db, request.path_params["card"]))
        facts = {**card.facts, "params": params}
        store.add_card(act.db, replace(card, marks=tuple(numbers), facts=facts))
    return {"card": card.card, "marks": numbers}


# --- people, cards, partners ---


def add_account(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Open a funding account and pay `balance` fen into it; for one that is there, pay in more."""
    name, amount = books.client(str(said["funding"])), int(said.get("balance", 0))
    with desk.bank.act() as act:
        store.add_account(act.db, name, str(said.get("holder", "")))
        if amount:
            books.move(act, "deposit", books.WORLD, name, amount, text="存入")
        return {"funding": said["funding"], "balance": store.balance(act.db, name)}


def add_card(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Issue a card of one of the fictitious banks: number, bank, holder's name, statement day."""
    day = said.get("statement_day")
    card = Card(
        str(said["card"]), str(said["bank"]), str(said["name"]), bool(said.get("frozen", False)),
        None if day is None else int(day), facts=dict(said.get("facts", {})),
    )  # fmt: skip
    with desk.bank.act() as act:
        card = billing.opened(act, card)
        store.add_account(act.db, books.of_card(card.card), card.name)
        store.add_card(act.db, card)
    return asdict(card)


def change_card(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Freeze a card or let it go; change the holder's name."""
    with desk.bank.act() as act:
        card = _card(store.card(act.db, request.path_params["card"]))
        changed = replace(card, frozen=bool(said.get("frozen", card.frozen)), name=str(said.get("name", card.name)))
        store.add_card(act.db, changed)
    return asdict(changed)


def take_instalment(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """The holder takes one of the bank's offers for part of the bill in force: `offer` periods, `amount` fen."""
    with desk.bank.act() as act:
        card = _card(store.card(act.db, request.path_params["card"]))
        periods = billing.take_instalment(act, card, str(said["offer"]), int(said["amount"]))
    return {"card": card.card, "periods": periods}


def add_charges(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Charges, refunds and cash advances in bulk, for today or for days to come; amounts in fen above zero."""
    with desk.bank.act() as act:
        for charge in said["charges"]:
            days.plan_charge(act, charge)
    days.move_clock(desk.bank, desk.bank.should_be())
    return {"planned": len(said["charges"])}


def trust(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Believe what is signed with this Ed25519 key: `public` is its 32 bytes in base64."""
    raw = base64.b64decode(str(said["public"]), validate=True)
    if len(raw) != _PUBLIC_BYTES:
        raise BadOrder("an Ed25519 public key has 32 bytes", field="public")
    with desk.bank.act() as act:
        store.trust(act.db, request.path_params["key_id"], raw)
    return {"key_id": request.path_params["key_id"]}


def show_key(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """The bank's own public key."""
    return public_key(desk.bank)


def public_key(bank: Bank) -> dict[str, str]:
    """What partners need to believe this bank: key id and the 32 bytes of its public key in base64."""
    return {"key_id": KEY_ID, "public": base64.b64encode(bank.sign_key.public_key().public_bytes_raw()).decode()}


def set_callbacks(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Where callbacks go from now on: an http address of this machine, or nothing."""
    url = said["url"]
    if url is not None and not fetch.is_here(str(url)):
        raise BadOrder("callbacks go to this machine alone, over plain http", field="url")
    with desk.bank.act() as act:
        store.set_callback_url(act.db, url)
    return {"url": url}


def flush(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Send every callback that is due, and answer when they are out."""
    return {"callbacks": desk.sender.send_due()}


def set_profile(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Change how the bank works: any figure of `bank.toml`."""
    with desk.bank.act() as act:
        row = store.house(act.db)
        profile = profile_of({**(row["profile"] if row else {}), **said})
        store.set_profile(act.db, said)
    return {name: str(value) for name, value in asdict(profile).items()}


# --- the truth ---


def show_books(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """Every account and the proof that the books are sound."""
    with desk.bank.act() as act:
        return books.proof(act)


def show_payment(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """All that the bank knows of a key: the payment, its movements, its callbacks, and the counts of an oracle."""
    key = request.path_params["key"]
    with desk.bank.act() as act:
        payment, met = store.payment(act.db, key), store_agenda.meeting(act.db, key)
        moved, said_of = store_books.of_key(act.db, key), store_agenda.callbacks_of(act.db, key)
    codes = [one["code"] for one in moved]
    return {
        "state": payment.state if payment else "absent",
        "code": payment.code if payment else None,
        "scenarios": met["scenarios"] if met else [],
        "debits": codes.count("debit"),
        "credits": codes.count("book") + codes.count("correct") - codes.count("withdraw"),
        "given_back": codes.count("give_back"),
        "callbacks": sum(one["variant"] == "true" for one in said_of),
        "forged": sum(one["variant"] != "true" for one in said_of),
        "payment": asdict(payment) if payment else None,
        "movements": moved,
        "said": said_of,
    }


def reverse(desk: Desk, request: Request, said: Mapping[str, Any]) -> Any:
    """冲正: take a payment back now, at the bank's own will."""
    with desk.bank.act() as act:
        payment = store.payment(act.db, request.path_params["key"], lock=True)
        if payment is None or payment.final_at is None or payment.state != "success":
            raise BadOrder("only a success can be reversed", field="key")
        payments.give_back(act, payment.key, "reversed", str(said.get("reason", "bank_error")))
    return {"key": payment.key, "event": "reversed"}


def _checked(numbers: Any, params: Any) -> tuple[list[int], dict[str, dict[str, Any]]]:
    """Scenarios and parameters that a payment and a day can meet; refused now and not when they meet one."""
    found, told = scenarios.checked(numbers, params)
    courses.course_of(found, told, Dice(0), "trial")
    day_files.face(told.get(str(day_files.WHOLE), {}))
    return found, told


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(str(text))
    return at if at.tzinfo else at.replace(tzinfo=CHINA)


def _card(card: Card | None) -> Card:
    if card is None:
        raise BadOrder("there is no such card", field="card")
    return card
