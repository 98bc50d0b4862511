"""From HTML or plain text to one long line of blocks, and the grammar of dates and money that stands in it.

A mail is flattened once. A table cell ends with a tab, a row or block with a newline, a break inside a block with a
carriage return; all of them are white space to a pattern, so one pattern meets tables, nested tables, flat divs and
plain text. `Sheet.text` has half-width forms, `Sheet.raw` as many characters as printed, so descriptions stay as they
were.

The tags are split by one regular expression and not by a tree builder: bank mails are shallow in meaning and deep in
nesting, a tree of them costs twice the time, and hostile nesting has nothing to recurse into here.
"""

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from anhuan.kit import money
from anhuan.statements.model import Page, TooLarge

MAX_CHARS: Final = 8_000_000  # a real bill has up to 300,000 characters of HTML


@dataclass
class Sheet:
    """The text of a mail or file, flattened, with half-width forms; `raw` is the same text as printed.

    `pages` are the PDF pages it came from, `sent_on` is the day of the mail: old bills print dates without a year.
    `subject` is that of the mail, or the name of a saved file: some banks name the month of the bill nowhere else.
    """

    raw: str
    text: str
    pages: Sequence[Page] = ()
    sent_on: date | None = None
    subject: str = ""

    @cached_property
    def labels(self) -> str:
        """The text without blanks between Chinese characters: banks write 到期 还 款日 and 消 费."""
        return _CJK_GAP.sub("", self.text)

    def printed(self, start: int, end: int) -> str:
        """The words between two places of `text` as the bank printed them, with single blanks."""
        return " ".join(self.raw[start:end].split())


