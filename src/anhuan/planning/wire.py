"""Requests as JSON: the shapes of planning.md, checked field by field before a plan is thought of."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, TypeVar

import msgspec

from anhuan.planning.model import (
    Account,
    BadRequest,
    Basis,
    Card,
    Channel,
    Charge,
    Credit,
    Flow,
    Line,
    Offer,
    Request,
    Statement,
)

_RATE: Final = re.compile(r"\d{1,6}(\.\d{1,18})?")
_MOST: Final = 10**14  # fen; a thousand billion yuan is nobody's card bill
_LONGEST: Final = 3660  # days
_WHERE: Final = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<path>.*)`$", re.DOTALL)


class AccountAsked(msgspec.Struct):
    """An own account: fen held on `as_of`, fen that should stay."""

    id: str
    balance: int
    reserve: int = 0


class FlowAsked(msgspec.Struct):
    """Expected income (positive) or spending (negative), in fen."""

    account: str
    date: date
    amount: int


class ChannelAsked(msgspec.Struct):
    """A way to pay; maxima of 0 are no maxima."""

    id: str
    accounts: list[str]
    cards: list[str]
    lead_days: int = 0
    workdays_only: bool = False
    fee_rate: str = "0"
    free_quota: int = 0
    fee_minimum: int = 0
    per_payment_min: int = 0
    per_payment_max: int = 0
    per_day_max: int = 0
    payments_per_month: int = 0


class ChargeAsked(msgspec.Struct):
    """A purchase or instalment share and its posting day."""

    posted: date
    amount: int
    instalment: bool = False


class PaidAsked(msgspec.Struct):
    """A payment already credited."""

    date: date
    amount: int


class StatementAsked(msgspec.Struct):
    """A bill; `carried`, `fees`, `minimum` and `paid` belong to the first of a card alone."""

    statement_date: date
    due_date: date
    carried: int = 0
    fees: int = 0
    minimum: int = 0
    charges: list[ChargeAsked] = []
    paid: list[PaidAsked] = []


class OfferAsked(msgspec.Struct):
    """An instalment offer on the statement with this index."""

    id: str
    statement: int
    periods: int
    fee_rate: str = "0"
    minimum: int = 0
    maximum: int = 0


class CardAsked(msgspec.Struct):
    """A card with its terms and statements."""

    id: str
    statements: list[StatementAsked]
    daily_rate: str
    interest_basis: str = "full"
    grace_days: int = 0
    tolerance: int = 0
    late_tolerance: int = 0
    minimum_rate: str = "0"
    late_fee_rate: str = "0"
    late_fee_minimum: int = 0
    instalment_offers: list[OfferAsked] = []


class LineAsked(msgspec.Struct):
    """A credit line that the user has been offered."""

    id: str
    account: str
    available: int
    daily_rate: str


class RequestAsked(msgspec.Struct):
    """One request to plan (planning.md, The request)."""

    as_of: date
    accounts: list[AccountAsked]
    cards: list[CardAsked]
    horizon_days: int = 92
    terminal_days: int = 180
    missed_minimum_cost: int = 100_000
    cash_flows: list[FlowAsked] = []
    channels: list[ChannelAsked] = []
    credit_lines: list[LineAsked] = []


_decoder: Final = msgspec.json.Decoder(RequestAsked)


def read_request(text: bytes | str) -> Request:
    """The request that JSON text states. Raises BadRequest naming the field, like `cards[0].daily_rate`."""
    try:
        asked = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _named(error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadRequest(f"not JSON: {error}", field="$") from None
    return checked(asked)


def request_from(value: Any) -> Request:
    """The request that plain Python values (dictionaries and lists) state; errors as `read_request`."""
    try:
        asked = msgspec.convert(value, RequestAsked)
    except msgspec.ValidationError as error:
        raise _named(error) from None
    return checked(asked)


def unused_fields(value: Any) -> list[str]:
    """Fields of a decoded request that no rule reads: most often a slip of the pen, so the answer warns of them."""
    return list(_unknown(value, RequestAsked, ""))


def checked(asked: RequestAsked) -> Request:
    """The request in the planner's words, every reference and date checked."""
    _between(asked.horizon_days, 0, _LONGEST, "horizon_days")
    _between(asked.terminal_days, 0, _LONGEST, "terminal_days")
    _money(asked.missed_minimum_cost, "missed_minimum_cost")
    as_of = asked.as_of.toordinal()
    if as_of + asked.horizon_days > date.max.toordinal() - 400:
        raise BadRequest("lies too far in the future", field="as_of")
    accounts = _unique(asked.accounts, "accounts")
    cards = _unique(asked.cards, "cards")
    for kind, others in (("accounts", accounts), ("credit_lines", {line.id for line in asked.credit_lines})):
        if both := sorted(set(others) & set(cards)):
            raise BadRequest(f"{both[0]!r} is a card: a card is never a source of money", field=kind)
    _unique(asked.channels, "channels")
    _unique(asked.credit_lines, "credit_lines")
    return Request(
        as_of=as_of,
        last=as_of + asked.horizon_days,
        terminal_days=asked.terminal_days,
        missed_minimum_cost=asked.missed_minimum_cost,
        accounts=tuple(_account(account, f"accounts[{i}]") for i, account in enumerate(asked.accounts)),
        cards=tuple(_card(card, f"cards[{i}]") for i, card in enumerate(asked.cards)),
        flows=tuple(_flow(flow, accounts, as_of, f"cash_flows[{i}]") for i, flow in enumerate(asked.cash_flows)),
        channels=tuple(_channel(ch, accounts, cards, f"channels[{i}]") for i, ch in enumerate(asked.channels)),
        lines=tuple(_line(line, accounts, f"credit_lines[{i}]") for i, line in enumerate(asked.credit_lines)),
    )


