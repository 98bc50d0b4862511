"""Terms: the store of dated numbers. No rate, fee, limit or day count of the domain stands in code; it is asked here.

A number is asked for with the day its rule names, and answered by the nearest layer: contract, card, product, bank,
typical. What came from `bank` or `typical` is assumed, and every screen says so. Seeds come with the package; rows that
a user or an operator entered are laid over them.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, Final

from anhuan.kit.errors import Refused
from anhuan.kit.money import round_half_up, round_up

ASSUMED: Final = frozenset({"bank", "typical"})
_SEEDS: Final = (
    *("terms_cards.toml", "terms_channels.toml", "terms_law.toml", "terms_house.toml"),
    "terms_repayments.toml",
    "terms_mandates.toml",
    "terms_notify.toml",
)
TAILS_SAID: Final = 3  # cards of one account that its name tells
_FOR_EVER: Final = date.max
_CHANNEL_KEYS: Final = (
    *("workdays_only", "lead_days", "arrival_minutes", "arrival_by", "cut_off"),
    *("per_payment_min", "per_payment_max", "per_day_max", "payments_per_month"),
)


class NoSuchTerm(Refused):
    """没有这项数值: no row of the asked layers holds the key on that day."""

    code = "terms.unknown"


@dataclass(frozen=True, slots=True)
class Term:
    """One dated number: valid from a day up to, not including, another; None leaves the end open."""

    scope: str
    key: str
    value: Any
    unit: str
    valid_from: date
    valid_to: date | None
    confidence: str  # H, M or L
    basis: str  # read, computed, unchecked, user, house
    source: str
    checked_on: date

    @property
    def layer(self) -> str:
        """The first word of the scope: contract, card, product, bank, typical, law, channel or platform."""
        return self.scope.partition(":")[0]

    @property
    def assumed(self) -> bool:
        """Whether this is somebody's typical value and not this contract's."""
        return self.layer in ASSUMED

    @property
    def rate(self) -> Decimal:
        """The value as an exact rate."""
        return Decimal(str(self.value))


class Terms:
    """An unchanging set of rows; `over` lays newer rows on top, so the seeds are read once for everybody."""

    def __init__(self, rows: Iterable[Term], under: "Terms | None" = None) -> None:
        self._rows: dict[tuple[str, str], list[Term]] = {}
        for row in rows:
            self._rows.setdefault((row.scope, row.key), []).append(row)
        self._under = under

    def find(self, key: str, *, on: date, scopes: Sequence[str]) -> Term | None:
        """The row of the nearest scope that holds on the day, or None; scopes come nearest first."""
        for scope in scopes:
            if row := self._held(scope, key, on):
                return row
        return None

    def ask(self, key: str, *, on: date, scopes: Sequence[str]) -> Term:
        """Like `find`, but a number that nobody knows is a refusal that names it."""
        row = self.find(key, on=on, scopes=scopes)
        if row is None:
            raise NoSuchTerm(f"no value for {key} on {on} in {', '.join(scopes)}", field=key)
        return row

    def over(self, rows: Iterable[Term]) -> "Terms":
        """These terms with the rows laid over them: on a day that both hold, the new row is the answer."""
        return Terms(rows, under=self)

    def rows(self) -> tuple[Term, ...]:
        """Every row, those on top first; for pages and checks."""
        own = tuple(row for held in self._rows.values() for row in held)
        return own + (self._under.rows() if self._under else ())

    def _held(self, scope: str, key: str, on: date) -> Term | None:
        for row in self._rows.get((scope, key), ()):
            if row.valid_from <= on < (row.valid_to or _FOR_EVER):
                return row
        return self._under._held(scope, key, on) if self._under else None


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank: the id used everywhere, and what people call it."""

    id: str
    zh: str
    en: str
    simulated: bool = False  # invented, of the simulated bank

    def name(self, lang: str = "zh") -> str:
        """The name in Chinese, or in English where asked."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What a channel takes: a free monthly quota per person, a rate above it, a floor per charged payment, in fen."""

    free_quota: int
    rate: Decimal
    floor: int
    rounding: str  # "up" or "half_up", to the fen

    def fee_for(self, amount: int, *, free_left: int | None = None) -> int:
        """The fee of one payment in fen: on what lies above the free quota still left this month (else all of it)."""
        left = self.free_quota if free_left is None else free_left
        charged = Fraction(self.rate) * max(0, amount - left)
        if charged == 0:
            return 0
        return max(self.floor, round_up(charged) if self.rounding == "up" else round_half_up(charged))


@dataclass(frozen=True, slots=True)
class Channel:
    """A way for money to reach a card, as it stands on one day; None means no limit is known."""

    id: str
    zh: str
    en: str
    fee: FeeSchedule
    workdays_only: bool
    lead_days: int
    arrival_minutes: int | None  # the slow end of its arrivals, where it runs around the clock
    arrival_by: time | None  # of the workday it arrives on, where it books on workdays only
    cut_off: time | None
    per_payment_min: int | None
    per_payment_max: int | None
    per_day_max: int | None
    payments_per_month: int | None
    confidence: str  # the lowest of its numbers

    def name(self, lang: str = "zh") -> str:
        """The name in Chinese, or in English where asked."""
        return self.en if lang == "en" else self.zh