_CJK: Final = "\u3400-\u9fff"
_CJK_GAP: Final = re.compile(rf"(?<=[{_CJK}])[ \r]+(?=[{_CJK}])")
_HIDDEN: Final = re.compile(r"<!--.*?(?:-->|\Z)|<(style|script)\b.*?(?:</\1\s*>|\Z)", re.S | re.I)
_TAG: Final = re.compile(
    r"<(?:(/?[a-zA-Z][a-zA-Z0-9:]*+)(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+|(/?[a-zA-Z][a-zA-Z0-9:]*+)[^<>]*+|[!?][^<>]*+)>"
)
_NAMES: Final = (
    "div p br hr li ul ol dl dt dd h1 h2 h3 h4 h5 h6 title body html form center section article header footer pre "
    "blockquote option caption thead tbody tfoot"
)
# What a tag does to the text: c and C open and close a cell, r ends a row, b breaks a line; others do nothing.
_MARKS: Final = (
    {name: "b" for name in re.findall(r"\w+", _NAMES)}
    | {"/" + name: "b" for name in re.findall(r"\w+", _NAMES)}
    | {"td": "c", "th": "c", "/td": "C", "/th": "C", "tr": "r", "/tr": "r", "table": "r", "/table": "r"}
)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\0]")
_ADDRESS: Final = re.compile(r"(?:[\[<(（] ?)?https?://[^\s\[\]<>()（）\u3400-\u9fff]{1,4000}(?: ?[\]>)）])?", re.I)
_BLANKS: Final = re.compile(r"[ \x0b\x0c\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_EDGES: Final = re.compile(r" +(?=[\t\n\r])|(?<=[\t\n\r]) +")
_CAPITAL_TAG: Final = re.compile("</?[A-Z]")
_EMPTY_LINES: Final = re.compile(r"\n[\s]*\n")
_WIDE: Final = re.compile("[\uff01-\uff5e\uffe5\u2010-\u2015\u2212\u2500]")
_HALF: Final = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {
    "\uffe5": "\xa5", **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500", "-"),
}  # fmt: skip


def sheet_of_html(source: str) -> Sheet:
    """Flatten HTML; refuses more than MAX_CHARS characters with TooLarge."""
    flat = "".join(_flatten(_within_limit(source)))
    if "&" in flat:
        flat = _EDGES.sub("", _BLANKS.sub(" ", entities.unescape(flat)))
    return _sheet(flat)


def sheet_of_text(source: str) -> Sheet:
    """Plain text as it stands, line by line; refuses more than MAX_CHARS characters with TooLarge."""
    return _sheet(_EDGES.sub("", _BLANKS.sub(" ", _within_limit(source).replace("\r\n", "\n"))))


def sheet_of_pages(pages: Sequence[Page]) -> Sheet:
    """The text of PDF pages, one after the other, with the pages kept for their words' places."""
    sheet = sheet_of_text("\n".join(page.text for page in pages))
    sheet.pages = pages
    return sheet


def _within_limit(source: str) -> str:
    if len(source) > MAX_CHARS:
        raise TooLarge(f"正文超过 {MAX_CHARS:,} 个字符")
    return source


def _flatten(source: str) -> list[str]:
    """Pieces of text, and white space for the tags between them; blanks at the edges of cells and lines are dropped."""
    visible = _HIDDEN.sub("", source).replace("&nbsp;", " ").replace("&#160;", " ")
    pieces = _TAG.split(" ".join(visible.split()))
    names = [name or odd or "" for name, odd in zip(pieces[1::3], pieces[2::3], strict=True)]
    if _CAPITAL_TAG.search(source):
        names = [name.lower() for name in names]
    flat = [pieces[0]]
    cell_open = False  # between <td> and </td> of the innermost table, where a break is no end of a line
    seam = ""  # what stands between two texts: "/" a closing tag, "/<" a closing and an opening one
    for name, text in zip(names, pieces[3::3], strict=True):
        mark = _MARKS.get(name)
        if mark is not None:
            flat[-1] = flat[-1].rstrip(" ")
            flat.append(_WHITE[mark, cell_open])
            if mark != "b":
                cell_open = mark == "c"
            text = text.lstrip(" ")
        elif name:
            seam = "/" if name[0] == "/" else seam and "/<"
            if text and _are_two(flat[-1], text, seam == "/<"):
                flat.append(" ")
        if text:
            flat.append(text)
            seam = ""
    return flat


# What a mark becomes inside a cell and outside one; <td> ends a cell whose </td> was forgotten.
_WHITE: Final = {
    ("C", True): "\t", ("C", False): "\t", ("c", True): "\t", ("c", False): "", ("r", True): "\n", ("r", False): "\n",
    ("b", True): "\r", ("b", False): "\n",
}  # fmt: skip


def _are_two(before: str, words: str, seam: bool) -> bool:
    """Whether a cell begins where a <span> or </span> stands: cells may be mere spans, one against the other (a seam).

    What a span merely sets off stays whole: 1,234 and a small .56, 2026 and -08, 本期 and 应还.
    """
    last = before[-1:]
    if last.isdigit():
        return words[0].isalnum() or words[0] in "(（" or _MARKED_VALUE.match(words) is not None
    if not (last.isalnum() or last in _CLOSERS):
        return False
    return (seam and (words[0].isalnum() or words[0] in "(（")) or _VALUE.match(words) is not None


_CLOSERS: Final = frozenset(")）*")
_MARKED_VALUE: Final = re.compile(r"[-－]?(?:[￥¥$＄]|&yen;)|[-－] ?\d[\d,]*\.\d\d")
_VALUE: Final = re.compile(r"[-－]?(?:[￥¥$＄]|&yen;|[A-Z]{3} ?[:：]? ?)?[-－]? ?\d|[￥¥$＄]|&yen;|[（(]存[入款][)）]")


def _sheet(loose: str) -> Sheet:
    if "://" in loose:  # plain text shows the address of each link: its digits are nobody's amounts
        loose = _ADDRESS.sub(" ", loose)
    raw = _EMPTY_LINES.sub("\n", _INVISIBLE.sub("", loose)).strip(" \n\r")
    return Sheet(raw, _WIDE.sub(lambda wide: _HALF[wide[0]], raw))


# --- the grammar of values, over half-width text ------------------------------------------------------------------

CURRENCIES: Final = {
    "RMB": "CNY", "CNY": "CNY", "人民币": "CNY", "\xa5": "CNY", "USD": "USD", "美元": "USD", "$": "USD", "HKD": "HKD",
    "港币": "HKD", "港元": "HKD", "EUR": "EUR", "欧元": "EUR", "JPY": "JPY", "日元": "JPY", "日圆": "JPY", "GBP": "GBP",
    "英镑": "GBP", "AUD": "AUD", "澳元": "AUD", "CAD": "CAD", "加元": "CAD", "SGD": "SGD", "新加坡元": "SGD",
    "KRW": "KRW", "韩元": "KRW", "THB": "THB", "泰铢": "THB", "MOP": "MOP", "TWD": "TWD", "CHF": "CHF", "NZD": "NZD",
    "MYR": "MYR", "RUB": "RUB", "VND": "VND", "PHP": "PHP", "IDR": "IDR", "INR": "INR", "AED": "AED", "SEK": "SEK",
    "DKK": "DKK", "NOK": "NOK",
}  # fmt: skip

CURRENCY: Final = "(?:" + "|".join(re.escape(name) for name in sorted(CURRENCIES, key=len, reverse=True)) + ")"
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3}){1,4}(?!\d)|\d{1,13})"
_CREDIT: Final = r"(?:\((?:存入|存款|贷记)\)\s*)"
_NOTE: Final = r"(?:\s*\([^()\d]{1,6}\))?"
# The currency of an amount stands before it, in the same cell or in the one before; behind a number it may be that
# number's own (105.00 人民币) and goes no further than its cell.
_MARK: Final = rf"(?:{CURRENCY}{_NOTE} ?:? ?|(?<!\d )(?<!\d){CURRENCY}{_NOTE}\s*:?\s*)"
# An amount that cannot be mistaken for another number: with decimals, thousands commas or a currency beside it.
MONEY: Final = (
    rf"(?:{_CREDIT}?(?:-\s*)?{_MARK}{_CREDIT}?(?:-\s*)?{_NUMBER}(?:\.\d{{1,2}}|(?![./年-]\d))"
    rf"|(?<![\d.,*]){_CREDIT}?(?:-\s*)?(?:{_NUMBER}\.\d{{1,2}}|\d{{1,3}}(?:,\d{{3}}){{1,4}}))"
    rf"(?![\d%*]|\.\d)(?:\s*/\s*{CURRENCY}(?<![\xa5$]))?(?: ?\((?:支出|存入|存款)\)(?!\d))?"
)
DATE: Final = (
    r"(?<![\d*])(?:(?:19|20)\d\d\s*(?:[-/.]|年)\s*(?:0?[1-9]|1[0-2])\s*(?:[-/.]|月)\s*(?:[12]\d|3[01]|0?[1-9])(?!\d)(?:\s*日)?"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d*]))"
)
MONTH_DAY: Final = (
    r"(?<![\d*/.-])(?:(?:0?[1-9]|1[0-2])\s*月\s*(?:[12]\d|3[01]|0?[1-9])\s*日"
    r"|(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01])(?![\d/*]))"
)
PERIOD: Final = rf"{DATE}\s*(?:-+|至|到|~)\s*(?:{DATE}|{MONTH_DAY})"
MASKED: Final = r"(?<![\d.*])(?:(?:\d[ -]?){4,9}|(?=\*{2}))\*[*\t -]{0,24}\d{3,7}(?!\d)"

