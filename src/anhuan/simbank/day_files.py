"""The files of a bank day, from its books: made at midnight, out the next morning, with the faults that are on.

A scenario of one payment breaks that payment's row; a scenario that is switched on breaks a row by the dice.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from anhuan.kit.clock import CHINA
from anhuan.simbank import file_faults, meetings, scenarios, store, store_agenda, store_books
from anhuan.simbank.file_faults import FileFault
from anhuan.simbank.files import DayBook, Kind, Printed, Row, with_rows
from anhuan.simbank.house import Act, midnight
from anhuan.simbank.model import BadOrder, Payment

CHANNEL: Final = "simbank"
ACCOUNT: Final = "SIM0000001"
ROWS: Final = (23, 24, 25)  # what happens to rows
WHOLE: Final = 27
OLD_REFERENCE: Final = 28
_KINDS: Final = {"debit": Kind.PAID, "book": Kind.GIVEN, "returned": Kind.RETURNED, "reversed": Kind.REVERSED}


def make(act: Act, day: date) -> None:
    """Make the files of a day that is over."""
    book = book_of(act, day)
    on, params = meetings.switched(act, f"day {day}"), dict[str, dict[str, Any]]()
    met = _met(act, book)
    for number in ROWS:
        hit = {key for key, payment in met.items() if number in payment.scenarios}
        book = _break_rows(act, book, number, hit, everywhere=number in on and not hit)
    if WHOLE in on:
        params[str(WHOLE)] = on[WHOLE]
    for key, payment in met.items():
        if WHOLE in payment.scenarios:
            told = store_agenda.meeting(act.db, key)
            params[str(WHOLE)] = (told or {}).get("params", {}).get(str(WHOLE), {})
    whole = scenarios.params_of(WHOLE, params) if WHOLE in on or params else None
    again = store.oldest_reference(act.db, midnight(date(day.year, 1, 1))) if OLD_REFERENCE in on else None
    numbers = {WHOLE} if whole else set[int]()
    broken = file_faults.break_day(
        book, numbers | ({OLD_REFERENCE} if again else set()), act.dice.stream("files", day),
        face=FileFault(whole["how"]) if whole else None, earlier_reference=again,
    )  # fmt: skip
    later = timedelta(hours=int(whole["hours"])) if whole else timedelta(0)
    ready = datetime.combine(day + timedelta(days=1), act.profile.files_from, CHINA)
    _keep(act, day, 1, broken.first, ready + (later if broken.late_by else timedelta(0)))
    if broken.later != broken.first:
        _keep(act, day, 2, broken.later, ready + later)


def book_of(act: Act, day: date) -> DayBook:
    """The day as the files tell it: what left the funding accounts, what reached cards, what came back."""
    rows = []
    for moved in store_books.of_day(act.db, day):
        payment = store.payment(act.db, moved["key"]) if moved["key"] else None
        kind = _KINDS.get(str(payment.event_kind) if payment and moved["code"] == "give_back" else moved["code"])
        if payment is None or kind is None:
            continue
        back = kind in (Kind.RETURNED, Kind.REVERSED)
        rows.append(
            Row(
                kind, moved["at"], payment.reference, payment.key, moved["amount"],
                fee=payment.fee_kept if kind is Kind.PAID else 0,
                card=f"****{payment.card[-4:]}", name=f"*{payment.name[1:]}",
                back_reference=act.dice.digits(16, "back", payment.key) if back else "",
                reason=str(payment.event_reason or "") if back else "",
            )
        )  # fmt: skip
    starts = midnight(day)
    return DayBook(
        CHANNEL, day, ACCOUNT, tuple(rows), transit_opening=store_books.held_before(act.db, "transit", starts),
        funds_opening=store_books.held_before(act.db, "client:%", starts),
    )  # fmt: skip


def face(params: dict[str, Any]) -> None:
    """Refuse parameters of scenario 27 that name no fault."""
    if "how" in params and params["how"] not in set(FileFault):
        raise BadOrder(f"a file is broken by one of {', '.join(FileFault)}", field="how")


def _met(act: Act, book: DayBook) -> dict[str, Payment]:
    found = {row.key: store.payment(act.db, row.key) for row in book.rows if row.kind is Kind.PAID}
    return {key: payment for key, payment in found.items() if payment is not None}


def _break_rows(act: Act, book: DayBook, number: int, keys: set[str], *, everywhere: bool) -> DayBook:
    """This fault in the rows of each of these payments, or somewhere in the day."""
    fault, dice = file_faults.ROW_FAULTS[number], act.dice
    if everywhere:
        return fault(book, dice.stream("fault", number, book.day))
    for key in sorted(keys):
        others = [row for row in book.rows if row.key != key]
        alone = with_rows(replace(book, rows=()), _of(book.rows, key))
        book = with_rows(book, [*others, *fault(alone, dice.stream("fault", number, key)).rows])
    return book


def _of(rows: Iterable[Row], key: str) -> list[Row]:
    return [row for row in rows if row.key == key]


def _keep(act: Act, day: date, edition: int, files: Iterable[Printed], ready_at: datetime) -> None:
    for one in files:
        store_agenda.add_file(act.db, day, edition, asdict(one), ready_at)
