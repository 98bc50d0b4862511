"""A small world of readings for the tests of the intake: rides, shops, bills, as readers hand them over."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session, aliased
from tests.people import as_party

from anhuan import cards
from anhuan.cards.tables import BillRow, PaymentRow
from anhuan.statements import service
from anhuan.statements.changes import Commit, FileRead, hash_of
from anhuan.statements.model import Bill, FileKind, Level, Line, LineKind, Reading, Source
from anhuan.statements.tables import FieldRow, FileRow, LineRow, LinkRow, ReadBillRow, SightingRow

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def on(day: int, month: int = 10) -> date:
    """A day of 2026."""
    return date(2026, month, day)


def line(day: int = 1, amount: int = 200, words: str = "地铁", **more: Any) -> Line:
    """A row of the card 3096 in fen, spending positive."""
    told: dict[str, Any] = {"card": "3096", "kind": LineKind.PURCHASE, "month": 10} | more
    when = on(day, told.pop("month"))
    return Line(when, when, words, amount, **told)


def paid(day: int, amount: int, words: str = "某某餐厅", **more: Any) -> Line:
    """A row of a wallet, paid with the card 3096 of 招商银行 unless said otherwise."""
    told: dict[str, Any] = {
        "kind": LineKind.PURCHASE,
        "paid_with": "招商银行信用卡(3096)",
        "counterparty": words,
    } | more
    return Line(None, on(day), words, amount, **told)


def export(*lines: Line, bank: str = "cmb", **more: Any) -> Reading:
    """A bank's export of a card's rows."""
    return Reading(FileKind.STATEMENT, bank, lines=lines, reader=bank, template="csv", **more)


def wallet(*lines: Line, bank: str = "alipay") -> Reading:
    """A wallet's export."""
    return Reading(FileKind.STATEMENT, bank, lines=lines, reader=bank, template="csv", source=Source.WALLET)


def bill(total: int, *lines: Line, month: int = 10, minimum: int | None = 100, **more: Any) -> Reading:
    """A bill of 招商银行 of the 8th for its whole account."""
    printed = Bill(
        "CNY", total, minimum, on(8, month), on(26, month), ("3096",), level=Level.ACCOUNT,
        confidence={"total_due": 0.95}, spans={"total_due": "应还 " + str(total)},
    )  # fmt: skip
    return Reading(FileKind.BILL, "cmb", (replace(printed, **more),), lines, reader="cmb", template="2026")


def read(reading: Reading, name: str = "file") -> FileRead:
    """A file that says this and nothing else."""
    return FileRead(name, hash_of(f"{name}{reading!r}".encode()), 1000, reading)


def take(db: Session, user_id: UUID, *readings: Reading, name: str = "file") -> Commit:
    """Store these in one batch, by preview and commit, behind the wall for this user."""
    as_party(db, user_id)
    shown = service.preview_of(db, user_id, [read(each, name) for each in readings], now=NOW)
    return service.commit(db, user_id, shown.id, now=NOW)


def state(db: Session, user_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """All that the intake knows of a user, opened, without ids and history, in an order of its own."""
    as_party(db, user_id)
    one, other = aliased(LineRow), aliased(LineRow)
    lines = select(
        LineRow.stream, LineRow.card, LineRow.account_tail, LineRow.posted_on, LineRow.traded_on, LineRow.currency,
        LineRow.kind, LineRow.tells_cost, LineRow.occurrence, LineRow.standing, LineRow.said,
    ).where(LineRow.user_id == user_id)  # fmt: skip
    shown = select(
        FileRow.name,
        FileRow.sha256,
        LineRow.said,
        LineRow.occurrence,
        SightingRow.position,
        SightingRow.place,
        SightingRow.quote,
        SightingRow.standing,
    ).where(SightingRow.user_id == user_id, LineRow.id == SightingRow.line_id, FileRow.id == SightingRow.file_id)
    linked = select(
        LinkRow.kind, one.said, one.occurrence, other.said, other.occurrence, LinkRow.score, LinkRow.reason
    ).where(LinkRow.user_id == user_id, one.id == LinkRow.first_id, other.id == LinkRow.second_id)
    asked: dict[str, Executable] = {
        "lines": lines,
        "sightings": shown,
        "links": linked,
        "bills": select(
            ReadBillRow.currency, ReadBillRow.statement_on, ReadBillRow.total_minor, ReadBillRow.explained,
            ReadBillRow.superseded_by.is_(None),
        ).where(ReadBillRow.user_id == user_id),
        "fields": select(
            FieldRow.name, FieldRow.value, FieldRow.confidence, FieldRow.span, FieldRow.inferred
        ).where(FieldRow.user_id == user_id),
        "owed": select(BillRow.currency, BillRow.statement_on, BillRow.total_minor, BillRow.minimum_minor).where(
            BillRow.user_id == user_id, BillRow.superseded_by.is_(None), BillRow.taken_back_at.is_(None)
        ),
        "paid": select(PaymentRow.currency, PaymentRow.amount_minor, PaymentRow.credited_on).where(
            PaymentRow.user_id == user_id
        ),
    }  # fmt: skip
    found = {what: [tuple(row) for row in db.execute(question)] for what, question in asked.items()}
    return {what: sorted(rows, key=repr) for what, rows in found.items()}


def owed(db: Session, user_id: UUID) -> list[int]:
    """What the standing bills say is due, in fen, oldest bill first."""
    bills = [
        bill for account in cards.accounts(db, user_id) for bill in cards.bills_of(db, user_id, account.account_id)
    ]
    return [each.total_due for each in sorted(bills, key=lambda one: one.statement_on)]
