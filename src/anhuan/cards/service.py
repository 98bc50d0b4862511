"""The acts of room cards: record bills and payments, keep cards, lines and own accounts; the caller commits."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import contracts, rules, store
from anhuan.cards.model import (
    BillFacts,
    CardFace,
    Charge,
    Level,
    NoSuchCard,
    NotABill,
    Outcome,
    Payment,
    RecordedBill,
)
from anhuan.cards.numbers import read_last_digits, same_card
from anhuan.cards.tables import AccountRow, BillRow, CardRow, LineRow, PaymentRow
from anhuan.kit import terms
from anhuan.kit.ids import new_id


def record_bill(db: Session, user_id: UUID, facts: BillFacts, *, now: datetime) -> RecordedBill:
    """Keep a bill: new, the same again, or a corrected version that supersedes the one we had (kept in history).

    Refuses facts that contradict each other. Gaps are filled by rule and marked as inferred.
    """
    rules.check(facts)
    account = _account_for(db, user_id, facts, now=now)
    credit_payments(db, user_id, account.id, facts.currency, facts.payments, source_id=facts.source_id, now=now)
    said = rules.fingerprint(facts)
    earlier = store.versions(db, user_id, account.id, facts.currency, facts.statement_on)
    standing = next((row for row in earlier if row.superseded_by is None and row.taken_back_at is None), None)
    if standing is None:
        row = _add_bill(db, account, facts, said=said, version=_next(earlier), now=now)
        return RecordedBill(row.id, account.id, Outcome.NEW)
    if any(row.fingerprint == said for row in earlier if row.taken_back_at is None):
        return RecordedBill(standing.id, account.id, Outcome.SAME)
    _insist_on_one_level(standing, facts)
    known = facts_of(db, standing)
    whole = rules.completed(facts, known)
    if rules.fingerprint(whole) == rules.fingerprint(known):
        return RecordedBill(standing.id, account.id, Outcome.SAME)
    fresh_id = new_id()
    standing.superseded_by = fresh_id
    db.flush()  # the old version must stand aside before the new one may stand
    row = _add_bill(db, account, whole, said=said, version=_next(earlier), now=now, bill_id=fresh_id)
    return RecordedBill(row.id, account.id, Outcome.SUPERSEDED, superseded_id=standing.id)


def take_back_bill(db: Session, user_id: UUID, bill_id: UUID, *, now: datetime) -> None:
    """Withdraw one version of a bill; the version it had superseded stands again."""
    row = db.get(BillRow, (user_id, bill_id))
    if row is None or row.taken_back_at is not None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    chain = store.versions(db, user_id, row.account_id, row.currency, row.statement_on)
    heir = row.superseded_by
    row.taken_back_at = now
    db.flush()
    for older in chain:
        if older.superseded_by == row.id:
            older.superseded_by = heir
    db.flush()


def take_back(db: Session, user_id: UUID, source_id: UUID, *, now: datetime) -> int:
    """Undo all that one import brought: bills, payments nobody else vouches for, cards and accounts left empty.

    Returns how many bills were withdrawn. An import that brought nothing is no error.
    """
    bills = store.bills_of_source(db, user_id, source_id)
    for row in bills:
        take_back_bill(db, user_id, row.id, now=now)
    for payment in store.payments_of_source(db, user_id, source_id):
        _unvouch(db, payment, source_id)
    db.flush()
    _drop_made_by(db, user_id, source_id, now=now)
    return len(bills)


def record_payment(db: Session, user_id: UUID, bill_id: UUID, amount: int, credited_on: date, *, now: datetime) -> UUID:
    """Note a repayment the user made for a bill, in minor units, on the day it reached the card.

    When the bank's own row of it is imported later, the two are one. Refunds are never recorded here.
    """
    row = db.get(BillRow, (user_id, bill_id))
    if row is None or row.taken_back_at is not None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    if amount <= 0:
        raise NotABill("a payment is an amount above 0", field="amount")
    if credited_on < row.statement_on:
        raise NotABill("a payment before the statement day counted for the bill before", field="credited_on")
    payment = _payment(user_id, row.account_id, row.currency, amount, entered_on=credited_on, now=now)
    db.add(payment)
    db.flush()
    return payment.id


def credit_payments(
    db: Session,
    user_id: UUID,
    account_id: UUID,
    currency: str,
    payments: Sequence[Payment],
    *,
    source_id: UUID | None,
    now: datetime,
) -> int:
    """Keep repayments that a source shows, each once: what the user or another source told already is joined.

    Returns how many were not known before. They count for the bill whose days they fall into.
    """
    if not payments:
        return 0
    first = min(payment.credited_on for payment in payments)
    since = date.fromordinal(first.toordinal() - rules.SAME_PAYMENT_DAYS)
    held = [row for row in store.payments(db, user_id, [account_id], since=since) if row.currency == currency]
    told = [(payment.credited_on, payment.amount) for payment in payments]
    fresh = 0
    for day, amount, at in rules.new_payments(told, [(row.credited_on, row.amount_minor) for row in held]):
        if at is None:
            row = _payment(user_id, account_id, currency, amount, posted_on=day, now=now)
            db.add(row)
            fresh += 1
        else:
            row = held[at]
            row.posted_on = row.posted_on or day
            row.credited_on = row.posted_on  # the bank's day beats the user's
        if source_id is not None and source_id not in row.source_ids:
            row.source_ids = [*row.source_ids, source_id]
    db.flush()
    return fresh


def remove_payment(db: Session, user_id: UUID, payment_id: UUID) -> None:
    """Forget a repayment that the user noted by mistake; one that the bank's data prove stays."""
    row = db.get(PaymentRow, (user_id, payment_id))
    if row is None:
        raise NoSuchCard("there is no such payment", field="payment_id")
    if row.posted_on is None:
        db.delete(row)
    else:
        row.entered_on = None
    db.flush()


