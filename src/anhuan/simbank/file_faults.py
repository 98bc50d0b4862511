"""What goes wrong with end-of-day files (scenarios 23 to 28 of channels.md): pure changes of a day's rows or bytes.

Dice are handed in (`dice.Draws`), so the same seed breaks the same thing in the same way. Faults of rows
(23 to 26 and 28) give another book, which is printed with sums that agree: only comparing finds them. Faults of bytes
(27) are found by checksum, row count or by decoding.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from anhuan.simbank.dice import Draws
from anhuan.simbank.files import KINDS, DayBook, Kind, Printed, Row, print_day, with_rows

LATE: Final = timedelta(hours=6)  # scenario 27: how much later than stated the files of a late day are there


class FileFault(StrEnum):
    """The faces of scenario 27."""

    LATE = "late"  # not made yet: the server answers 404 until `LATE` after the usual hour
    REISSUED = "reissued"  # a first issue with an error, then the right one under the same name
    TRUNCATED = "truncated"  # the end is missing; checksum and row count are those of the whole file
    WRONG_CHECKSUM = "wrong_checksum"  # the bytes are well, the checksum is another file's
    IN_GBK = "gbk"  # the same text in GBK


@dataclass(frozen=True, slots=True)
class Broken:
    """Files of a day with their faults: what is offered first, what a second fetch gives, how much later they come."""

    first: tuple[Printed, ...]
    later: tuple[Printed, ...]  # the same as `first` unless the day is re-issued
    late_by: timedelta = timedelta(0)


def break_day(
    book: DayBook,
    numbers: Collection[int],
    dice: Draws,
    *,
    kinds: Iterable[str] = KINDS,
    face: FileFault | None = None,
    earlier_reference: str | None = None,
) -> Broken:
    """The files of a day under these scenarios (23 to 28; others change no file); `face` picks one of 27's, else dice.

    A book without payments has nothing to break: it is printed as it is. 28 needs the reference of an earlier year.
    """
    wanted, faulty = tuple(kinds), book
    for number in sorted(set(numbers) & ROW_FAULTS.keys()):
        faulty = ROW_FAULTS[number](faulty, dice)
    if 28 in numbers and earlier_reference:
        faulty = reference_again(faulty, dice, earlier_reference)
    files = print_day(faulty, wanted)
    if 27 not in numbers:
        return Broken(files, files)
    face = face or dice.choice(list(FileFault))
    if face is FileFault.LATE:
        return Broken(files, files, LATE)
    if face is FileFault.REISSUED:
        return Broken(print_day(first_issue(faulty, dice), wanted), files)
    broken = tuple(_BYTE_FAULTS[face](one, dice) for one in files)
    return Broken(broken, broken)


# --- rows ---


def row_missing(book: DayBook, dice: Draws) -> DayBook:
    """23: one payment of the day is not in the file; money moved all the same."""
    paid = _paid(book)
    if not paid:
        return book
    gone = dice.choice(paid)
    return with_rows(book, [row for row in book.rows if row.reference != gone.reference])


def row_too_many(book: DayBook, dice: Draws) -> DayBook:
    """24: a payment nobody ordered, of the very amount of another: matched by amount alone it would look right."""
    paid = _paid(book)
    if not paid:
        return book
    like = dice.choice(paid)
    strange = replace(like, reference=_like(like.reference, dice), key=f"{dice.getrandbits(128):032x}", fee=0)
    return with_rows(book, [*book.rows, strange])


def amount_off(book: DayBook, dice: Draws) -> DayBook:
    """25: one amount is 0.01 too much or too little."""
    paid = [row for row in _paid(book) if row.amount - 1 >= max(row.fee, 1)]
    if not paid:
        return book
    off = dice.choice(paid)
    return _put(book, off, replace(off, amount=off.amount + dice.choice((-1, 1))))


def fee_shown(book: DayBook, dice: Draws) -> DayBook:
    """26: a fee was kept from an amount where none was agreed; the file shows it. Rows that show one stay."""
    paid = [row for row in _paid(book) if not row.fee and row.amount > 1]
    if not paid or any(row.fee for row in _paid(book)):
        return book
    row = dice.choice(paid)
    return fee_kept(book, row.reference, min(row.amount - 1, dice.randint(1, 500)))


def fee_kept(book: DayBook, reference: str, fee: int) -> DayBook:
    """The day with this fee (fen) kept from the payment, and that much less given to the card."""
    rows = [
        replace(row, fee=fee) if row.kind is Kind.PAID else replace(row, amount=row.amount - fee)
        if row.kind is Kind.GIVEN else row
        for row in book.rows if row.reference == reference
    ]  # fmt: skip
    return with_rows(book, [*(row for row in book.rows if row.reference != reference), *rows])


def reference_again(book: DayBook, dice: Draws, earlier: str) -> DayBook:
    """28: one payment of this day bears the reference that another one had in an earlier year."""
    paid = _paid(book)
    if not paid:
        return book
    old = dice.choice(paid).reference
    return with_rows(book, [replace(row, reference=earlier) if row.reference == old else row for row in book.rows])


def first_issue(book: DayBook, dice: Draws) -> DayBook:
    """27, re-issued: the first issue of a day has one wrong amount, or misses a row where there are several."""
    return row_missing(book, dice) if len(_paid(book)) > 1 and dice.random() < 0.5 else amount_off(book, dice)


# --- bytes ---


def truncated(one: Printed, dice: Draws) -> Printed:
    """27: the end is missing: between a tenth and a half of the bytes."""
    keep = one.size - max(1, int(one.size * (0.1 + 0.4 * dice.random())))
    return replace(one, content=one.content[:keep])


def wrong_checksum(one: Printed, dice: Draws) -> Printed:
    """27: the checksum that is claimed belongs to other bytes."""
    return replace(one, sha256=hashlib.sha256(one.content + dice.randbytes(8)).hexdigest())


def in_gbk(one: Printed, dice: Draws) -> Printed:
    """27: a text file in GBK without a mark, its checksum right; the ZIP is GBK anyway and XML says its own code."""
    del dice
    if one.kind in ("alipay", "camt053"):
        return one
    content = one.content.decode("utf-8-sig").encode("gb18030")
    return replace(one, content=content, sha256=hashlib.sha256(content).hexdigest())


ROW_FAULTS: Final[Mapping[int, Callable[[DayBook, Draws], DayBook]]] = {
    23: row_missing,
    24: row_too_many,
    25: amount_off,
    26: fee_shown,
}
_BYTE_FAULTS: Final[Mapping[FileFault, Callable[[Printed, Draws], Printed]]] = {
    FileFault.TRUNCATED: truncated,
    FileFault.WRONG_CHECKSUM: wrong_checksum,
    FileFault.IN_GBK: in_gbk,
}


def _paid(book: DayBook) -> list[Row]:
    return [row for row in book.rows if row.kind is Kind.PAID]


def _put(book: DayBook, old: Row, new: Row) -> DayBook:
    return with_rows(book, [new if row is old else row for row in book.rows])


def _like(reference: str, dice: Draws) -> str:
    """A number of the same shape: its last digits are others."""
    last = min(6, len(reference))
    return f"{reference[:-last]}{dice.randrange(10**last):0{last}d}"
