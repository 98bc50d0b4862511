"""Reading one cell: text, amounts, currencies and dates as banks, wallets and spreadsheets write them."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from anhuan.kit import money

# Names and signs of currencies met in files, longest first where one begins another.
CURRENCIES: Final = {
    "人民币": "CNY", "RMB": "CNY", "¥": "CNY", "￥": "CNY", "美元": "USD", "美金": "USD", "US$": "USD", "S$": "SGD",
    "HK$": "HKD", "港币": "HKD", "港元": "HKD", "NT$": "TWD", "A$": "AUD", "C$": "CAD", "欧元": "EUR", "€": "EUR",
    "英镑": "GBP", "£": "GBP", "日元": "JPY", "日圆": "JPY", "R$": "BRL", "韩元": "KRW", "$": "USD", "＄": "USD",
    "元": "CNY",
}  # fmt: skip
_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_CODES: Final = """
    CNY USD HKD EUR GBP JPY SGD AUD CAD NZD CHF SEK NOK DKK KRW TWD THB MYR IDR PHP VND INR BRL MXN ZAR AED MOP RUB PLN
    CZK HUF TRY ILS SAR QAR KWD BHD OMR JOD TND CLP COP PEN ISK RON BGN LKR PKR BDT KZT UAH EGP NGN KES DEM"""
_KNOWN_CODES: Final = frozenset(_CODES.split())
_MARKED_DOLLAR: Final = re.compile(r"(US|HK|NT|S|A|C|R)\$")
_NUMBER: Final = re.compile(r"\d[\d,.' ]*")
_PLAIN: Final = re.compile(r"([¥￥]?)(-?)(\d[\d,]*)\.(\d\d)")
_NOISE: Final = re.compile(r"[\s\u200b\ufeff*:_#\"'.]+")
_LONG_NUMBER: Final = re.compile(r"(?<![\d.])\d{9,}(?:\d{4})(?![\d.])")
_REFUNDED: Final = re.compile(r"[(（]\s*已(?P<all>全额)?退款?\s*[¥￥]?\s*(?P<sum>[\d,.]*)\s*[)）]")
_CREDIT_MARK: Final = re.compile(r"(?<![A-Za-z])(CR|C)\s*$|[(（](存入|存款|收入)[)）]", re.IGNORECASE)
_BLANK: Final = frozenset(("", "-", "--", "---", "/", "\\", "N/A", "n/a", "null", "NULL", "None"))


@dataclass(frozen=True, slots=True)
class Amount:
    """What an amount cell says: minor units with the printed sign, its currency if printed, and what was given back."""

    minor: int
    currency: str | None = None
    refunded: int = 0
    credit: bool = False  # marked CR or 存入: the sign is in the mark


def clean(cell: str) -> str:
    """The cell without padding: full-width forms stay, every kind of blank at the ends goes, inner runs become one."""
    return " ".join(cell.split()) if "\ufeff" not in cell else clean(cell.replace("\ufeff", ""))


def is_blank(cell: str) -> bool:
    """True for an empty cell and for the ways banks write "nothing"."""
    return cell in _BLANK


def key_of(cell: str) -> str:
    """A heading or label as it is compared: half-width, lower case, no blanks, dots, stars or asterisks."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", cell).lower())


@lru_cache(maxsize=4096)
def currency_of(text: str) -> str | None:
    """The ISO code that the text names or signs, e.g. 人民币, RMB, S$, CHF; None when it names none."""
    clipped = text.strip()
    if clipped.upper() in _KNOWN_CODES:
        return clipped.upper()
    if marked := _MARKED_DOLLAR.search(clipped):
        return CURRENCIES[marked.group(0)]
    for name, code in CURRENCIES.items():
        if name in clipped:
            return code
    return next((code for code in _CODE.findall(clipped) if code in _KNOWN_CODES), None)