def add_card(
    db: Session,
    user_id: UUID,
    bank: str,
    number: str,
    *,
    now: datetime,
    label: str = "",
    groups: Iterable[str] = (),
    supplementary: bool = False,
    account_id: UUID | None = None,
) -> CardFace:
    """Keep a card by its last digits (a whole number is checked, cut and forgotten); the same card twice is one.

    At a bank that bills all cards on one account the new card joins it; elsewhere it gets an account of its own.
    """
    tail = read_last_digits(number)
    for row in store.accounts(db, user_id, bank=bank):
        known = next((card for card in store.cards(db, user_id, [row.id]) if same_card(card.last_digits, tail)), None)
        if known is not None:
            return face_of(known, bank)
    account = _account_to_join(db, user_id, bank, account_id) or _new_account(
        db, user_id, bank, _usual_level(bank, now), None, now
    )
    card = _add_card(db, account, tail, source_id=None, now=now)
    card.label, card.groups, card.supplementary = label, list(groups), supplementary
    db.flush()
    return face_of(card, bank)


def edit_card(
    db: Session,
    user_id: UUID,
    card_id: UUID,
    *,
    label: str | None = None,
    groups: Iterable[str] | None = None,
    supplementary: bool | None = None,
) -> CardFace:
    """Change what the user calls a card and where they group it; what is not given stays."""
    card = _card(db, user_id, card_id)
    card.label = card.label if label is None else label
    card.groups = card.groups if groups is None else sorted(set(groups))
    card.supplementary = card.supplementary if supplementary is None else supplementary
    db.flush()
    return face_of(card, _account(db, user_id, card.account_id).bank)


def name_account(db: Session, user_id: UUID, account_id: UUID, label: str) -> None:
    """Give an account the user's own name for it; an empty name takes it away."""
    _account(db, user_id, account_id).label = label
    db.flush()


def remove_card(db: Session, user_id: UUID, card_id: UUID, *, now: datetime) -> None:
    """Put a card away; its account leaves the board with its last card, and what was billed stays in history."""
    card = _card(db, user_id, card_id)
    others = [row for row in store.cards(db, user_id, [card.account_id]) if row.id != card_id]
    if others or store.has_rows(db, user_id, card.account_id):
        if not others:
            _account(db, user_id, card.account_id).removed_at = now
        db.delete(card)
    else:
        store.drop_account(db, user_id, card.account_id)
    db.flush()


def share_line(
    db: Session,
    user_id: UUID,
    account_ids: Sequence[UUID],
    *,
    label: str,
    currency: str = "CNY",
    limit: int | None = None,
) -> UUID:
    """Let accounts share one limit (minor units; None: the largest their bills print), so that it is counted once."""
    line = LineRow(user_id=user_id, id=new_id(), label=label, currency=currency, limit_minor=limit)
    db.add(line)
    db.flush()
    for account_id in account_ids:
        _account(db, user_id, account_id).credit_line_id = line.id
    db.flush()
    return line.id


def unshare_line(db: Session, user_id: UUID, line_id: UUID) -> None:
    """Take a shared limit away; each of its accounts stands for itself again."""
    line = db.get(LineRow, (user_id, line_id))
    if line is None:
        raise NoSuchCard("there is no such line", field="line_id")
    for account in store.accounts(db, user_id, removed=True):
        if account.credit_line_id == line_id:
            account.credit_line_id = None
    db.flush()
    db.delete(line)
    db.flush()


