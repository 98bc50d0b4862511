"""What a card's contract says on a day, by layers, and when its next bills come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from anhuan.cards import cycles, rules, store
from anhuan.cards.cycles import Cycle, DueRule
from anhuan.cards.model import CardTerms, ExpectedBill, InterestBasis, NoSuchCard, PrintedDays
from anhuan.cards.tables import AccountRow, TermRow
from anhuan.kit import calendar, terms
from anhuan.kit.ids import new_id
from anhuan.kit.terms import Term, Terms

_CARD_KEYS: Final = (
    *("daily_rate", "interest_basis", "minimum_rate", "late_fee_rate", "late_fee_minimum"),
    *("grace_days", "grace_amount", "late_tolerance"),
)


@dataclass(frozen=True, slots=True)
class Contracts:
    """The terms of all of one user's accounts, read from the database once."""

    terms: Terms
    accounts: Mapping[UUID, AccountRow]

    def scopes(self, account_id: UUID) -> tuple[str, ...]:
        """Where to look for the account's terms, nearest first."""
        account = self.accounts.get(account_id)
        if account is None:
            raise NoSuchCard("there is no such account", field="account_id")
        return terms.layers(contract=account_id, product=account.product, bank=account.bank)

    def ask(self, account_id: UUID, key: str, *, on: date) -> Term:
        """One term of an account on a day, with its layer; refuses a number nobody knows."""
        return self.terms.ask(key, on=on, scopes=self.scopes(account_id))

    def find(self, account_id: UUID, key: str, *, on: date) -> Term | None:
        """One term of an account on a day, or None."""
        return self.terms.find(key, on=on, scopes=self.scopes(account_id))

    def card_terms(self, account_id: UUID, *, on: date, total: int = 0, minimum: int = 0) -> CardTerms:
        """The terms that count for a statement of that day; total and minimum (fen) turn tolerances into amounts."""
        scopes = self.scopes(account_id)
        return read_terms(self.terms, scopes, on=on, total=total, minimum=minimum)


def contracts_of(db: Session, user_id: UUID) -> Contracts:
    """Read every term and account of the user: two questions, however many cards there are."""
    accounts = {row.id: row for row in store.accounts(db, user_id, removed=True)}
    return Contracts(user_terms(db, user_id), accounts)


def user_terms(db: Session, user_id: UUID) -> Terms:
    """The seeds with the user's and the operator's rows over them."""
    rows = [_term(row) for row in store.terms(db, user_id)]
    return terms.seeds().over(rows) if rows else terms.seeds()


def read_terms(held: Terms, scopes: Sequence[str], *, on: date, total: int = 0, minimum: int = 0) -> CardTerms:
    """The card terms of a list of scopes on a day, each with the layer it came from."""
    found = {key: held.ask(key, on=on, scopes=scopes) for key in _CARD_KEYS}
    return CardTerms(
        daily_rate=found["daily_rate"].rate,
        interest_basis=InterestBasis(found["interest_basis"].value),
        minimum_rate=found["minimum_rate"].rate,
        late_fee_rate=found["late_fee_rate"].rate,
        late_fee_minimum=int(found["late_fee_minimum"].value),
        grace_days=int(found["grace_days"].value),
        grace_amount=rules.courtesy(found["grace_amount"].value, of=max(0, total)),
        late_tolerance=rules.courtesy(found["late_tolerance"].value, of=max(0, minimum)),
        layers={key: term.layer for key, term in found.items()},
    )


def terms_of(db: Session, user_id: UUID, account_id: UUID, *, on: date, total: int = 0, minimum: int = 0) -> CardTerms:
    """The terms of one account on its statement day, nearest layer first; `layers` says which value is assumed."""
    return contracts_of(db, user_id).card_terms(account_id, on=on, total=total, minimum=minimum)


def terms_sheet(db: Session, user_id: UUID, account_id: UUID, *, on: date) -> tuple[Term, ...]:
    """Every term known for the account on a day, the nearest layer of each key, sorted by key (费用一览)."""
    held = contracts_of(db, user_id)
    scopes = held.scopes(account_id)
    keys = sorted({row.key for row in held.terms.rows() if row.scope in scopes})
    found = (held.terms.find(key, on=on, scopes=scopes) for key in keys)
    return tuple(term for term in found if term is not None)


