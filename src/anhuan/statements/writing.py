"""The commit's pen: writes a change set into the tables in bulk, and nothing that is not in it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.statements import intake, kinds, linking, packing, store, store_bills, store_bulk, store_lines
from anhuan.statements.changes import BillEffect, FileChange, FileEffect, ImportState, LinkChange, Preview, RowChange
from anhuan.statements.intake import Recorded
from anhuan.statements.keyed import Keyed
from anhuan.statements.store_lines import NewLine, NewSighting, Shared
from anhuan.statements.tables import ImportRow

_FILE: Final = (
    "user_id", "id", "import_id", "position", "name", "sha256", "content_key", "size", "kind", "bank", "source",
    "account", "reader", "template", "complete", "problems", "read_at", "standing",
)  # fmt: skip
_BILL: Final = (
    "user_id", "id", "file_id", "position", "bill_id", "effect", "bank", "currency", "cards", "level", "statement_on",
    "total_minor", "explained", "facts",
)  # fmt: skip
_FIELD: Final = ("user_id", "id", "read_bill_id", "name", "value", "confidence", "span", "inferred")
_PLACE: Final = re.compile(r"(?:row \d+|p\d+ y\d+(?:\.\d+)?|)")
_STORED: Final = (FileEffect.NEW, FileEffect.KNOWN)
_LINK: Final = ("user_id", "id", "kind", "first_id", "second_id", "score", "reason")


def write(db: Session, preview: Preview, recorded: Recorded, *, now: datetime) -> dict[str, int]:
    """Write the files, bills, lines, sightings and links of a change set; says how much of each."""
    user_id, new = preview.user_id, [each for each in preview.files if each.effect is FileEffect.NEW]
    resting = intake.resting_lines(preview)
    over = intake.replaced_readings(preview)
    store_bulk.write(db, "statement_files", _FILE, _files(preview, now))
    store_bulk.write(db, "statement_bills", _BILL, _bills(user_id, new, recorded))
    store_bulk.write(db, "statement_fields", _FIELD, _fields(user_id, new))
    store_lines.write_lines(db, user_id, _lines(new, resting))
    store_lines.write_sightings(db, user_id, _sightings(new, over))
    _turn_over(db, preview, new, resting)
    write_links(db, user_id, preview.links, preview.unlinked)
    effects = intake.counted(bill.effect for file in new for bill in file.bills)
    return {
        "files": len(new),
        "lines": sum(file.rows_new for file in new),
        "bills": sum(len(file.bills) for file in new),
        "bills_new": effects[BillEffect.NEW],
        "bills_superseded": effects[BillEffect.SUPERSEDES],
        "bills_same": effects[BillEffect.SAME],
        "links": len(preview.links),
    }


def write_links(db: Session, user_id: UUID, links: Sequence[LinkChange], unlinked: Sequence[UUID]) -> None:
    """Drop and add links; dropped ones first, because a better pair may say nearly the same."""
    if unlinked:
        store_lines.drop_links(db, user_id, unlinked)
    rows = (
        (user_id, link.id, link.kind.value, link.first_id, link.second_id, round(link.score * 1000), link.reason)
        for link in links
    )
    if links:
        store_bulk.write(db, "statement_links", _LINK, rows)


def record_balances(db: Session, preview: Preview) -> list[list[Any]]:
    """Tell room cards what the own accounts hold, where an export prints it; says what was told and known before.

    One entry each: account, balance told and its day, balance known before and its day.
    """
    said: list[list[Any]] = []
    for change in (each for file in preview.files if file.effect in _STORED for each in file.balances):
        held = cards.set_account(db, preview.user_id, change.bank, change.account, currency=change.currency)
        cards.record_balance(db, preview.user_id, held.account_id, change.amount, balance_on=change.on)
        before_on = held.balance_on and held.balance_on.isoformat()
        said.append([str(held.account_id), change.amount, change.on.isoformat(), held.balance, before_on])
    return said


def give_back_balances(db: Session, row: ImportRow) -> None:
    """Let own accounts hold what they would without this batch: another file's figure, the person's own, or none.

    A figure that came after it stays; an account that only this batch knew is forgotten.
    """
    told = {(account_id, amount, on) for account_id, amount, on, *_ in row.balances or ()}
    if not told:
        return
    batches = store.told_balances(db, row.user_id)
    for account in cards.own_accounts(db, row.user_id):
        name = str(account.account_id)
        if account.balance_on is None or (name, account.balance, account.balance_on.isoformat()) not in told:
            continue
        left = _figures_left(batches, name, without=row.id)
        if left:
            on, amount = max(left, key=lambda figure: figure[0])
            cards.put_back_balance(db, row.user_id, account.account_id, amount, balance_on=date.fromisoformat(on))
        elif account.label or account.reserve:
            cards.put_back_balance(db, row.user_id, account.account_id, 0, balance_on=None)
        else:
            cards.remove_account(db, row.user_id, account.account_id)


def _figures_left(batches: Sequence[ImportRow], account: str, *, without: UUID) -> list[tuple[str, int]]:
    """Day and amount of what other standing batches told of an account, the latest last, after what people typed."""
    mine = [(batch, entry) for batch in batches for entry in batch.balances or () if entry[0] == account]
    ever = {(on, amount) for _, (_, amount, on, *_) in mine}
    typed = [(on, amount) for _, (*_, amount, on) in mine if on is not None and (on, amount) not in ever]
    standing = [
        (on, amount)
        for batch, (_, amount, on, *_) in mine
        if batch.id != without and batch.state == ImportState.COMMITTED
    ]
    return [*reversed(standing), *typed]


def hand_files_over(db: Session, row: ImportRow, *, now: datetime) -> None:
    """Files of a batch that a later batch was given too become that batch's, with all that they say."""
    for file, held in store.also_held(db, row.user_id, row.id):
        heir = held.import_id
        told = {each: packing.unpack_facts(each.facts) for each in store_bills.read_bills_of(db, row.user_id, [file.id])
                if each.facts is not None}  # fmt: skip
        bills = {each.bill_id: said for each, said in told.items() if each.bill_id is not None}
        cards.hand_over(db, row.user_id, bills, source_id=row.id, to=heir, now=now)
        for each, said in told.items():
            each.facts = packing.pack_facts(replace(said, source_id=heir))
        file.import_id, held.import_id = heir, row.id  # each history keeps its list of files
        file.position, held.position = held.position, file.position
        file.name, held.name = held.name, file.name
    db.flush()


