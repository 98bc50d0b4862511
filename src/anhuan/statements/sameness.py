"""When two rows are the same row: what identifies a line, and how identical lines are told apart by counting.

A file that shows a row twice means two movements (two tram rides of one day); two files that overlap show one movement
twice. So identical rows get an occurrence number within their file, and the stored number of identical lines is the
largest that any one file shows, never the sum.

Rows are compared within one stream only (the same reader and layout, hence the same wording of a movement). The same
movement worded by another source is another line, and matching.py links the two.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

from anhuan.statements.model import Bill, FileKind, Level, Line, Reading, Source

_SEP = "\x1f"
_DIGITS = re.compile(r"\d+")


def stream_of(reading: Reading) -> str:
    """The name of the stream that a file belongs to: its kind, bank, reader and layout."""
    return ":".join((reading.kind, reading.bank or "", reading.reader, reading.template))


@lru_cache(maxsize=4096)
def tail_of(account: str | None) -> str:
    """The last four digits of a masked account number, or its own words where it has none."""
    digits = "".join(_DIGITS.findall(account or ""))
    return digits[-4:] if len(digits) >= 3 else _plain(account or "")


def bill_of(reading: Reading, line: Line) -> int | None:
    """Which bill of the file a row belongs to: the one of its currency and card, else the only one of its currency."""
    same_money = [n for n, bill in enumerate(reading.bills) if bill.currency == line.currency]
    for n in same_money:
        if line.card and line.card in reading.bills[n].cards:
            return n
    whole = [n for n in same_money if reading.bills[n].level is Level.ACCOUNT]
    if len(whole) == 1:
        return whole[0]
    return same_money[0] if len(same_money) == 1 else None


def numbered(reading: Reading) -> Iterator[tuple[bytes, int, int | None]]:
    """For each row of a file, in order: its key, how many identical rows of the file came before it, its bill."""
    stream = stream_of(reading)
    seen: Counter[bytes] = Counter()
    for line in reading.lines:
        bill = bill_of(reading, line) if reading.bills else None
        key = _key(stream, _pocket(reading, line, bill), line, with_balance=reading.source is Source.ACCOUNT)
        yield key, seen[key], bill
        seen[key] += 1


def _pocket(reading: Reading, line: Line, bill: int | None) -> str:
    """Whose row it is, beyond the stream: rows of one bill stay rows of that bill, whatever another bill repeats."""
    if reading.kind is FileKind.BILL:
        card = line.card or ("" if bill is None else "+".join(reading.bills[bill].cards))
        return f"{card}/{_statement_day(reading.bills, bill)}"
    if reading.source is Source.CARD:
        return line.card or tail_of(line.account or reading.account)
    if reading.source is Source.WALLET and line.reference:
        return ""  # a wallet's order number is unique across its users; the name above the table may change
    return tail_of(line.account or reading.account)


def _statement_day(bills: Sequence[Bill], bill: int | None) -> str:
    day = bills[bill].statement_on if bill is not None else next((b.statement_on for b in bills), None)
    return day.isoformat() if day else ""


def _key(stream: str, pocket: str, line: Line, *, with_balance: bool) -> bytes:
    """128 bits of the row as printed: kind, span and whatever we concluded from it stay out.

    The running balance of an account is a fact of the row and tells two equal withdrawals apart.
    """
    said = _SEP.join((
        stream, pocket, str(line.posted_on), str(line.traded_on), str(line.amount), line.currency,
        _plain(line.description), line.reference or "", _plain(line.counterparty or ""), _plain(line.paid_with or ""),
        str(line.balance) if with_balance else "",
    ))  # fmt: skip
    return blake2b(said.encode(), digest_size=16).digest()


@lru_cache(maxsize=65536)
def _plain(text: str) -> str:
    """The words with full-width forms folded and blanks evened out."""
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.split())