def set_term(
    db: Session,
    user_id: UUID,
    account_id: UUID,
    key: str,
    value: Any,
    *,
    valid_from: date,
    source: str,
    now: datetime,
    valid_to: date | None = None,
) -> Term:
    """Keep what the user read in their own contract, from a day on; what held before stays for earlier days.

    Rates are decimal text, money is fen. No row is edited: the old one is retired, what is left of it added anew.
    """
    if account_id not in {row.id for row in store.accounts(db, user_id, removed=True)}:
        raise NoSuchCard("there is no such account", field="account_id")
    fresh = TermRow(
        user_id=user_id,
        id=new_id(),
        scope=f"contract:{account_id}",
        key=key,
        value=rules.read_term(key, value),
        unit=rules.UNITS[key],
        valid=Range(valid_from, valid_to),
        confidence="H",
        basis="user",
        source=source,
        checked_on=valid_from,
        retired_by=store.NOBODY,
        entered_by=user_id,
        entered_at=now,
    )
    retired = store.terms_touching(db, user_id, fresh.scope, key, fresh.valid)
    for row in retired:
        row.retired_by = fresh.id
        fresh.supersedes = row.id
    db.flush()  # the old row must stand aside before the new one may hold its days
    db.add_all([fresh, *(rest for row in retired for rest in _rests(row, fresh))])
    db.flush()
    return _term(fresh)


def cycle_of(held: Contracts, account_id: UUID, bills: Sequence[PrintedDays], *, on: date) -> Cycle | None:
    """The cycle of an account: what the user said, else learned from its printed bills; None where neither is."""
    said_day = held.find(account_id, "statement_day", on=on)
    printed = [bill for bill in bills if "statement_on" not in bill.inferred]
    if said_day is None and not printed:
        return None
    due, due_sure, due_why = _due_rule(held, account_id, printed, on=on)
    learned = cycles.learn_statement_day([bill.statement_on for bill in printed]) if printed else None
    if said_day is not None:
        statement_day, sure, why = int(said_day.value), 1.0, "statement day by the user"
    else:
        assert learned is not None
        statement_day, sure = learned.value, learned.sure
        why = f"statement day {learned.value} on {learned.right} of {learned.seen} bills"
    return Cycle(
        statement_day=statement_day,
        due=due,
        statement_shift=str(held.ask(account_id, "statement_shift", on=on).value),
        due_shift=str(held.ask(account_id, "due_shift", on=on).value),
        moved=_moved(held, account_id),
        sure=min(sure, due_sure),
        why=f"{why}; {due_why}",
    )


def upcoming(cycle: Cycle, account_id: UUID, *, after: date, until: date) -> tuple[ExpectedBill, ...]:
    """The statements expected after one day up to and including another."""
    found = cycles.statements_between(cycle, after=after, until=until, calendar=calendar.current())
    return tuple(ExpectedBill(account_id, statement, due, cycle.sure, cycle.why) for statement, due in found)


def upcoming_bills(
    db: Session, user_id: UUID, account_id: UUID, *, after: date, until: date
) -> tuple[ExpectedBill, ...]:
    """Expected statement and due days of one account, by its cycle; empty while nothing is known about it."""
    return upcoming_of_all(db, user_id, [account_id], after=after, until=until).get(account_id, ())


def upcoming_of_all(
    db: Session, user_id: UUID, account_ids: Sequence[UUID], *, after: date, until: date
) -> Mapping[UUID, tuple[ExpectedBill, ...]]:
    """The same for many accounts with three questions in all."""
    held = contracts_of(db, user_id)
    printed = store.printed_days(db, user_id, account_ids)
    found: dict[UUID, tuple[ExpectedBill, ...]] = {}
    for account_id in account_ids:
        cycle = cycle_of(held, account_id, printed.get(account_id, ()), on=after)
        if cycle is not None:
            found[account_id] = upcoming(cycle, account_id, after=after, until=until)
    return found