def _account(asked: AccountAsked, at: str) -> Account:
    if abs(asked.balance) > _MOST:
        raise BadRequest("is out of range", field=f"{at}.balance")
    return Account(asked.id, asked.balance, _money(asked.reserve, f"{at}.reserve"))


def _flow(asked: FlowAsked, accounts: Iterable[str], as_of: int, at: str) -> Flow:
    _known(asked.account, accounts, f"{at}.account")
    if asked.date.toordinal() < as_of:
        raise BadRequest("lies before as_of; what has happened belongs into the balance", field=f"{at}.date")
    if abs(asked.amount) > _MOST:
        raise BadRequest("is out of range", field=f"{at}.amount")
    return Flow(asked.account, asked.date.toordinal(), asked.amount)


def _channel(asked: ChannelAsked, accounts: Iterable[str], cards: Iterable[str], at: str) -> Channel:
    for i, account in enumerate(asked.accounts):
        _known(account, accounts, f"{at}.accounts[{i}]")
    for i, card in enumerate(asked.cards):
        _known(card, cards, f"{at}.cards[{i}]")
    for name in ("free_quota", "fee_minimum", "per_payment_min", "per_payment_max", "per_day_max"):
        _money(getattr(asked, name), f"{at}.{name}")
    _between(asked.lead_days, 0, 60, f"{at}.lead_days")
    _between(asked.payments_per_month, 0, 10_000, f"{at}.payments_per_month")
    for name in ("per_payment_max", "per_day_max"):
        if 0 < getattr(asked, name) < asked.per_payment_min:
            raise BadRequest("is below per_payment_min", field=f"{at}.{name}")
    return Channel(
        asked.id, tuple(dict.fromkeys(asked.accounts)), tuple(dict.fromkeys(asked.cards)), asked.lead_days,
        asked.workdays_only, _rate(asked.fee_rate, f"{at}.fee_rate"), asked.free_quota, asked.fee_minimum,
        asked.per_payment_min, asked.per_payment_max, asked.per_day_max, asked.payments_per_month,
    )  # fmt: skip


def _line(asked: LineAsked, accounts: Iterable[str], at: str) -> Line:
    _known(asked.account, accounts, f"{at}.account")
    return Line(
        asked.id, asked.account, _money(asked.available, f"{at}.available"), _rate(asked.daily_rate, f"{at}.daily_rate")
    )


def _card(asked: CardAsked, at: str) -> Card:
    if asked.interest_basis not in set(Basis):
        raise BadRequest(f"is neither 'full' nor 'unpaid': {asked.interest_basis!r}", field=f"{at}.interest_basis")
    _between(asked.grace_days, 0, 60, f"{at}.grace_days")
    for name in ("tolerance", "late_tolerance", "late_fee_minimum"):
        _money(getattr(asked, name), f"{at}.{name}")
    statements = tuple(_statement(s, i == 0, f"{at}.statements[{i}]") for i, s in enumerate(asked.statements))
    _in_order(statements, asked.grace_days, at)
    _check_first(statements, at)
    _unique(asked.instalment_offers, f"{at}.instalment_offers")
    return Card(
        asked.id, statements, _rate(asked.daily_rate, f"{at}.daily_rate"), Basis(asked.interest_basis),
        asked.grace_days, asked.tolerance, asked.late_tolerance, _rate(asked.minimum_rate, f"{at}.minimum_rate"),
        _rate(asked.late_fee_rate, f"{at}.late_fee_rate"), asked.late_fee_minimum,
        tuple(_offer(o, len(statements), f"{at}.instalment_offers[{i}]")
              for i, o in enumerate(asked.instalment_offers)),
    )  # fmt: skip


