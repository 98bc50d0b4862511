"""A small world of readings for the tests of the intake: rides, shops, bills, as readers hand them over."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import cards
from anhuan.kit import vault
from anhuan.statements import service
from anhuan.statements.changes import Commit, FileRead, hash_of
from anhuan.statements.model import Bill, FileKind, Level, Line, LineKind, Reading, Source

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
    """All that the intake knows of a user, without ids and history, in an order of its own."""
    as_party(db, user_id)
    asked = {
        "lines": "select stream, card, account, posted_on, traded_on, description, amount_minor, currency, kind,"
        " occurrence, row_key, standing from statement_lines where user_id = :u",
        "sightings": "select f.name, f.sha256, l.row_key, l.occurrence, s.position, s.span, s.standing"
        " from statement_sightings s join statement_lines l on l.user_id = s.user_id and l.id = s.line_id"
        " join statement_files f on f.user_id = s.user_id and f.id = s.file_id where s.user_id = :u",
        "links": "select k.kind, a.row_key, a.occurrence, b.row_key, b.occurrence, k.score, k.reason"
        " from statement_links k join statement_lines a on a.user_id = k.user_id and a.id = k.first_id"
        " join statement_lines b on b.user_id = k.user_id and b.id = k.second_id where k.user_id = :u",
        "bills": "select currency, statement_on, total_minor, explained, superseded_by is null from statement_bills"
        " where user_id = :u",
        "fields": "select name, value, confidence, span, inferred from statement_fields where user_id = :u",
        "owed": "select currency, statement_on, total_minor, minimum_minor from bills"
        " where user_id = :u and superseded_by is null and taken_back_at is null",
        "paid": "select currency, amount_minor, credited_on from card_payments where user_id = :u",
    }
    sealed = {"owed": "bills", "paid": "card_payments"}
    found = {
        what: [opened(sealed.get(what), row) for row in db.execute(text(sql), {"u": user_id}).mappings()]
        for what, sql in asked.items()
    }
    return {what: sorted(rows, key=repr) for what, rows in found.items()}


def opened(table: str | None, row: RowMapping) -> tuple[Any, ...]:
    """The row with its amounts opened, where its table seals them."""
    if table is None:
        return tuple(row.values())
    return tuple(
        vault.open_(f"{table}.{name}", value) if name.endswith("_minor") and value is not None else value
        for name, value in row.items()
    )


def owed(db: Session, user_id: UUID) -> list[int]:
    """What the standing bills say is due, in fen, oldest bill first."""
    bills = [
        bill for account in cards.accounts(db, user_id) for bill in cards.bills_of(db, user_id, account.account_id)
    ]
    return [each.total_due for each in sorted(bills, key=lambda one: one.statement_on)]