_AMOUNT: Final = re.compile(r"(\d[\d,]*(?:\.\d{1,2})?)")
_PLAIN: Final = re.compile(r"(?:-\s*)?\d[\d,]*\.\d{2}")
_ANY_CURRENCY: Final = re.compile(CURRENCY)
_DATE_PARTS: Final = re.compile(r"\d+")


class Amount(NamedTuple):
    """An amount of money as printed: minor units and the currency, None where none is printed beside it."""

    minor: int
    currency: str | None


def amount_of(text: str, currency: str = "CNY") -> Amount | None:
    """Read text of the shape MONEY (or bare digits); `currency` counts digits where none is printed."""
    if _PLAIN.fullmatch(text):
        plain = _minor_of(text.lstrip("- "), currency)
        return None if plain is None else Amount(-plain if text[0] == "-" else plain, None)
    number = _AMOUNT.search(text)
    if number is None:
        return None
    marked = _ANY_CURRENCY.search(text)
    named = CURRENCIES[marked[0]] if marked else None
    minor = _minor_of(number[1], named or currency)
    if minor is None:
        return None
    before = text[: number.start()]
    credit = "-" in before or "存" in text or "贷记" in text
    return Amount(-minor if credit else minor, named)


def _minor_of(digits: str, currency: str) -> int | None:
    """Minor units; the plain case of two decimals does without Decimal, since a bill has hundreds of amounts."""
    whole, _, part = digits.replace(",", "").partition(".")
    if money.digits_of(currency) == 2 and len(part) <= 2:
        return int(whole) * 100 + int(part.ljust(2, "0"))
    try:
        return money.from_text(digits, currency)
    except money.NotMoney:
        return None


@lru_cache(maxsize=8192)  # a bill repeats its days
def date_of(text: str, near: date | None = None) -> date | None:
    """Read a date of any shape; without a year it takes that of `near`, or the one before if its month is later."""
    parts = _DATE_PARTS.findall(text)
    if len(parts) == 1:
        parts = _unglue(parts[0])
    if len(parts) == 2 and near is not None:
        parts = [str(near.year - (int(parts[0]) > near.month)), *parts]
    if len(parts) < 3 or len(parts[0]) > 4:
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def due_date_of(text: str, statement_on: date | None) -> date | None:
    """Read a due date; without a year it is the first such day from the statement date on (January after December)."""
    if len(_DATE_PARTS.findall(text)) != 2:
        return date_of(text)
    if statement_on is None:
        return None
    found = date_of(text, date(statement_on.year, 12, 31))
    if found is not None and found < statement_on:
        return date_of(f"{statement_on.year + 1}-{found.month}-{found.day}")
    return found


def _unglue(digits: str) -> list[str]:
    """Split YYYYMMDD, YYMMDD or MMDD."""
    if len(digits) == 8:
        return [digits[:4], digits[4:6], digits[6:]]
    if len(digits) == 6:
        return ["20" + digits[:2], digits[2:4], digits[4:]]
    if len(digits) == 4:
        return [digits[:2], digits[2:]]
    return []


def tail_of(number: str) -> str | None:
    """The last digits of a printed card number; None for 0000, which means no card."""
    digits = re.sub(r"\D", "", number.rpartition("*")[2])
    tail = digits[-4:]
    return None if not tail.strip("0") else tail


# Full numbers stand in repayment rows (the paying debit card): keep the last four digits only.
_FULL_NUMBER: Final = re.compile(
    r"(?<!\d)(?:[3-6３-６]\d{14,18}|[3-6３-６]\d{3}(?:[ -]\d{4}){2}[ -]\d{3,4}(?:[ -]\d{1,3})?)(?!\d)"
)


def mask_numbers(text: str) -> str:
    """Hide full card numbers (15 to 19 digits) in a description."""
    if len(text) < 15:
        return text
    return _FULL_NUMBER.sub(lambda number: "****" + re.sub(r"\D", "", number[0])[-4:], text)