def guessed_due(held: Contracts, account_id: UUID, bills: Sequence[PrintedDays], statement_on: date) -> date:
    """The due day of a bill that prints none: by the account's own due rule, else its bank's usual one."""
    due, _, _ = _due_rule(held, account_id, bills, on=statement_on)
    shift = str(held.ask(account_id, "due_shift", on=statement_on).value)
    cycle = Cycle(statement_on.day, due, due_shift=shift)
    return cycles.due_after(cycle, statement_on, calendar=calendar.current())


def _due_rule(
    held: Contracts, account_id: UUID, bills: Sequence[PrintedDays], *, on: date
) -> tuple[DueRule, float, str]:
    """The user's own word, else what printed bills show, else the bank's usual offset."""
    scopes = (f"contract:{account_id}",)
    if said := held.terms.find("due_day", on=on, scopes=scopes):
        gap = terms.ask("due_day_least_gap", on=on, scopes=("platform",)).value
        return DueRule(day=int(said.value), least_gap=gap), 1.0, "due day by the user"
    if said := held.terms.find("due_offset_days", on=on, scopes=scopes):
        return DueRule(offset_days=int(said.value)), 1.0, "days to the due day by the user"
    usual = held.ask(account_id, "due_offset_days", on=on)
    pairs = [(bill.statement_on, bill.due_on) for bill in bills if bill.due_on and "due_on" not in bill.inferred]
    fixed = held.find(account_id, "due_day", on=on)
    if fixed is not None and all(due.day == fixed.value for _, due in pairs):
        gap = terms.ask("due_day_least_gap", on=on, scopes=("platform",)).value
        why = f"due day {fixed.value}, usual ({fixed.layer}), on {len(pairs)} bills"
        return DueRule(day=int(fixed.value), least_gap=gap), 1.0 if pairs else 0.5, why
    if not pairs:
        return DueRule(offset_days=int(usual.value)), 0.5, f"{usual.value} days to the due day, usual ({usual.layer})"
    allowed = terms.ask("cycle_offset_days", on=on, scopes=("platform",)).value
    gap = terms.ask("due_day_least_gap", on=on, scopes=("platform",)).value
    offsets = range(allowed["from"], allowed["to"] + 1)
    rule = cycles.learn_due(pairs, offsets=offsets, assumed=int(usual.value), least_gap=gap)
    learned = cycles.due_rule_sure(rule, pairs)
    what = f"due day {rule.day}" if rule.offset_days is None else f"{rule.offset_days} days to the due day"
    return rule, learned.sure, f"{what} on {learned.right} of {learned.seen} bills"


def _moved(held: Contracts, account_id: UUID) -> dict[tuple[int, int], date]:
    """Statement days that the bank moved in single months, as the user noted them."""
    scope = f"contract:{account_id}"
    rows = (row for row in held.terms.rows() if row.scope == scope and row.key == "statement_on")
    return {(row.valid_from.year, row.valid_from.month): date.fromisoformat(row.value) for row in rows}


def _rests(old: TermRow, fresh: TermRow) -> list[TermRow]:
    """What the old row still says on the days before and after the new one."""
    pieces: list[Range[date]] = []
    lower, upper = old.valid.lower, old.valid.upper
    starts, ends = fresh.valid.lower, fresh.valid.upper
    if starts is not None and (lower is None or lower < starts):
        pieces.append(Range(lower, starts))
    if ends is not None and (upper is None or ends < upper):
        pieces.append(Range(ends, upper))
    return [_copied(old, days) for days in pieces]


def _copied(old: TermRow, days: Range[date]) -> TermRow:
    return TermRow(
        user_id=old.user_id,
        id=new_id(),
        scope=old.scope,
        key=old.key,
        value=old.value,
        unit=old.unit,
        valid=days,
        confidence=old.confidence,
        basis=old.basis,
        source=old.source,
        checked_on=old.checked_on,
        supersedes=old.id,
        retired_by=store.NOBODY,
        entered_by=old.entered_by,
        approved_by=old.approved_by,
        entered_at=old.entered_at,
    )


def _term(row: TermRow) -> Term:
    return Term(
        scope=row.scope,
        key=row.key,
        value=row.value,
        unit=row.unit,
        valid_from=row.valid.lower or date.min,
        valid_to=row.valid.upper,
        confidence=row.confidence,
        basis=row.basis,
        source=row.source,
        checked_on=row.checked_on,
    )
