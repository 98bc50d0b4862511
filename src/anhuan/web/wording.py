"""Template filters: amounts, days and the names of banks in the visitor's language."""

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final, Protocol

from jinja2 import pass_context
from jinja2.runtime import Context

from anhuan.cards.model import AccountFace, Urgency
from anhuan.kit import clock, news, terms, wording
from anhuan.kit.money import digits_of, to_text

HIDDEN: Final = "****"
# Wallets are no banks and have no terms; they only appear beside rows of an export.
WALLETS: Final = {"alipay": ("支付宝", "Alipay"), "wechat": ("微信支付", "WeChat Pay"), "jd": ("京东", "JD"),
                  "meituan": ("美团", "Meituan")}  # fmt: skip
# What stands on the tile of a bank: the part of the name that tells it from the others.
_IDS: Final = ("cmb", "icbc", "ccb", "boc", "abc", "bocom", "citic", "spdb", "ceb", "cmbc", "pab", "cgb", "cib", "psbc")
TILES: Final = dict(zip(_IDS, "招工建中农交信浦光民平广兴邮", strict=True))
CHIPS: Final = {
    Urgency.OVERDUE: "late",
    Urgency.TODAY: "late",
    Urgency.WEEK: "soon",
    Urgency.ROLLING: "soon",
    Urgency.SETTLED: "safe",
}


@pass_context
def money(context: Context, minor: int | None, currency: str = "CNY") -> str:
    """An amount in full, `¥12,860.50`; hidden when the visitor hides amounts; a dash when it is not known."""
    if minor is None:
        return "—"
    return HIDDEN if context["shell"].hide_amounts else wording.amount(minor, currency)


class Unit(Protocol):
    """In what a figure of the books is counted."""

    @property
    def code(self) -> str: ...
    @property
    def scale(self) -> int: ...


@pass_context
def in_unit(context: Context, minor: int | None, unit: Unit) -> str:
    """A figure of the books: yuan in full, points, coupons and quota as a count without a currency."""
    if minor is None or unit.code.startswith("CNY/"):
        return money(context, minor)
    if context["shell"].hide_amounts:
        return HIDDEN
    whole, rest = divmod(abs(minor), 10**unit.scale)
    return f"{'−' if minor < 0 else ''}{whole:,}{f'.{rest:0{unit.scale}}' if unit.scale else ''}"


@pass_context
def in_unit_signed(context: Context, minor: int, unit: Unit) -> str:
    """A movement of the books, with a plus where it is more."""
    return f"{'+' if minor > 0 else ''}{in_unit(context, minor, unit)}"


@pass_context
def signed(context: Context, minor: int, currency: str = "CNY") -> str:
    """A difference: with a plus where it is more."""
    return f"{'+' if minor > 0 else ''}{money(context, minor, currency)}"


@pass_context
def day(context: Context, on: date | None) -> str:
    """A day with its weekday; a dash when it is not known."""
    if on is None:
        return "—"
    return wording.day(on, lang=context["shell"].lang, this_year=context["shell"].today.year)


@pass_context
def short_day(context: Context, on: date | None) -> str:
    """A day without its weekday."""
    return "—" if on is None else wording.short_day(on, lang=context["shell"].lang)


@pass_context
def moment(context: Context, at: datetime | None) -> str:
    """A moment with its day."""
    return "—" if at is None else wording.moment(at, lang=context["shell"].lang, today=context["shell"].today)


@pass_context
def bank(context: Context, of: str | None) -> str:
    """The bank's name in the visitor's language."""
    return bank_name(of, lang=context["shell"].lang)


def bank_name(of: str | None, *, lang: str) -> str:
    """A bank or wallet by its id; an unknown one is shown as it was written."""
    english = lang == "en"
    if of in WALLETS:
        return WALLETS[of][english]
    known = terms.bank(of or "")
    return known.en if english else known.zh


def bank_tile(of: str) -> str:
    """The character on a bank's tile."""
    return TILES.get(of) or terms.bank(of).zh[:1].upper() or "?"


@pass_context
def face(context: Context, account: AccountFace) -> str:
    """An account as people recognise it: bank and last digits, `招商银行 尾号 6214` or `CMB 6214`."""
    return terms.card_name(account.bank, [card.last_digits for card in account.cards], context["shell"].lang)


class News(Protocol):
    """Anything with a code and a sentence: a problem of a file."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...


@pass_context
def told(context: Context, one: News) -> str:
    """A problem in the visitor's language."""
    return news.told(one.code, one.message, context["shell"].lang)


def tone(urgency: Urgency) -> str:
    """The class of a chip: colour by what there is to do, never alone."""
    return CHIPS.get(urgency, "")


def percent(rate: Any, digits: int = 2) -> str:
    """A rate as a percentage without idle zeros: `18.25%`."""
    text = f"{float(rate) * 100:.{digits}f}".rstrip("0").rstrip(".")
    return f"{text}%"


@pass_context
def short_moment(context: Context, at: datetime) -> str:
    """A moment by the clock of China without its weekday, for narrow rows: `11月23日 13:00`."""
    local = at.astimezone(clock.CHINA)
    return f"{wording.short_day(local.date(), lang=context['shell'].lang)} {local:%H:%M}"


def parts(minor: int, currency: str = "CNY") -> tuple[str, str, str]:
    """An amount in three parts for a headline: sign, whole units, fen."""
    return wording.amount_parts(minor, currency)


@pass_context
def exact_money(context: Context, amount: Fraction, currency: str = "CNY") -> str:
    """An exact amount of a worked sum, in minor units: to the fen where it is whole, else with what is behind it."""
    if context["shell"].hide_amounts or amount.denominator == 1:
        return money(context, int(amount), currency)
    places = digits_of(currency)
    shown = f"{float(amount) / 10**places:,.{places + 4}f}".rstrip("0")
    return f"¥{shown}" if currency == "CNY" else f"{currency} {shown}"


def hexed(value: bytes) -> str:
    """A hash as people compare it."""
    return value.hex()


def plain(minor: int | None, currency: str = "CNY") -> str:
    """An amount for an input field: `12860.50`."""
    return "" if minor is None else to_text(minor, currency)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "money": money,
    "in_unit": in_unit, "in_unit_signed": in_unit_signed,
    "signed": signed, "day": day, "short_day": short_day, "moment": moment,
    "short_moment": short_moment, "parts": parts,
    "exact_money": exact_money, "plain": plain, "hexed": hexed,
    "bank": bank, "bank_tile": bank_tile, "face": face, "tone": tone, "told": told, "percent": percent,
}  # fmt: skip
