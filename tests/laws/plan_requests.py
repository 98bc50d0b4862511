"""Random requests for the laws of planning: everything planning.md knows, in sizes a search ends quickly on."""

import random
from datetime import date, timedelta
from typing import Any

AS_OF = date(2026, 11, 21)
RATES = ("0.0005", "0.0005", "0.00035", "0.0004", "0.0006")


def any_request(dice: random.Random, *, cards: int = 3, lines: bool = True, offers: bool = True) -> dict[str, Any]:
    """A request in the words of planning.md; small enough to be planned in well under a second."""
    as_of = AS_OF + timedelta(days=dice.randrange(60))
    horizon = dice.choice((20, 35, 62, 92))
    accounts = [_account(dice, i) for i in range(dice.choice((1, 1, 2, 3)))]
    held = [_card(dice, i, as_of, horizon, offers=offers) for i in range(dice.randint(1, cards))]
    names, own = [card["id"] for card in held], [account["id"] for account in accounts]
    flows = [_flow(dice, own, as_of, horizon) for _ in range(dice.choice((0, 1, 2, 4)))]
    asked: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "horizon_days": horizon,
        "terminal_days": dice.choice((0, 90, 180)),
        "missed_minimum_cost": dice.choice((0, 5_000, 100_000)),
        "accounts": accounts,
        "cash_flows": flows,
        "channels": [_channel(dice, i, own, names) for i in range(dice.choice((1, 1, 2, 3)))],
        "cards": held,
    }
    if lines and dice.random() < 0.25:
        asked["credit_lines"] = [_line(dice, i, own) for i in range(dice.choice((1, 1, 2)))]
    return asked


def tiny_request(dice: random.Random) -> dict[str, Any]:
    """One or two cards, few days, whole yuan: small enough to try every plan."""
    as_of = AS_OF + timedelta(days=dice.randrange(40))
    cards = [_tiny_card(dice, i, as_of) for i in range(dice.choice((1, 1, 2)))]
    fee = dice.random() < 0.4
    channel = {
        "id": "way", "accounts": ["debit"], "cards": [card["id"] for card in cards],
        "lead_days": dice.choice((0, 0, 1, 2)), "workdays_only": dice.random() < 0.3,
        "fee_rate": dice.choice(("0.001", "0.01")) if fee else "0",
        "free_quota": dice.choice((0, 300, 500)) if fee else 0,
        "fee_minimum": dice.choice((0, 10)) if fee else 0,
        "per_payment_min": dice.choice((0, 0, 0, 200)), "per_payment_max": dice.choice((0, 0, 300)),
        "per_day_max": dice.choice((0, 0, 400)), "payments_per_month": dice.choice((0, 0, 1, 2)),
    }  # fmt: skip
    flows = [
        {"account": "debit", "date": _day(as_of, dice.randint(1, 12)), "amount": dice.choice((200, 300, 400, -100))}
        for _ in range(dice.choice((0, 1, 1, 2)))
    ]
    return {
        "as_of": as_of.isoformat(),
        "horizon_days": dice.choice((8, 12, 16)),
        "terminal_days": dice.choice((0, 30, 180)),
        "missed_minimum_cost": dice.choice((0, 50, 1000)),
        "accounts": [{"id": "debit", "balance": 100 * dice.randint(0, 8), "reserve": dice.choice((0, 0, 100))}],
        "cash_flows": flows, "channels": [channel], "cards": cards,
    }  # fmt: skip


