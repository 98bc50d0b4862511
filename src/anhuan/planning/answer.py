"""The answer as JSON, exactly as planning.md states it, with a few keys more: what is missed, warnings, why."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

from anhuan.kit import calendar
from anhuan.planning.explained import Explanation
from anhuan.planning.model import Missed, Move, Payment, Plan, Request, iso
from anhuan.planning.wording import Words


def answer_of(
    request: Request, plan: Plan, *, explanation: Explanation | None = None, warnings: Iterable[Words] = (),
    lang: str = "en",
) -> dict[str, Any]:  # fmt: skip
    """The answer in plain values: money in fen, days as ISO dates; sentences in the language asked for."""
    told: dict[str, Any] = {
        "status": str(plan.status),
        "cost": plan.cost,
        "lower_bound": plan.lower_bound,
        "payments": [_payment(payment) for payment in plan.legs.payments],
        "instalments": [{"offer": taken.offer, "principal": taken.principal} for taken in plan.legs.instalments],
        "draws": [_move(move) for move in plan.legs.draws],
        "line_repayments": [_move(move) for move in plan.legs.line_repayments],
        "breakdown": asdict(plan.breakdown),
    }
    if plan.missed:
        told["missed"] = [_missed(request, missed) for missed in plan.missed]
    told["warnings"] = [
        {"code": words.code, "message": words.say(lang)} for words in (*calendar_warnings(request), *warnings)
    ] + [{"code": "plan", "message": text} for text in plan.warnings]
    if explanation is not None:
        told["explanation"] = explanation.as_json(lang)
    return told


def calendar_warnings(request: Request) -> list[Words]:
    """One warning for each year without a published calendar that a workdays-only channel may book in."""
    slow = [channel for channel in request.channels if channel.workdays_only]
    if not slow:
        return []
    known = calendar.current()
    first = date.fromordinal(request.as_of).year
    last = date.fromordinal(request.last + max(channel.lead_days for channel in slow)).year
    unknown = [year for year in range(first, last + 1) if not known.is_known(date(year, 1, 1))]
    return [Words("provisional", {"year": str(year)}) for year in unknown]


def request_warnings(request: Request, unused: Iterable[str]) -> list[Words]:
    """What a request states and no rule reads: unknown fields, and minimums of statements not issued yet."""
    said = [Words("unknown_field", {"field": field}) for field in unused]
    for c, card in enumerate(request.cards):
        for s, statement in enumerate(card.statements):
            if s and statement.minimum:
                said.append(Words("minimum_unused", {"field": f"cards[{c}].statements[{s}].minimum"}))
    return said


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "date": iso(payment.day),
        "account": payment.account,
        "channel": payment.channel,
        "card": payment.card,
        "amount": payment.amount,
        "fee": payment.fee,
        "credited": iso(payment.credited),
    }


def _move(move: Move) -> dict[str, Any]:
    return {"line": move.line, "date": iso(move.day), "amount": move.amount}


def _missed(request: Request, missed: Missed) -> dict[str, Any]:
    """`more` fen beside what the plan uses, on an account that pays, by the day `by`, would save this minimum."""
    card = next(card for card in request.cards if card.id == missed.card)
    return {
        "card": missed.card,
        "statement": missed.statement,
        "statement_date": iso(card.statements[missed.statement].day),
        "due_date": iso(missed.due),
        "minimum": missed.minimum,
        "paid": missed.paid,
        "more": missed.more,
        "by": None if missed.by is None else iso(missed.by),
    }
