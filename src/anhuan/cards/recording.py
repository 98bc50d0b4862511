"""Recording bills and repayments: one recorder reads what is known once, then takes bills as they come.

A bill is new, the same again, or a corrected version that supersedes the one we had (which stays in history). Nothing
of a refused bill is written. Rows reach the database together when the recorder is done.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import contracts, rules, store
from anhuan.cards.contracts import Contracts
from anhuan.cards.model import BillFacts, Charge, Level, NotABill, Outcome, Payment, PrintedDays, RecordedBill
from anhuan.cards.rules import KnownPayment
from anhuan.cards.tables import AccountRow, BillRow, CardRow, PaymentRow
from anhuan.kit.ids import new_id

BillKey = tuple[str, date]  # currency and statement day, within an account


def record_bill(db: Session, user_id: UUID, facts: BillFacts, *, now: datetime) -> RecordedBill:
    """Keep one bill: new, the same again, or a corrected version; refuses facts that contradict each other.

    Gaps (due day, minimum) are filled by rule and marked as inferred. For many bills use `recording`.
    """
    with recording(db, user_id, now=now) as recorder:
        return recorder.record(facts)


@contextmanager
def recording(db: Session, user_id: UUID, *, now: datetime) -> Iterator["Recorder"]:
    """A recorder for a batch: it asks the database once, and writes all rows when the block ends.

    A refusal of one bill may be caught inside the block; the others are still kept.
    """
    recorder = Recorder(db, user_id, now)
    yield recorder
    recorder.finish()


@contextmanager
def rehearsing(db: Session, user_id: UUID, *, now: datetime) -> Iterator["Recorder"]:
    """A recorder that answers as one of `recording` would, and leaves nothing when the block ends."""
    trial = db.begin_nested()
    try:
        yield Recorder(db, user_id, now)
    finally:
        trial.rollback()
        db.expire_all()


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
    with recording(db, user_id, now=now) as recorder:
        return recorder.credit(account_id, currency, payments, source_id=source_id)


class Recorder:
    """One batch of bills for one user; knows accounts, cards, versions and payments without asking twice."""

    def __init__(self, db: Session, user_id: UUID, now: datetime) -> None:
        self._db, self._user_id, self._now = db, user_id, now
        self._accounts: dict[UUID, AccountRow] | None = None
        self._tails: dict[tuple[str, str], dict[UUID, list[str]]] = {}  # (bank, last three digits) -> accounts
        self._carded: set[UUID] = set()  # accounts that have a card
        self._bills: dict[UUID, dict[BillKey, list[BillRow]]] = {}
        self._payments: dict[UUID, list[PaymentRow]] = {}
        self._charges: dict[UUID, tuple[Charge, ...]] = {}  # of bills of this batch, not yet written
        self._held: Contracts | None = None

    def record(self, facts: BillFacts) -> RecordedBill:
        """Keep one bill of the batch; a refusal leaves nothing of it."""
        rules.check(facts)
        found = self._find_account(facts)
        earlier = self._versions(found, facts) if found else []
        standing = next((row for row in earlier if row.superseded_by is None and row.taken_back_at is None), None)
        said = store.sum_of(self._user_id, rules.fingerprint(facts))
        known_already = any(row.fingerprint == said for row in earlier if row.taken_back_at is None)
        if standing is not None and not known_already:
            _insist_on_one_level(standing, facts)
        account = self._prepare(found, facts)
        self.credit(account.id, facts.currency, facts.payments, source_id=facts.source_id)
        if standing is None:
            row = self._add(account, facts, said=said, version=_next(earlier))
            return RecordedBill(row.id, account.id, Outcome.NEW)
        if known_already:
            return RecordedBill(standing.id, account.id, Outcome.SAME)
        known = self._facts_of(standing, account)
        whole = rules.completed(facts, known)
        if rules.fingerprint(whole) == rules.fingerprint(known):
            return RecordedBill(standing.id, account.id, Outcome.SAME)
        return self._supersede(standing, account, whole, said=said, version=_next(earlier))

    def credit(self, account_id: UUID, currency: str, payments: Sequence[Payment], *, source_id: UUID | None) -> int:
        """Keep repayments a source shows, each once; returns how many were not known before."""
        if not payments:
            return 0
        mine = self._payments_of(account_id)
        held = [row for row in mine if row.currency == currency]
        told = [(payment.credited_on, payment.amount) for payment in payments]
        fresh = 0
        known = [KnownPayment(row.credited_on, row.amount_minor, typed=row.posted_on is None) for row in held]
        for day, amount, at in rules.new_payments(told, known):
            if at is None:
                row = payment_row(self._user_id, account_id, currency, amount, posted_on=day, now=self._now)
                self._db.add(row)
                mine.append(row)
                fresh += 1
            else:
                row = held[at]
                row.posted_on = row.posted_on or day
                row.credited_on = row.posted_on  # the bank's day beats the user's
            if source_id is not None and source_id not in row.source_ids:
                row.source_ids = [*row.source_ids, source_id]
        return fresh

    def finish(self) -> None:
        """Write what is still to be written."""
        self._db.flush()
        store.add_charges(self._db, self._user_id, self._charges)
        self._charges.clear()

    def _find_account(self, facts: BillFacts) -> AccountRow | None:
        """One that holds a named card; else the bank's account for all; for a bill naming none, the one like it."""
        wanted = rules.tails(facts)
        mine = [row for row in self._all().values() if row.bank == facts.bank]
        if hits := self._hits(facts.bank, wanted):
            return min(hits, key=lambda row: (row.level != facts.level, row.added_at, row.id))
        whole = [row for row in mine if row.level == Level.ACCOUNT]
        if facts.level == Level.ACCOUNT and whole:
            return whole[0]
        if wanted:
            return None
        nameless = [row for row in mine if row.id not in self._carded]
        return nameless[0] if nameless else mine[0] if len(mine) == 1 else None

    def _prepare(self, found: AccountRow | None, facts: BillFacts) -> AccountRow:
        """The account in the state the bill shows: there, in use, at its level, with every card the bill names."""
        account = found or self._new_account(facts)
        if account.removed_at is not None:  # a bill came for a card that was put away: it is in use
            account.removed_at = None
            account.source_id = account.source_id and facts.source_id  # and falls with this bill, if an import made it
        wanted = rules.tails(facts)
        if facts.level == Level.ACCOUNT:
            account.level = Level.ACCOUNT
            for other in self._hits(facts.bank, wanted):
                self._merge(other, account)
        for tail in wanted:
            if not self._hits(facts.bank, (tail,)):
                self._db.add(card_row(account, tail, source_id=facts.source_id, now=self._now))
                self._index(facts.bank, account.id, tail)
        return account

    def _merge(self, other: AccountRow, into: AccountRow) -> None:
        """Cards that the user added one by one belong to one account, as the bank's bill shows."""
        if other.id == into.id or store.has_rows(self._db, self._user_id, other.id):
            return
        store.move_cards(self._db, self._user_id, from_account=other.id, to_account=into.id)
        store.drop_account(self._db, self._user_id, other.id)
        self._db.expire_all()
        del self._all()[other.id]
        for held in self._tails.values():
            for tail in held.pop(other.id, ()):
                self._index(into.bank, into.id, tail)

    def _supersede(
        self, standing: BillRow, account: AccountRow, whole: BillFacts, *, said: bytes, version: int
    ) -> RecordedBill:
        fresh_id = new_id()
        standing.superseded_by = fresh_id
        self._db.flush()  # the old version must stand aside before the new one may stand
        row = self._add(account, whole, said=said, version=version, bill_id=fresh_id)
        return RecordedBill(row.id, account.id, Outcome.SUPERSEDED, superseded_id=standing.id)

    def _add(
        self, account: AccountRow, facts: BillFacts, *, said: bytes, version: int, bill_id: UUID | None = None
    ) -> BillRow:
        whole = self._filled(account, facts)
        row = bill_row(account, whole, bill_id=bill_id or new_id(), said=said, version=version, now=self._now)
        self._db.add(row)
        self._versions(account, facts).append(row)
        if whole.charges:
            self._charges[row.id] = whole.charges
        return row

    def _filled(self, account: AccountRow, facts: BillFacts) -> BillFacts:
        """The bill with its due day and minimum filled by rule where it prints none, and marked as inferred."""
        if facts.total_due <= 0 or (facts.due_on is not None and facts.minimum_due is not None):
            return facts
        held = self._contracts()
        inferred = set(facts.inferred)
        if facts.due_on is None:
            due_on = contracts.guessed_due(held, account.id, self._printed(account.id), facts.statement_on)
            facts, inferred = replace(facts, due_on=due_on), inferred | {"due_on"}
        if facts.minimum_due is None:
            terms = held.card_terms(account.id, on=facts.statement_on, total=facts.total_due)
            facts = replace(facts, minimum_due=rules.guessed_minimum(facts, terms=terms))
            inferred |= {"minimum_due"}
        return replace(facts, inferred=tuple(sorted(inferred)))

    def _facts_of(self, row: BillRow, account: AccountRow) -> BillFacts:
        """A recorded version as facts again, to be compared with another copy of the same bill."""
        waiting = self._charges.get(row.id)
        if waiting is None:
            waiting = tuple(store.charges(self._db, self._user_id, [row.id]).get(row.id, ()))
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
            charges=waiting,
            source_id=row.source_id,
            known_complete=row.known_complete,
        )

    def _new_account(self, facts: BillFacts) -> AccountRow:
        account = account_row(self._user_id, facts.bank, Level(facts.level), source_id=facts.source_id, now=self._now)
        self._db.add(account)
        self._db.flush()  # what points at it may be written in any order
        self._all()[account.id] = account
        self._bills[account.id], self._payments[account.id] = {}, []
        return account

    def _all(self) -> dict[UUID, AccountRow]:
        if self._accounts is None:
            self._accounts = {row.id: row for row in store.accounts(self._db, self._user_id, removed=True)}
            for card in store.cards(self._db, self._user_id):
                self._index(self._accounts[card.account_id].bank, card.account_id, card.last_digits)
        return self._accounts

    def _index(self, bank: str, account_id: UUID, tail: str) -> None:
        self._tails.setdefault((bank, tail[-3:]), {}).setdefault(account_id, []).append(tail)
        self._carded.add(account_id)

    def _hits(self, bank: str, wanted: Sequence[str]) -> list[AccountRow]:
        """The bank's accounts that hold one of the cards; a tail of three digits may be one of four."""
        known = self._all()
        found = {
            account_id: known[account_id]
            for tail in wanted
            for account_id, tails in self._tails.get((bank, tail[-3:]), {}).items()
            if rules.matches(tails, (tail,))
        }
        return list(found.values())

    def _versions(self, account: AccountRow, facts: BillFacts) -> list[BillRow]:
        return self._by_day(account.id).setdefault((facts.currency, facts.statement_on), [])

    def _by_day(self, account_id: UUID) -> dict[BillKey, list[BillRow]]:
        if account_id not in self._bills:
            found: dict[BillKey, list[BillRow]] = {}
            for row in store.all_versions(self._db, self._user_id, account_id):
                found.setdefault((row.currency, row.statement_on), []).append(row)
            self._bills[account_id] = found
        return self._bills[account_id]

    def _printed(self, account_id: UUID) -> list[PrintedDays]:
        """The days of the account's bills of now, newest first, as many as a cycle is learned from."""
        rows = (row for held in self._by_day(account_id).values() for row in held)
        standing = [row for row in rows if row.superseded_by is None and row.taken_back_at is None]
        newest = sorted(standing, key=lambda row: row.statement_on, reverse=True)[: store.LEARNED_FROM]
        return [PrintedDays(row.statement_on, row.due_on, tuple(row.inferred)) for row in newest]

    def _payments_of(self, account_id: UUID) -> list[PaymentRow]:
        if account_id not in self._payments:
            self._payments[account_id] = list(store.payments(self._db, self._user_id, [account_id], since=date.min))
        return self._payments[account_id]

    def _contracts(self) -> Contracts:
        if self._held is None:
            self._held = Contracts(contracts.user_terms(self._db, self._user_id), self._all())
        return self._held


