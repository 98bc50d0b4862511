"""Invented households for the tables of planning: salaries, rent, cards with their cycles, scarce cash or plenty."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

AS_OF = date(2026, 11, 21)


@dataclass(frozen=True)
class Kind:
    """A kind of household: how many cards, how income comes, and how its money compares with its bills."""

    name: str
    cards: int
    daily_income: bool = False
    plenty: bool = False


KINDS = (
    Kind("monthly income, 5 cards", 5),
    Kind("monthly income, 20 cards", 20),
    Kind("shop, income every day, 5 cards", 5, daily_income=True),
    Kind("monthly income, 60 cards", 60),
    Kind("enough money, 5 cards", 5, plenty=True),
)


def household(dice: random.Random, kind: Kind, *, horizon: int = 92) -> dict[str, Any]:
    """One request of the kind: bills of a size people have, income between half and twice what falls due."""
    cards = [_card(dice, i, horizon, plenty=kind.plenty) for i in range(kind.cards)]
    monthly = sum(_size(card) for card in cards)
    share = 6.0 if kind.plenty else dice.choice((0.5, 0.8, 1.0, 1.2, 1.5, 2.0))
    income = int(monthly * share)
    accounts: list[dict[str, Any]] = [
        {"id": "salary", "balance": int(income * dice.uniform(0.1, 0.6)), "reserve": 50_000}
    ]
    if kind.plenty:
        accounts[0]["balance"] = int(monthly * 4)
    if dice.random() < 0.5:
        accounts.append({"id": "savings", "balance": int(income * dice.uniform(0.0, 0.3)), "reserve": 0})
    names, own = [card["id"] for card in cards], [account["id"] for account in accounts]
    return {
        "as_of": AS_OF.isoformat(),
        "horizon_days": horizon,
        "accounts": accounts,
        "cash_flows": _flows(dice, income, horizon, daily=kind.daily_income),
        "channels": _channels(dice, own, names),
        "cards": cards,
    }


def _flows(dice: random.Random, income: int, horizon: int, *, daily: bool) -> list[dict[str, Any]]:
    days = [AS_OF + timedelta(days=i) for i in range(1, horizon + 1)]
    rent = income // 4
    flows = [_flow(day, -rent) for day in days if day.day == 1]
    if daily:
        return flows + [_flow(day, int((income + rent) / 30 * dice.uniform(0.3, 1.7))) for day in days]
    payday = dice.choice((5, 10, 15, 25))
    return flows + [_flow(day, income + rent) for day in days if day.day == payday]


def _flow(day: date, amount: int) -> dict[str, Any]:
    return {"account": "salary", "date": day.isoformat(), "amount": amount}


def _channels(dice: random.Random, own: list[str], cards: list[str]) -> list[dict[str, Any]]:
    """A wallet with a free quota, a transfer that books on workdays, and at times the bank's own app."""
    channels: list[dict[str, Any]] = [
        {"id": "wallet", "accounts": own, "cards": cards, "fee_rate": "0.001", "free_quota": 500_000,
         "per_payment_max": 5_000_000},
        {"id": "transfer", "accounts": own[:1], "cards": cards, "lead_days": 1, "workdays_only": True},
    ]  # fmt: skip
    if dice.random() < 0.5:
        channels.append({"id": "app", "accounts": own[:1], "cards": dice.sample(cards, max(1, len(cards) // 2))})
    return channels


def _card(dice: random.Random, i: int, horizon: int, *, plenty: bool) -> dict[str, Any]:
    first = AS_OF - timedelta(days=dice.randint(0, 29))
    gap, charges = dice.choice((18, 20, 20, 25)), int(dice.lognormvariate(12.6, 0.8))
    statements: list[dict[str, Any]] = []
    day = first
    while day <= AS_OF + timedelta(days=horizon):
        spent = int(charges * dice.uniform(0.5, 1.5))
        parts = [spent // 3, spent // 3, spent - 2 * (spent // 3)]
        statements.append({
            "statement_date": day.isoformat(), "due_date": (day + timedelta(days=gap)).isoformat(),
            "charges": [{"posted": (day - timedelta(days=at)).isoformat(), "amount": part}
                        for at, part in zip((25, 14, 4), parts, strict=True)],
        })  # fmt: skip
        day = date(day.year + day.month // 12, day.month % 12 + 1, min(first.day, 28))
    if dice.random() < 0.08 and not plenty:
        statements[0]["carried"] = charges // 2
    balance = statements[0].get("carried", 0) + sum(charge["amount"] for charge in statements[0]["charges"])
    statements[0]["minimum"] = balance // 10
    due = first + timedelta(days=gap)
    if due < AS_OF:  # that bill is behind: most people paid it, some paid its minimum
        paid = balance if plenty or dice.random() < 0.9 else balance // 10
        statements[0]["paid"] = [{"date": (due - timedelta(days=dice.randint(0, 3))).isoformat(), "amount": paid}]
    return {
        "id": f"card{i}", "daily_rate": dice.choice(("0.0005", "0.0005", "0.0005", "0.00045", "0.00035")),
        "interest_basis": "unpaid" if dice.random() < 0.25 else "full", "minimum_rate": "0.1",
        "late_fee_rate": "0.05", "late_fee_minimum": 1000, "statements": statements,
    }  # fmt: skip


def _size(card: dict[str, Any]) -> int:
    """What a month brings on the card."""
    later: list[dict[str, Any]] = card["statements"][1:]
    return sum(int(charge["amount"]) for one in later for charge in one["charges"]) // max(1, len(later))