def credit_repayments(db: Session, user_id: UUID, banks: Iterable[str | None], *, now: datetime) -> None:
    """Tell room cards the repayments that exports and daily mails of these banks show, each in its import's name.

    Those of bills were told with the bill; a movement that two files tell is told once.
    """
    told: defaultdict[tuple[UUID, str, UUID], list[cards.Payment]] = defaultdict(list)
    named = [bank for bank in banks if bank]
    rows = list(store_lines.repayments(db, user_id, named)) if named else ()
    faces = cards.accounts(db, user_id) if rows else ()
    for bank, tail, currency, day, amount, import_id in rows:
        account = account_of(faces, bank, tail)
        if account is not None:
            told[account, currency, import_id].append(cards.Payment(day, -amount))
    for (account, currency, import_id), payments in told.items():
        cards.credit_payments(db, user_id, account, currency, payments, source_id=import_id, now=now)


def account_of(faces: Sequence[cards.AccountFace], bank: str | None, tail: str | None) -> UUID | None:
    """The account of a card's row: by its last digits; without any, only where the bank has one account."""
    mine = [face for face in faces if face.bank == bank]
    named = [face for face in mine for card in face.cards if tail and card.last_digits.endswith(tail)]
    if named:
        return named[0].account_id
    return mine[0].account_id if len(mine) == 1 and not tail else None


def _turn_over(db: Session, preview: Preview, new: Sequence[FileChange], resting: set[UUID]) -> None:
    """Superseded bills lie down with the rows that only they show, and rows shown anew stand up again."""
    user_id, moved = preview.user_id, set[UUID]()
    for file in new:
        for bill in file.bills:
            if bill.replaces:
                store_bills.supersede(db, user_id, bill.replaces, by=bill.id)
                moved.update(store_lines.set_sightings(db, user_id, bill.replaces, standing=False))
    known = {row.line_id for file in new for row in file.rows if not row.new} - resting
    moved |= store_lines.resting(db, user_id, known) if known else set()
    if moved:
        store_lines.sum_up_standing(db, user_id, moved)


