"""The files of a bank day, from its books: made at midnight, out the next morning, with the faults that are on.

A fault of rows breaks the rows of the payments that met it; a fault of whole files (27) meets a day.
"""

from collections.abc import Iterable, Mapping
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
_KINDS: Final = {"debit": Kind.PAID, "book": Kind.GIVEN, "returned": Kind.RETURNED, "reversed": Kind.REVERSED}


def make(act: Act, day: date) -> None:
    """Make the files of a day that is over."""
    book = book_of(act, day)
    met = _met(act, book)
    for number in ROWS:
        for key in sorted(key for key, payment in met.items() if number in payment.scenarios):
            book = _break_row(act, book, number, key)
    whole = _whole(act, day, met)
    broken = file_faults.break_day(
        book, {WHOLE} if whole else (), act.dice.stream("files", day), face=FileFault(whole["how"]) if whole else None
    )
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


def _whole(act: Act, day: date, met: Mapping[str, Payment]) -> dict[str, Any] | None:
    """The parameters of scenario 27 where it meets this day, or a payment of it."""
    on = meetings.switched(act, f"day {day}")
    found = {str(WHOLE): on[WHOLE]} if WHOLE in on else {}
    for key, payment in met.items():
        if WHOLE in payment.scenarios:
            told = store_agenda.meeting(act.db, key) or {}
            found = {str(WHOLE): told.get("params", {}).get(str(WHOLE), {})}
    return scenarios.params_of(WHOLE, found) if found else None


def _break_row(act: Act, book: DayBook, number: int, key: str) -> DayBook:
    """This fault in the rows of this payment alone."""
    others = [row for row in book.rows if row.key != key]
    alone = with_rows(replace(book, rows=()), _of(book.rows, key))
    broken = file_faults.ROW_FAULTS[number](alone, act.dice.stream("fault", number, key))
    return with_rows(book, [*others, *broken.rows])


def _of(rows: Iterable[Row], key: str) -> list[Row]:
    return [row for row in rows if row.key == key]


def _keep(act: Act, day: date, edition: int, files: Iterable[Printed], ready_at: datetime) -> None:
    for one in files:
        store_agenda.add_file(act.db, day, edition, asdict(one), ready_at)