def _statement(asked: StatementAsked, first: bool, at: str) -> Statement:
    if asked.due_date < asked.statement_date:
        raise BadRequest("lies before the statement date", field=f"{at}.due_date")
    for name in ("carried", "fees", "paid"):
        if not first and getattr(asked, name):
            raise BadRequest("belongs to the first statement of a card alone", field=f"{at}.{name}")
    for i, charge in enumerate(asked.charges):
        _money(charge.amount, f"{at}.charges[{i}].amount")
        if charge.posted > asked.statement_date:
            raise BadRequest("lies after the statement date", field=f"{at}.charges[{i}].posted")
    for i, paid in enumerate(asked.paid):
        _money(paid.amount, f"{at}.paid[{i}].amount")
    return Statement(
        asked.statement_date.toordinal(),
        asked.due_date.toordinal(),
        tuple(Charge(c.posted.toordinal(), c.amount, c.instalment) for c in asked.charges),
        _money(asked.carried, f"{at}.carried"),
        _money(asked.fees, f"{at}.fees"),
        _money(asked.minimum, f"{at}.minimum"),
        tuple(sorted((Credit(p.date.toordinal(), p.amount) for p in asked.paid), key=lambda credit: credit.day)),
    )


def _in_order(statements: Sequence[Statement], grace_days: int, at: str) -> None:
    for i, (earlier, later) in enumerate(pairwise(statements), start=1):
        if later.day <= earlier.due + grace_days:
            raise BadRequest(
                "does not come after the last day of grace of the statement before",
                field=f"{at}.statements[{i}].statement_date",
            )


def _check_first(statements: Sequence[Statement], at: str) -> None:
    if not statements:
        return
    first = statements[0]
    balance = first.carried + first.fees + sum(charge.amount for charge in first.charges)
    if first.minimum > balance:
        raise BadRequest(f"is above the statement's balance of {balance}", field=f"{at}.statements[0].minimum")
    if sum(credit.amount for credit in first.paid) > balance:
        raise BadRequest(f"is more than the statement's balance of {balance}", field=f"{at}.statements[0].paid")
    for i, credit in enumerate(first.paid):
        if credit.day < first.day or (len(statements) > 1 and credit.day >= statements[1].day):
            raise BadRequest("does not lie in the first statement's cycle", field=f"{at}.statements[0].paid[{i}].date")


def _offer(asked: OfferAsked, statements: int, at: str) -> Offer:
    _between(asked.statement, 0, statements - 1, f"{at}.statement")
    _between(asked.periods, 1, 120, f"{at}.periods")
    _money(asked.minimum, f"{at}.minimum")
    _money(asked.maximum, f"{at}.maximum")
    return Offer(
        asked.id, asked.statement, asked.periods, _rate(asked.fee_rate, f"{at}.fee_rate"), asked.minimum, asked.maximum
    )


def _money(amount: int, at: str) -> int:
    _between(amount, 0, _MOST, at)
    return amount


def _between(value: int, least: int, most: int, at: str) -> None:
    if not least <= value <= most:
        raise BadRequest(f"is not between {least} and {most}: {value}", field=at)


def _rate(text: str, at: str) -> Fraction:
    if not _RATE.fullmatch(text):
        raise BadRequest(f"is not a decimal string such as '0.0005': {text!r}", field=at)
    rate = Fraction(text)
    if rate > 1:
        raise BadRequest(f"is above 1: {text}", field=at)
    return rate


def _known(name: str, names: Iterable[str], at: str) -> None:
    if name not in names:
        raise BadRequest(f"names nothing in the request: {name!r}", field=at)


_T = TypeVar("_T", AccountAsked, CardAsked, ChannelAsked, LineAsked, OfferAsked)


def _unique(things: Sequence[_T], at: str) -> dict[str, _T]:
    seen: dict[str, _T] = {}
    for i, thing in enumerate(things):
        if not thing.id or thing.id in seen:
            raise BadRequest(f"is empty or used twice: {thing.id!r}", field=f"{at}[{i}].id")
        seen[thing.id] = thing
    return seen


def _named(error: msgspec.ValidationError) -> BadRequest:
    found = _WHERE.match(str(error))
    what, path = (found["what"], found["path"]) if found else (str(error), "")
    if missing := re.match(r"Object missing required field `(.+)`", what):
        path, what = f"{path}.{missing[1]}".lstrip("."), "is missing"
    return BadRequest(what, field=path or "$")


def _unknown(value: Any, shape: Any, at: str) -> Iterable[str]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unknown(item, shape, f"{at}[{i}]")
        return
    if not isinstance(value, dict) or not isinstance(shape, type) or not issubclass(shape, msgspec.Struct):
        return
    fields = {field.name: field.type for field in msgspec.structs.fields(shape)}
    for name, inner in value.items():
        if name not in fields:
            yield f"{at}.{name}".lstrip(".")
        elif args := getattr(fields[name], "__args__", ()):
            yield from _unknown(inner, args[0], f"{at}.{name}".lstrip("."))