def _files(preview: Preview, now: datetime) -> Iterator[tuple[Any, ...]]:
    """The new files, and the known ones that an earlier batch brought: should that be taken back, this one has them."""
    keyed = Keyed(preview.user_id)
    listed: set[str] = {file.sha256 for file in preview.files if file.effect is FileEffect.NEW}
    for n, file in enumerate(preview.files):
        is_new = file.effect is FileEffect.NEW
        if not is_new and (file.effect is not FileEffect.KNOWN or file.sha256 in listed):
            continue
        listed.add(file.sha256)
        problems = [{"code": each.code, "message": each.message} for each in file.problems]
        yield (
            preview.user_id, file.id, preview.id, n, file.name, file.sha256, keyed.content(file.sha256), file.size,
            file.kind.value, file.bank, file.source.value, file.account, file.reader, file.template, file.complete,
            problems, now, is_new,
        )  # fmt: skip


def _bills(user_id: UUID, files: Iterable[FileChange], recorded: Recorded) -> Iterator[tuple[Any, ...]]:
    for file in files:
        for n, change in enumerate(file.bills):
            bill = change.bill
            yield (
                user_id, change.id, file.id, n, recorded.bills.get(change.id), change.effect.value, file.bank,
                bill.currency, list(bill.cards), bill.level.value, bill.statement_on, bill.total_due, change.explained,
                packing.pack_facts(recorded.facts[change.id]) if change.id in recorded.facts else None,
            )  # fmt: skip


def _fields(user_id: UUID, files: Sequence[FileChange]) -> Iterator[tuple[Any, ...]]:
    told = [(change.id, each) for file in files for change in file.bills for each in change.fields]
    for field_id, (bill_id, each) in zip(store_bulk.new_ids(len(told)), told, strict=True):
        yield user_id, field_id, bill_id, each.name, each.value, each.confidence, each.span, each.inferred


def _lines(files: Iterable[FileChange], resting: set[UUID]) -> Iterator[NewLine]:
    """The new lines of the files."""
    for file in files:
        stream = intake.stream_of_file(file)
        shared: dict[tuple[Any, ...], tuple[Shared, str | None]] = {}
        for row in file.rows:
            if not row.new:
                continue
            line = row.line
            cost = kinds.tells_cost(line.description, line.kind, line.amount, file.source)
            alike = (line.card, row.bill, line.account, line.currency, line.kind, cost, row.line_id in resting)
            if (found := shared.get(alike)) is None:
                found = shared[alike] = _shared(file, row, stream, cost, row.line_id not in resting)
            said = (
                row.key, line.amount, _whole(line.description), _whole(line.reference), _whole(line.counterparty),
                _whole(line.paid_with), line.original, line.instalment, line.balance, found[1],
            )  # fmt: skip
            yield NewLine(found[0], row.line_id, row.occurrence, line.posted_on, line.traded_on, said)


def _whole(text: str | None) -> str | None:
    """The text without zero bytes, which no text column takes and no page shows."""
    return text.replace("\0", "") if text and "\0" in text else text


def _shared(file: FileChange, row: RowChange, stream: str, cost: bool, standing: bool) -> tuple[Shared, str | None]:
    """What a row has in common with others, and its account: of an account the last digits alone stand in clear."""
    line, card, account = row.line, linking.card_of(file, row), linking.account_of(file, row)
    tail = account if account and not card and account.isdigit() else None
    return Shared(
        stream, file.kind.value, file.source.value, file.bank, card, tail, line.currency, line.kind.value, cost,
        standing,
    ), account  # fmt: skip


def _sightings(files: Sequence[FileChange], over: set[UUID]) -> Iterator[NewSighting]:
    """Which file shows which line where; a reader that quotes the row puts the quote behind the place."""
    for file in files:
        bills = [(file.id, bill.id, bill.id not in over) for bill in file.bills]
        none = (file.id, None, True)
        for n, row in enumerate(file.rows):
            span = row.line.span
            met = _PLACE.match(span)
            place = met[0] if met else ""
            quote = span if len(place) < len(span) else None
            yield NewSighting(none if row.bill is None else bills[row.bill], row.line_id, n, place, quote)