def facts_of(db: Session, row: BillRow) -> BillFacts:
    """A recorded version as facts again, to be compared with another copy of the same bill."""
    charges = store.charges(db, row.user_id, [row.id]).get(row.id, ())
    account = _account(db, row.user_id, row.account_id)
    return BillFacts(
        bank=account.bank,
        currency=row.currency,
        total_due=row.total_minor,
        minimum_due=row.minimum_minor,
        statement_on=row.statement_on,
        due_on=row.due_on,
        cards=tuple(row.cards),
        credit_limit=row.limit_minor,
        level=row.level,
        cycle_from=row.cycle_from,
        cycle_to=row.cycle_to,
        inferred=tuple(row.inferred),
        confidence=dict(row.confidence),
        spans=dict(row.spans),
        charges=tuple(Charge(charge.posted_on, charge.amount_minor, charge.instalment) for charge in charges),
        source_id=row.source_id,
        known_complete=row.known_complete,
    )


def face_of(card: CardRow, bank: str) -> CardFace:
    """A card row as the rest of the house sees it."""
    return CardFace(
        card.id, card.account_id, bank, card.last_digits, card.label, tuple(card.groups), card.supplementary
    )


def _account_for(db: Session, user_id: UUID, facts: BillFacts, *, now: datetime) -> AccountRow:
    """The account a bill belongs to, by its cards; a new one where none fits, and the cards it names join it."""
    accounts = store.accounts(db, user_id, bank=facts.bank, removed=True)
    held: dict[UUID, list[CardRow]] = {account.id: [] for account in accounts}
    for card in store.cards(db, user_id, held):
        held[card.account_id].append(card)
    wanted = rules.tails(facts)
    hits = [row for row in accounts if rules.matches((card.last_digits for card in held[row.id]), wanted)]
    account = _best_account(accounts, hits, facts, wanted)
    if account is None:
        account = _new_account(db, user_id, facts.bank, Level(facts.level), facts.source_id, now)
    elif account.removed_at is not None:
        account.removed_at = None  # a bill came for a card that was put away: it is in use
    if facts.level == Level.ACCOUNT and account.level != Level.ACCOUNT:
        account.level = Level.ACCOUNT
    for other in hits if facts.level == Level.ACCOUNT else ():
        if other.id != account.id and not store.has_rows(db, user_id, other.id):
            store.move_cards(db, user_id, from_account=other.id, to_account=account.id)
            store.drop_account(db, user_id, other.id)
    known = [card.last_digits for rows in held.values() for card in rows]
    for tail in wanted:
        if not rules.matches(known, (tail,)):
            _add_card(db, account, tail, source_id=facts.source_id, now=now)
    db.flush()
    return account


def _best_account(
    accounts: Sequence[AccountRow], hits: Sequence[AccountRow], facts: BillFacts, wanted: Sequence[str]
) -> AccountRow | None:
    """One that holds a named card; a bank with one account for all, that one; nothing named and one account, that."""
    if hits:
        return min(hits, key=lambda row: (row.level != facts.level, row.added_at, row.id))
    whole = [row for row in accounts if row.level == Level.ACCOUNT]
    if facts.level == Level.ACCOUNT and whole:
        return whole[0]
    if not wanted and len(accounts) == 1:
        return accounts[0]
    return None


def _insist_on_one_level(standing: BillRow, facts: BillFacts) -> None:
    """An account's total and one of its cards' totals are not versions of each other, and are never added up."""
    if standing.level != facts.level and standing.total_minor != facts.total_due:
        raise NotABill(
            "this day's bill is known for another level (account or card); the two are never mixed", field="level"
        )


def _add_bill(
    db: Session,
    account: AccountRow,
    facts: BillFacts,
    *,
    said: str,
    version: int,
    now: datetime,
    bill_id: UUID | None = None,
) -> BillRow:
    whole = _filled(db, account, facts)
    row = BillRow(
        user_id=account.user_id,
        id=bill_id or new_id(),
        account_id=account.id,
        currency=whole.currency,
        statement_on=whole.statement_on,
        version=version,
        total_minor=whole.total_due,
        minimum_minor=whole.minimum_due,
        due_on=whole.due_on,
        limit_minor=whole.credit_limit,
        level=whole.level,
        cycle_from=whole.cycle_from,
        cycle_to=whole.cycle_to,
        cards=list(rules.tails(whole)),
        inferred=list(whole.inferred),
        confidence=dict(whole.confidence),
        spans=dict(whole.spans),
        known_complete=whole.known_complete,
        fingerprint=said,
        source_id=whole.source_id,
        known_at=now,
    )
    db.add(row)
    db.flush()
    store.add_charges(
        db,
        [
            {
                "user_id": row.user_id,
                "bill_id": row.id,
                "seq": seq,
                "posted_on": charge.posted_on,
                "amount_minor": charge.amount,
                "instalment": charge.instalment,
            }
            for seq, charge in enumerate(whole.charges)
        ],
    )
    return row