@lru_cache(maxsize=65536)
def amount_of(cell: str, currency: str = "CNY") -> Amount | None:
    """Read an amount; None when the cell holds none, NotMoney when it has more decimals than its currency."""
    if (plain := _PLAIN.fullmatch(cell)) and money.digits_of(currency) == 2:  # the common case, ten times faster
        sign, minus, whole, rest = plain.groups()
        minor = int(whole.replace(",", "") + rest)
        return Amount(-minor if minus else minor, "CNY" if sign else None)
    text = unicodedata.normalize("NFKC", cell).replace("−", "-").replace("–", "-").strip()
    refunded, text = _given_back(text, currency)
    found = _NUMBER.search(text)
    if found is None or not _is_number(text, found):
        return None
    printed = currency_of(text)
    minor = money.from_text(_digits(found.group(0)), printed or currency)
    credit = bool(_CREDIT_MARK.search(text))
    return Amount(-minor if _is_negative(text, found) else minor, printed, refunded, credit)


def card_tail(cell: str) -> str | None:
    """The last four digits of a card, None for blanks and 0000; a spreadsheet may have lost the leading zeros."""
    runs = re.findall(r"\d+", cell.strip())
    if not runs:
        return None
    tail: str = runs[-1][-4:].zfill(4)
    return None if tail == "0000" else tail


@lru_cache(maxsize=65536)
def masked(text: str) -> str:
    """The text with card and account numbers cut to their last four digits; order numbers are kept elsewhere."""
    return _LONG_NUMBER.sub(lambda run: "****" + run.group(0)[-4:], text)


def masked_name(name: str) -> str:
    """A wallet's account name for show: of an e-mail address or long number only both ends, other names as they are."""
    box, at, domain = name.partition("@")
    if at:
        return f"{box[:2]}***@{domain}"
    digits = re.sub(r"[\s-]", "", name)
    return f"****{digits[-4:]}" if re.fullmatch(r"[\d*]{7,}", digits) else name


def masked_accounts(numbers: Iterable[str]) -> dict[str, str]:
    """Each account number cut to its last four digits, or to as many as tell it from the others of the file."""
    plain = {number: re.sub(r"\s", "", number) for number in numbers}
    for kept in (4, 6, 8, 10):
        tails = {number: f"****{digits[-kept:]}" for number, digits in plain.items()}
        if len(set(tails.values())) == len(set(plain.values())):
            break
    return tails


def _given_back(text: str, currency: str) -> tuple[int, str]:
    """What a wallet writes inside the amount about refunds, and the amount without it."""
    note = _REFUNDED.search(text)
    if note is None:
        return 0, text
    rest = text[: note.start()] + text[note.end() :]
    said = rest if note["all"] or not note["sum"] else note["sum"]
    given = amount_of(said, currency)
    return (abs(given.minor) if given else 0), rest


def _is_number(text: str, found: re.Match[str]) -> bool:
    """An amount cell is a number with signs, marks and a currency around it, not a sentence with a number in it."""
    around = (text[: found.start()] + text[found.end() :]).strip()
    if text[found.end() : found.end() + 1] in ("$", "%", "/") and not around.strip("()$%"):
        return False  # a misread (S$), a percentage, a page number
    return len(around) <= 16 and not re.search(r"\d", around) and "*" not in text


def _is_negative(text: str, found: re.Match[str]) -> bool:
    before, after = text[: found.start()], text[found.end() :]
    bracketed = before.rstrip().endswith("(") and after.lstrip().startswith(")")
    return "-" in before or after.strip().startswith("-") or bracketed


def _digits(number: str) -> str:
    """Digits with one decimal point: whichever of comma and point stands last, before one or two digits, is decimal."""
    number = number.replace("'", "").replace(" ", "").rstrip(".,")
    if re.fullmatch(r"[\d.]*,\d{1,2}", number):
        return number.replace(".", "").replace(",", ".")
    if number.count(".") > 1:
        return number.replace(".", "").replace(",", "")
    return number.replace(",", "")