def account_row(user_id: UUID, bank: str, level: Level, *, source_id: UUID | None, now: datetime) -> AccountRow:
    """A new billed account."""
    return AccountRow(user_id=user_id, id=new_id(), bank=bank, level=level, label="", source_id=source_id, added_at=now)


def card_row(account: AccountRow, tail: str, *, source_id: UUID | None, now: datetime) -> CardRow:
    """A new card of an account."""
    return CardRow(
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


def payment_row(
    user_id: UUID,
    account_id: UUID,
    currency: str,
    amount: int,
    *,
    now: datetime,
    entered_on: date | None = None,
    posted_on: date | None = None,
) -> PaymentRow:
    """A new repayment, told by the user (`entered_on`) or shown by the bank (`posted_on`)."""
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


def bill_row(
    account: AccountRow, facts: BillFacts, *, bill_id: UUID, said: bytes, version: int, now: datetime
) -> BillRow:
    """One version of a bill as a row."""
    return BillRow(
        user_id=account.user_id,
        id=bill_id,
        account_id=account.id,
        currency=facts.currency,
        statement_on=facts.statement_on,
        version=version,
        total_minor=facts.total_due,
        minimum_minor=facts.minimum_due,
        due_on=facts.due_on,
        limit_minor=facts.credit_limit,
        level=facts.level,
        cycle_from=facts.cycle_from,
        cycle_to=facts.cycle_to,
        cards=list(rules.tails(facts)),
        inferred=list(facts.inferred),
        confidence=dict(facts.confidence),
        spans=dict(facts.spans),
        known_complete=facts.known_complete,
        fingerprint=said,
        source_id=facts.source_id,
        known_at=now,
    )


def _insist_on_one_level(standing: BillRow, facts: BillFacts) -> None:
    """An account's total and one of its cards' totals are not versions of each other, and are never added up."""
    if standing.level != facts.level and standing.total_minor != facts.total_due:
        raise NotABill(
            "this day's bill is known for another level (account or card); the two are never mixed", field="level"
        )


def _next(earlier: Sequence[BillRow]) -> int:
    return max((row.version for row in earlier), default=0) + 1