def layers(
    *, contract: object = None, card: object = None, product: object = None, bank: str | None = None
) -> tuple[str, ...]:
    """The scopes to ask for a card's terms, nearest first, ending with the typical value."""
    near = (("contract", contract), ("card", card), ("product", product), ("bank", bank))
    return (*(f"{layer}:{name}" for layer, name in near if name is not None), "typical")


@cache
def seeds() -> Terms:
    """The rows that come with the package."""
    return Terms(row for name in _SEEDS for row in _read(name))


def ask(key: str, *, on: date, scopes: Sequence[str] = ("typical",)) -> Term:
    """A seed number on a day, from the nearest scope; refuses a number nobody knows."""
    return seeds().ask(key, on=on, scopes=scopes)


@cache
def banks() -> Mapping[str, Bank]:
    """Every bank of the package by id, the simulated ones last."""
    said = _toml("banks.toml")
    return {
        key: Bank(key, names["zh"], names["en"], simulated=group == "simulated")
        for group in ("banks", "simulated")
        for key, names in said[group].items()
    }


def banks_to_choose(*, demonstration: bool) -> tuple[Bank, ...]:
    """The banks that a person is offered: the simulated ones in a demonstration alone."""
    return tuple(bank for bank in banks().values() if demonstration or not bank.simulated)


def bank(bank_id: str) -> Bank:
    """The bank with this id; one the package does not know is called by its id."""
    return banks().get(bank_id) or Bank(bank_id, bank_id, bank_id)


def card_name(bank_id: str, tails: Sequence[str], lang: str = "zh") -> str:
    """What is held at a bank as people recognise it: `招商银行 尾号 6214`, or `CMB 6214`.

    English says the letters people know a bank by: its whole name would push the digits off a phone.
    """
    many = "…" if len(tails) > TAILS_SAID else ""
    if lang == "en":
        letters = bank_id.replace("_", " ").upper() if bank_id in banks() else bank_id
        return " ".join([letters, *tails[:TAILS_SAID], *filter(None, [many])])
    said = bank(bank_id).zh
    return f"{said} 尾号 {'、'.join(tails[:TAILS_SAID])}{many}" if tails else said


def channel_ids(terms: Terms | None = None) -> tuple[str, ...]:
    """Every channel that has a name, in the order of the seeds."""
    named = (row.scope for row in (terms or seeds()).rows() if row.layer == "channel" and row.key == "name")
    return tuple(dict.fromkeys(scope.partition(":")[2] for scope in named))


def channel(channel_id: str, *, on: date, terms: Terms | None = None) -> Channel:
    """What a channel offers on the day the instruction is sent; refuses one that nobody knows on that day."""
    if terms is None:
        return _seed_channel(channel_id, on)
    return _channel(channel_id, on, terms)


@cache
def _seed_channel(channel_id: str, on: date) -> Channel:
    return _channel(channel_id, on, seeds())


def _channel(channel_id: str, on: date, terms: Terms) -> Channel:
    scopes = (f"channel:{channel_id}",)
    name, fee = terms.ask("name", on=on, scopes=scopes), terms.ask("fee", on=on, scopes=scopes)
    other = {key: terms.find(key, on=on, scopes=scopes) for key in _CHANNEL_KEYS}

    def value(key: str) -> Any:
        row = other[key]
        return None if row is None else row.value

    return Channel(
        id=channel_id,
        zh=name.value["zh"],
        en=name.value["en"],
        fee=FeeSchedule(
            fee.value["free_quota"], Decimal(fee.value["rate"]), fee.value["floor"], fee.value.get("rounding", "up")
        ),
        workdays_only=bool(value("workdays_only")),
        lead_days=value("lead_days") or 0,
        arrival_minutes=value("arrival_minutes"),
        arrival_by=_time(value("arrival_by")),
        cut_off=_time(value("cut_off")),
        per_payment_min=value("per_payment_min"),
        per_payment_max=value("per_payment_max"),
        per_day_max=value("per_day_max"),
        payments_per_month=value("payments_per_month"),
        confidence=max((row.confidence for row in (name, fee, *other.values()) if row), key="HML".index),
    )


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _read(name: str) -> Iterable[Term]:
    said = _toml(name)
    checked_on, sources = said.pop("checked_on"), said.pop("sources")
    for scope, keys in said.items():
        for key, held in keys.items():
            for row in held if isinstance(held, list) else [held]:
                yield _term(scope, key, row, source=sources[row["source"]], checked_on=checked_on)


def _term(scope: str, key: str, row: Mapping[str, Any], *, source: str, checked_on: date) -> Term:
    return Term(
        scope=scope,
        key=key,
        value=row["value"],
        unit=row["unit"],
        valid_from=row["from"],
        valid_to=row.get("to"),
        confidence=row["confidence"],
        basis=row["basis"],
        source=source,
        checked_on=checked_on,
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("anhuan.kit").joinpath("seeds", name).read_text("utf-8"))