def _tiny_card(dice: random.Random, i: int, as_of: date) -> dict[str, Any]:
    """Rates are large, so that a few yuan over a few days make a difference worth fen."""
    statement = as_of - timedelta(days=dice.randint(0, 12))
    due = statement + timedelta(days=dice.randint(6, 14))
    charge = 100 * dice.randint(0, 5)
    carried = 100 * dice.choice((0, 0, 1, 2))
    fees = 100 * dice.choice((0, 0, 1))
    charges = _charges(dice, statement, charge, parts=2, unit=100)
    balance = carried + fees + sum(charge["amount"] for charge in charges)
    first = {
        "statement_date": statement.isoformat(), "due_date": due.isoformat(), "carried": carried, "fees": fees,
        "minimum": 100 * dice.randint(0, balance // 100), "charges": charges,
    }  # fmt: skip
    statements = [first]
    if dice.random() < 0.4:
        later = due + timedelta(days=dice.randint(4, 8))
        statements.append({
            "statement_date": later.isoformat(), "due_date": _day(later, dice.randint(2, 5)),
            "charges": _charges(dice, later, 100 * dice.randint(0, 2), parts=1, unit=100),
        })  # fmt: skip
    return {
        "id": f"card{i}", "daily_rate": dice.choice(("0.01", "0.02")),
        "interest_basis": dice.choice(("full", "unpaid")), "grace_days": dice.choice((0, 0, 1, 3)),
        "tolerance": dice.choice((0, 0, 100)), "late_tolerance": dice.choice((0, 0, 100)),
        "minimum_rate": dice.choice(("0.1", "0.5")), "late_fee_rate": dice.choice(("0", "0.05")),
        "late_fee_minimum": dice.choice((0, 0, 20)), "statements": statements,
    }  # fmt: skip


def _account(dice: random.Random, i: int) -> dict[str, Any]:
    return {
        "id": f"own{i}",
        "balance": _amount(dice, 0, 2_000_000),
        "reserve": dice.choice((0, 0, 50_000, _amount(dice, 0, 300_000))),
    }


def _flow(dice: random.Random, own: list[str], as_of: date, horizon: int) -> dict[str, Any]:
    amount = _amount(dice, 10_000, 1_500_000)
    return {
        "account": dice.choice(own),
        "date": _day(as_of, dice.randint(0, horizon + 5)),
        "amount": amount if dice.random() < 0.7 else -amount // 3,
    }


def _channel(dice: random.Random, i: int, own: list[str], cards: list[str]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "id": f"way{i}",
        "accounts": dice.sample(own, dice.randint(1, len(own))),
        "cards": dice.sample(cards, dice.randint(1, len(cards))) if i else cards,
        "lead_days": dice.choice((0, 0, 0, 1, 2, 3)),
        "workdays_only": dice.random() < 0.3,
    }
    if dice.random() < 0.5:
        asked |= {"fee_rate": dice.choice(("0.001", "0.0005", "0.006")), "fee_minimum": dice.choice((0, 0, 10, 200)),
                  "free_quota": dice.choice((0, 0, 100_000, 500_000))}  # fmt: skip
    if dice.random() < 0.25:
        asked["per_payment_min"] = dice.choice((1000, 20_000))
    if dice.random() < 0.25:
        asked["per_payment_max"] = dice.choice((50_000, 200_000, 999_999))
    if dice.random() < 0.2:
        asked["per_day_max"] = dice.choice((100_000, 300_000))
    if dice.random() < 0.2:
        asked["payments_per_month"] = dice.choice((1, 2, 5))
    return asked


def _line(dice: random.Random, i: int, own: list[str]) -> dict[str, Any]:
    return {
        "id": f"line{i}",
        "account": dice.choice(own),
        "available": dice.choice((0, _amount(dice, 10_000, 500_000))),
        "daily_rate": dice.choice(("0.0002", "0.0004", "0.00055", "0.001")),
    }


def _card(dice: random.Random, i: int, as_of: date, horizon: int, *, offers: bool) -> dict[str, Any]:
    grace = dice.choice((0, 0, 0, 2, 3))
    statement = as_of - timedelta(days=dice.choice((0, 3, 10, 18, 22, 29)))
    statements = [_first(dice, statement, as_of, grace)]
    last = as_of + timedelta(days=horizon)
    while len(statements) < 4 and dice.random() < 0.75:
        due = date.fromisoformat(statements[-1]["due_date"])
        statement = max(_next_month(statement), due + timedelta(days=grace + 1))
        if statement > last + timedelta(days=10):
            break
        charges = _charges(dice, statement, _amount(dice, 0, 500_000), parts=3)
        due = statement + timedelta(days=dice.choice((1, 10, 18, 20, 25)))
        statements.append({"statement_date": statement.isoformat(), "due_date": due.isoformat(), "charges": charges})
    if len(statements) > 1:  # what is paid is paid before the second statement
        second = statements[1]["statement_date"]
        statements[0]["paid"] = [one for one in statements[0].get("paid", []) if one["date"] < second]
    card: dict[str, Any] = {
        "id": f"card{i}",
        "daily_rate": dice.choice(RATES),
        "interest_basis": dice.choice(("full", "unpaid")),
        "grace_days": grace,
        "tolerance": dice.choice((0, 0, 1000, 5000)),
        "late_tolerance": dice.choice((0, 0, 1000)),
        "minimum_rate": dice.choice(("0.1", "0.05")),
        "late_fee_rate": dice.choice(("0.05", "0.05", "0")),
        "late_fee_minimum": dice.choice((0, 1000)),
        "statements": statements,
    }
    if offers and dice.random() < 0.25:
        at = dice.randrange(len(statements))
        card["instalment_offers"] = [
            {"id": f"offer{i}-{n}", "statement": at, "periods": dice.choice((1, 3, 6, 12)),
             "fee_rate": dice.choice(("0", "0.003", "0.006")), "minimum": dice.choice((0, 50_000)),
             "maximum": _amount(dice, 50_000, 600_000)}
            for n in range(dice.choice((1, 2)))
        ]  # fmt: skip
    return card


def _first(dice: random.Random, statement: date, as_of: date, grace: int) -> dict[str, Any]:
    charges = _charges(dice, statement, _amount(dice, 0, 900_000), parts=4)
    carried = dice.choice((0, 0, 0, _amount(dice, 0, 400_000)))
    fees = dice.choice((0, 0, 0, _amount(dice, 0, 20_000)))
    balance = carried + fees + sum(charge["amount"] for charge in charges)
    first: dict[str, Any] = {
        "statement_date": statement.isoformat(),
        "due_date": _day(statement, dice.choice((15, 18, 20, 25))),
        "carried": carried,
        "fees": fees,
        "minimum": dice.choice((balance // 10, balance // 10, 0, balance)),
        "charges": charges,
    }
    paid, room = [], balance
    for _ in range(dice.choice((0, 0, 1, 2))):
        on = statement + timedelta(days=dice.randint(0, (as_of - statement).days + 2))
        amount = min(room, dice.choice((first["minimum"], _amount(dice, 0, 200_000), balance)))
        room -= amount
        paid.append({"date": on.isoformat(), "amount": amount})
    if paid and all(one["amount"] for one in paid):
        first["paid"] = paid
    return first


def _charges(dice: random.Random, statement: date, total: int, *, parts: int, unit: int = 1) -> list[dict[str, Any]]:
    found = []
    for _ in range(dice.randint(1, parts)):
        amount = total if parts == 1 else dice.randint(0, total // unit) * unit
        total -= amount
        if amount:
            charge = {"posted": _day(statement, -dice.randint(0, 30)), "amount": amount}
            if dice.random() < 0.1:
                charge["instalment"] = True
            found.append(charge)
    return found


def _amount(dice: random.Random, low: int, high: int) -> int:
    """Often whole yuan, often not."""
    amount = dice.randint(low, high)
    return amount if dice.random() < 0.5 else amount - amount % 100


def _day(start: date, days: int) -> str:
    return (start + timedelta(days=days)).isoformat()


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, min(day.day, 28))