# --- dates ---

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), start=1)
    for name in names.split()
}  # fmt: skip
_YMD: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?")
_COMPACT: Final = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:\d{4,6})?")
_THREE: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_TWO: Final = re.compile(r"(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_DAY_NAME: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s\-/]*([A-Za-z]{3,9})\.?,?[\s\-/]*(\d{4}|\d{2})?")
_NAME_DAY: Final = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?")
_TIME_TAIL: Final = re.compile(r"(?:[T\s]\s*\d{1,2}:\d{2}.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawDate:
    """A date as written: up to three numbers; `order` says which is which, empty where day and month may be swapped."""

    first: int
    second: int
    year: int | None
    order: str  # "md", "dm" or "" (open)


@dataclass(frozen=True, slots=True)
class DateColumn:
    """The dates of one column by what was written, and what had to be settled over the whole column."""

    dates: dict[str, date | None]
    order_assumed: bool = False  # day and month could be swapped; the denser reading was taken
    order_open: bool = False  # nothing decides
    year_missing: bool = False
    impossible: tuple[str, ...] = ()


@lru_cache(maxsize=65536)
def raw_date(text: str) -> RawDate | None:
    """Read what is written as a date, None when it is none; a clock time behind the date is dropped."""
    text = unicodedata.normalize("NFKC", text).strip()
    if (found := _COMPACT.fullmatch(text)) or ((found := _YMD.match(text)) and _TIME_TAIL.fullmatch(text, found.end())):
        year, month, day = (int(part) for part in found.groups())
        return RawDate(month, day, year, "md")
    if (found := _THREE.match(text)) and _TIME_TAIL.fullmatch(text, found.end()):
        return RawDate(int(found[1]), int(found[2]), _full_year(found[3]), "")
    if found := _TWO.fullmatch(text):
        return RawDate(int(found[1]), int(found[2]), None, "md" if "月" in text else "")
    return _named_month(text)


def read_dates(written: Iterable[str], *, latest: date | None = None, order: str = "") -> DateColumn:
    """Read a column: who is day and who is month is settled over all its cells.

    `latest` gives dates without a year the newest year that is not after it; `order` ("dm", "md") is the user's word.
    """
    raws = {text: raw_date(text) for text in set(written)}
    open_ones = [raw for raw in raws.values() if raw is not None and not raw.order]
    settled, assumed, undecided = (order, False, False) if order else _settle(open_ones, latest)
    dates: dict[str, date | None] = {}
    impossible = []
    for text, raw in raws.items():
        dates[text] = None if raw is None or (undecided and not raw.order) else _to_date(raw, settled, latest)
        if raw is not None and dates[text] is None and (raw.year or latest) and not undecided:
            impossible.append(text)
    year_missing = latest is None and any(raw is not None and raw.year is None for raw in raws.values())
    return DateColumn(dates, assumed, undecided, year_missing, tuple(sorted(impossible)))


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year, month, monthrange(year, month)[1])


def _full_year(text: str) -> int:
    """Two digits are of this century: nobody imports card rows of the last one."""
    return int(text) if len(text) == 4 else 2000 + int(text)


def _named_month(text: str) -> RawDate | None:
    if found := _DAY_NAME.fullmatch(text):
        day, name, year = found.groups()
    elif found := _NAME_DAY.fullmatch(text):
        name, day, year = found.groups()
    else:
        return None
    month = MONTHS.get(name.lower())
    return None if month is None else RawDate(month, int(day), _full_year(year) if year else None, "md")


def _settle(raws: list[RawDate], latest: date | None) -> tuple[str, bool, bool]:
    """Which number is the month: the one never above 12; if both could be, the reading with the closer dates."""
    if not raws:
        return "md", False, False
    if any(raw.first > 12 for raw in raws):
        return "dm", False, False
    if any(raw.second > 12 for raw in raws):
        return "md", False, False
    spans = {order: _span(raws, order, latest) for order in ("md", "dm")}
    if spans["md"] == spans["dm"] == 0 and all(raw.first == raw.second for raw in raws):
        return "md", False, False
    near, far = sorted(spans, key=lambda order: spans[order])
    decided = len(raws) > 1 and spans[far] > 3 * spans[near]
    return (near, True, False) if decided else ("", False, True)


def _span(raws: list[RawDate], order: str, latest: date | None) -> int:
    found = [day for raw in raws if (day := _to_date(raw, order, latest or date(2000, 12, 31)))]
    return (max(found) - min(found)).days if len(found) == len(raws) else 10**6


def _to_date(raw: RawDate, order: str, latest: date | None) -> date | None:
    month, day = (raw.second, raw.first) if (raw.order or order) == "dm" else (raw.first, raw.second)
    if raw.year is not None:
        return _date(raw.year, month, day)
    if latest is None:
        return None
    years = range(latest.year, latest.year - 5, -1)  # five: 29 February comes every fourth year
    return next((found for year in years if (found := _date(year, month, day)) and found <= latest), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
