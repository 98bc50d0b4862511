"""The card terms of the fictitious banks 甲 乙 丙 丁 戊, from dated rows in `simbank.toml` (channels.md, section 7)."""

import tomllib
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from anhuan.kit.errors import Refused

_FOR_EVER: Final = date.max
_RATES: Final = ("tolerance_share", "minimum_rate", "late_fee_rate", "late_fee_rate_again", "daily_rate",
                 "cash_fee_rate")  # fmt: skip


class NoSuchBank(Refused):
    """没有这家银行: no fictitious bank has this id on that day."""

    code = "simbank.no_such_bank"


class Basis(StrEnum):
    """计息方式: what bears interest when a bill is not paid in full."""

    FULL = "full"  # 全额计息
    UNPAID = "unpaid"  # 未偿还部分计息


@dataclass(frozen=True, slots=True)
class Instalment:
    """账单分期: an offer on every bill; `fee_rate` is taken of the principal with each share, `minimum` is fen."""

    periods: int
    fee_rate: Decimal
    minimum: int

    @property
    def id(self) -> str:
        """How an instruction names the offer: its number of periods."""
        return str(self.periods)


@dataclass(frozen=True, slots=True)
class CardTerms:
    """What a bank charges on one day: days, fen and rates. What a bank does not have is 0, empty or None."""

    interest_basis: Basis
    daily_rate: Decimal
    minimum_rate: Decimal
    late_fee_rate: Decimal
    due_offset_days: int | None = None  # from the statement day; or else
    due_day: int | None = None  # the first such day of a month after the statement day
    grace_days: int = 0
    tolerance: int = 0  # fen of a bill that may stay open
    tolerance_share: Decimal = Decimal(0)  # or this share of the bill, down to the fen; the larger of both holds
    late_tolerance: int = 0  # fen of the minimum that may be missing
    late_fee_minimum: int = 0
    late_fee_rate_again: Decimal | None = None  # from the second month in a row
    allocation_late_from_days: int | None = None  # overdue so long, principal is settled before interest and fees
    cash_fee_rate: Decimal | None = None  # None: no cash advances
    cash_fee_minimum: int = 0
    instalments: tuple[Instalment, ...] = ()

    def due_on(self, statement_on: date) -> date:
        """到期还款日 of the bill of this day."""
        if self.due_day is None:
            return statement_on + timedelta(days=self.due_offset_days or 0)
        return next_day(statement_on, self.due_day)

    def offer(self, offer_id: str) -> Instalment | None:
        """The instalment offer of this id, None where the bank has no such."""
        return next((one for one in self.instalments if one.id == offer_id), None)


@dataclass(frozen=True, slots=True)
class Bank:
    """Who a fictitious bank is: its names, mail domain, card number prefix, possible statement days, currencies."""

    id: str
    zh: str
    en: str
    domain: str
    prefix: str
    statement_days: tuple[int, ...]
    currencies: tuple[str, ...]


def bank_ids() -> tuple[str, ...]:
    """Every fictitious bank, 甲 first."""
    return tuple(_seeds())


@cache
def bank(bank_id: str) -> Bank:
    """Who the bank is; refuses an id nobody has."""
    name = _held(bank_id, "name", _FOR_EVER)
    if name is None:
        raise NoSuchBank(f"no simulated bank {bank_id}; there are: {', '.join(bank_ids())}", field="bank")
    said = {key: _held(bank_id, key, _FOR_EVER) for key in ("domain", "prefix", "statement_days", "currencies")}
    return Bank(
        bank_id, name["zh"], name["en"], said["domain"], said["prefix"], tuple(said["statement_days"]),
        tuple(said["currencies"] or ("CNY",)),
    )  # fmt: skip


@cache
def terms_on(bank_id: str, on: date) -> CardTerms:
    """The bank's terms on a day; card terms are asked with the statement day."""
    found = {field.name: _held(bank_id, field.name, on) for field in fields(CardTerms)}
    held = {name: value for name, value in found.items() if value is not None}
    if "daily_rate" not in held:
        raise NoSuchBank(f"{bank_id} has no terms on {on}", field="bank")
    held |= {name: Decimal(held[name]) for name in _RATES if name in held}
    held["interest_basis"] = Basis(held["interest_basis"])
    held["instalments"] = tuple(
        Instalment(one["periods"], Decimal(one["fee_rate"]), one["minimum"]) for one in held.get("instalments", ())
    )
    return CardTerms(**held)


def day_in(year: int, month: int, day: int) -> date:
    """That day of the month, or its last where the month is shorter (账单日 31)."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def next_day(after: date, day: int) -> date:
    """The first such day of a month after, not on, a date; short months end earlier."""
    here = day_in(after.year, after.month, day)
    if here > after:
        return here
    return day_in(after.year + after.month // 12, after.month % 12 + 1, day)


def _held(bank_id: str, key: str, on: date) -> Any:
    rows: Sequence[Mapping[str, Any]] = _seeds().get(bank_id, {}).get(key, ())
    for row in rows:
        if row["from"] <= on and ("to" not in row or on < row["to"]):
            return row["value"]
    return None


@cache
def _seeds() -> dict[str, dict[str, Any]]:
    said = tomllib.loads(resources.files("anhuan.simbank").joinpath("simbank.toml").read_text("utf-8"))
    return {name: keys for name, keys in said.items() if isinstance(keys, dict)}