def _filled(db: Session, account: AccountRow, facts: BillFacts) -> BillFacts:
    """The bill with its due day and minimum filled by rule where it prints none, and marked as inferred."""
    if facts.total_due <= 0 or (facts.due_on is not None and facts.minimum_due is not None):
        return facts
    inferred = set(facts.inferred)
    held = contracts.contracts_of(db, account.user_id)
    if facts.due_on is None:
        bills = store.printed_days(db, account.user_id, [account.id]).get(account.id, ())
        due_on = contracts.guessed_due(held, account.id, bills, facts.statement_on)
        facts, inferred = replace(facts, due_on=due_on), inferred | {"due_on"}
    if facts.minimum_due is None:
        card_terms = held.card_terms(account.id, on=facts.statement_on, total=facts.total_due)
        facts = replace(facts, minimum_due=rules.guessed_minimum(facts, terms=card_terms))
        inferred |= {"minimum_due"}
    return replace(facts, inferred=tuple(sorted(inferred)))


def _next(earlier: Sequence[BillRow]) -> int:
    return max((row.version for row in earlier), default=0) + 1


def _usual_level(bank: str, now: datetime) -> Level:
    return Level(terms.ask("bill_level", on=now.date(), scopes=terms.layers(bank=bank)).value)


def _account_to_join(db: Session, user_id: UUID, bank: str, account_id: UUID | None) -> AccountRow | None:
    if account_id is not None:
        account = _account(db, user_id, account_id)
        if account.bank != bank:
            raise NoSuchCard("the account belongs to another bank", field="account_id")
        return account
    whole = [row for row in store.accounts(db, user_id, bank=bank) if row.level == Level.ACCOUNT]
    return whole[0] if whole else None


def _new_account(
    db: Session, user_id: UUID, bank: str, level: Level, source_id: UUID | None, now: datetime
) -> AccountRow:
    account = AccountRow(
        user_id=user_id, id=new_id(), bank=bank, level=level, label="", source_id=source_id, added_at=now
    )
    db.add(account)
    db.flush()
    return account


def _add_card(db: Session, account: AccountRow, tail: str, *, source_id: UUID | None, now: datetime) -> CardRow:
    card = CardRow(
        user_id=account.user_id,
        id=new_id(),
        account_id=account.id,
        last_digits=tail,
        label="",
        groups=[],
        supplementary=False,
        source_id=source_id,
        added_at=now,
    )
    db.add(card)
    return card


def _payment(
    user_id: UUID,
    account_id: UUID,
    currency: str,
    amount: int,
    *,
    now: datetime,
    entered_on: date | None = None,
    posted_on: date | None = None,
) -> PaymentRow:
    credited_on = posted_on or entered_on
    assert credited_on is not None, "a payment has a day"
    return PaymentRow(
        user_id=user_id,
        id=new_id(),
        account_id=account_id,
        currency=currency,
        amount_minor=amount,
        credited_on=credited_on,
        entered_on=entered_on,
        posted_on=posted_on,
        source_ids=[],
        added_at=now,
    )


def _unvouch(db: Session, payment: PaymentRow, source_id: UUID) -> None:
    """One source less for a payment: nobody left deletes it, the user alone left brings back the user's day."""
    payment.source_ids = [source for source in payment.source_ids if source != source_id]
    if payment.source_ids:
        return
    if payment.entered_on is None:
        db.delete(payment)
    else:
        payment.posted_on, payment.credited_on = None, payment.entered_on


def _drop_made_by(db: Session, user_id: UUID, source_id: UUID, *, now: datetime) -> None:
    cards, accounts = store.made_by_source(db, user_id, source_id)
    for account in accounts:
        if not store.has_standing_bills(db, user_id, account.id):
            account.removed_at = now  # its withdrawn bills keep their history; a later bill brings it back
    standing = {row.id for row in store.accounts(db, user_id)}
    for card in cards:
        named = any(same_card(card.last_digits, tail) for tail in _billed_tails(db, user_id, card.account_id))
        if not named or card.account_id not in standing:
            db.delete(card)
    db.flush()


def _billed_tails(db: Session, user_id: UUID, account_id: UUID) -> list[str]:
    return [tail for held in store.bills_of(db, user_id, account_id, at_most=store.MANY) for tail in held.bill.cards]


def _account(db: Session, user_id: UUID, account_id: UUID) -> AccountRow:
    account = db.get(AccountRow, (user_id, account_id))
    if account is None:
        raise NoSuchCard("there is no such account", field="account_id")
    return account


def _card(db: Session, user_id: UUID, card_id: UUID) -> CardRow:
    card = db.get(CardRow, (user_id, card_id))
    if card is None:
        raise NoSuchCard("there is no such card", field="card_id")
    return card
