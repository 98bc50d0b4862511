"""Proof of arrival from imported statements, and what an arrival credits to the bill: "the two are one".

`look` compares what waits for proof with the lines that stand: a pair is evidence, a line that vanished is a doubt, and
what cannot be told apart is told. `credit` keeps one repayment on the bill for each order that arrived, joined with the
bank's own row of it in whichever order the two come.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels, statements
from anhuan.channels import capabilities, evidence, manual
from anhuan.channels.evidence import Given, Proof
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.model import Settled
from anhuan.kit import clock, ids, jobs, terms
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import matching_rules, store_matching, views
from anhuan.repayments.matching_rules import Sent, Shown
from anhuan.repayments.model import EventKind, OrderStatus, OrderView
from anhuan.repayments.tables import EventRow, OrderRow
from anhuan.repayments.tables_matching import CreditRow
from anhuan.statements import Repaid

COMPARE: Final = "repayments.compare"
WORKER: Final = Actor(ActorKind.WORKER)
GONE: Final = "账单或流水里不再有这一笔（导入已撤销，或账单已更正）"


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did: orders proved, proofs doubted, orders whose lines cannot be told apart."""

    proved: tuple[UUID, ...] = ()
    doubted: tuple[UUID, ...] = ()
    unclear: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """An order with what proves it: imported lines by id, and what other bank data show."""

    row: OrderRow
    proofs: Mapping[UUID, Given]  # line to the proof that rests on it
    other: Given | None


def promise(db: Session, party: UUID) -> None:
    """Let the worker compare this party's payments with what has just been imported or taken back."""
    jobs.defer(db, COMPARE, lock=f"compare {party}", party=party)


def turned(db: Session, party: UUID) -> None:
    """What room statements calls after an import or an undo: the payer sees within seconds what it proves."""
    if store_matching.any_sent(db, party):
        promise(db, party)


def look(db: Session, party: UUID, *, now: datetime) -> Looked:
    """Compare what waits for proof with the imported lines, as the worker; twice is once."""
    store_matching.lock(db, "compare", party)
    page = store_matching.page(db, party)
    if page is None:
        return Looked()
    back = timedelta(days=_number("match_days_back", now))
    held = _held(db, party, store_matching.comparable(db, party, since=now - back))
    lines = _lines(db, party, held, now=now)
    known = {line_id for line in lines for line_id in (line.line_id, *line.also)}
    doubted = [one for one in held if set(one.proofs) - known]
    for one in doubted:
        for line_id in set(one.proofs) - known:
            evidence.doubt(db, WORKER, party, _key(one), one.proofs[line_id].id, reason=GONE, now=now)
    proved, unclear = _pair(db, party, held, lines, known, now=now)
    _conclude(db, party, [*doubted, *proved], now=now)
    store_matching.looked(db, party, page, now)
    return Looked(*(tuple(one.row.id for one in some) for some in (proved, doubted, unclear)))


def credit(db: Session, order: OrderView, *, now: datetime) -> None:
    """Credit the bill of an order that arrived, once, or take that credit back where it is no longer proved.

    A repayment that the bank's own data show is joined and never taken away.
    """
    held = store_matching.credit_of(db, order.party, order.order_id)
    wanted = _wanted(db, order) if order.status is OrderStatus.ARRIVED else None
    if wanted == (held and (held.account_id, held.credited_on, held.amount_minor)):
        return
    store_matching.lock(db, "credit", order.account_id)
    places = {wanted} if wanted else set()
    if held is not None:
        places.add((held.account_id, held.credited_on, held.amount_minor))
        cards.take_back(db, order.party, held.source_id, now=now)
        db.delete(held)
        db.flush()
    if wanted is not None:
        db.add(CreditRow(user_id=order.party, order_id=order.order_id, account_id=wanted[0], credited_on=wanted[1],
                         amount_minor=wanted[2], source_id=order.order_id, credited_at=now))  # fmt: skip
        db.flush()
    for account_id, day, amount in sorted(places):
        _credit_again(db, order.party, account_id, day, amount, now=now)


def _credit_again(db: Session, party: UUID, account_id: UUID, day: date, amount: int, *, now: datetime) -> None:
    """Tell room cards how many orders arrived with this amount on this day, in one name: equal ones stay several."""
    rows = store_matching.credits_on(db, party, account_id, day, amount)
    for source in sorted({row.source_id for row in rows}):
        cards.take_back(db, party, source, now=now)
    for row in rows:
        row.source_id = rows[0].order_id
    if rows:
        told = [cards.Payment(day, amount)] * len(rows)
        cards.credit_payments(db, party, account_id, "CNY", told, source_id=rows[0].order_id, now=now)
    db.flush()


def _wanted(db: Session, order: OrderView) -> tuple[UUID, date, int] | None:
    """Account, day and amount to credit; the day of the statement's own line beats every other."""
    assert order.key is not None, "what arrived was sent"
    rows = evidence.of(db, order.party, order.key).rows
    days = [row.posted_on for row in evidence.standing_proofs(rows) if row.kind == Kind.STATEMENT and row.posted_on]
    day = min(days, default=order.arrived_on)
    amount = order.amount if order.arrived is None else order.arrived
    return (order.account_id, day, amount) if day is not None and amount > 0 else None


def _pair(
    db: Session, party: UUID, held: Sequence[_Held], lines: Sequence[Repaid], known: set[UUID], *, now: datetime
) -> tuple[list[_Held], list[_Held]]:
    """Give what pairs as evidence; returns the orders proved, and those that stay unclear."""
    by_id = {one.row.id: one for one in held}
    shown = {line.line_id: line for line in lines}
    proved, unclear = list[_Held](), list[_Held]()
    accounts: dict[UUID, list[_Held]] = defaultdict(list)
    for one in held:
        accounts[one.row.account_id].append(one)
    for account_id, mine in accounts.items():
        theirs = [_shown(line) for line in lines if line.account_id == account_id]
        pairs = matching_rules.pair([_sent(db, one, known, now=now) for one in mine], theirs)
        for order_id, line_id in pairs.found.items():
            _give(db, party, by_id[order_id], shown[line_id], now=now)
            proved.append(by_id[order_id])
        unclear += [by_id[order_id] for order_id in pairs.unclear]
    _tell(db, party, unclear, now=now)
    return proved, sorted(unclear, key=lambda one: one.row.id)


def _give(db: Session, party: UUID, one: _Held, line: Repaid, *, now: datetime) -> None:
    """The line as evidence; one that was doubted before is a new proof when it stands again."""
    before = [row for row in evidence.of(db, party, _key(one)).rows if _line_of(row) == line.line_id]
    source = f"{line.line_id} {len(before) + 1}" if before else str(line.line_id)
    told = Proof(Kind.STATEMENT, source, line.posted_on, amount=line.amount)
    evidence.give(db, WORKER, party, _key(one), told, now=now)


def _conclude(db: Session, party: UUID, changed: Sequence[_Held], *, now: datetime) -> None:
    """Draw the conclusions, all instructions held first so that nobody waits for anybody in a circle."""
    keys = sorted({_key(one) for one in changed})
    evidence.hold(db, party, keys)
    for key in keys:
        evidence.weigh(db, party, key, now=now)
    db.expire_all()
    for order_id in sorted({one.row.id for one in changed}):
        credit(db, views.find(db, party, order_id), now=now)


def _tell(db: Session, party: UUID, unclear: Sequence[_Held], *, now: datetime) -> None:
    """Say on the timeline, once, that lines fit this payment and another alike."""
    told = store_matching.is_told(db, party, [one.row.id for one in unclear], EventKind.UNCLEAR)
    for one in unclear:
        if one.row.id not in told:
            db.add(EventRow(user_id=party, id=ids.new_id(), order_id=one.row.id, at=now, kind=EventKind.UNCLEAR,
                            code="", facts="{}"))  # fmt: skip


def _held(db: Session, party: UUID, rows: Sequence[OrderRow]) -> list[_Held]:
    seen = evidence.of_many(db, party, [row.key for row in rows if row.key is not None])
    found = []
    for row in rows:
        assert row.key is not None
        standing = evidence.standing_proofs(seen.get(row.key, ()))
        proofs = {line: one for one in standing if (line := _line_of(one)) is not None}
        other = next((one for one in standing if one.id not in {proof.id for proof in proofs.values()}), None)
        found.append(_Held(row, proofs, other))
    return found


def _lines(db: Session, party: UUID, held: Sequence[_Held], *, now: datetime) -> Sequence[Repaid]:
    """The repayments that imported lines show on these cards, back to the first day that matters."""
    if not held:
        return ()
    first = min(_day(one.row.sent_at or now) for one in held)
    days = timedelta(days=_number("match_days", now))
    return statements.repaid(db, party, {one.row.bank for one in held}, since=first - days)


def _sent(db: Session, one: _Held, known: set[UUID], *, now: datetime) -> Sent:
    row = one.row
    assert row.sent_at is not None
    first = _day(row.sent_at)
    by_hand = capabilities.way(row.channel, on=_day(now)).connector == manual.ByHand.name
    last = max(first, row.due_on or first) if by_hand else first
    days, other = timedelta(days=_number("match_days", now)), one.other
    posted = None if other is None else row.amount_minor if other.amount_minor is None else other.amount_minor
    return Sent(
        row.id, frozenset({row.amount_minor, row.amount_minor - _fee_kept(db, one)}), row.sent_at, first, last + days,
        posted_on=None if other is None else other.posted_on, posted=posted, lines=frozenset(set(one.proofs) & known),
    )  # fmt: skip


def _fee_kept(db: Session, one: _Held) -> int:
    """What the channel told that it kept on the way; nothing where it is a person who walks."""
    if one.row.status not in store_matching.WAITING:
        return 0
    known = channels.known(db, one.row.user_id, _key(one))
    return known.fee_kept if isinstance(known, Settled) else 0


def _shown(line: Repaid) -> Shown:
    return Shown(line.line_id, line.amount, line.posted_on, line.traded_on, line.also)


def _line_of(row: Given) -> UUID | None:
    """The imported line that a proof rests on; None for one that somebody gave otherwise."""
    if row.kind != Kind.STATEMENT:
        return None
    try:
        return UUID(row.source.split()[0])
    except ValueError:
        return None


def _key(one: _Held) -> UUID:
    assert one.row.key is not None
    return one.row.key


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()


def _number(key: str, now: datetime) -> int:
    found: int = terms.ask(key, on=_day(now), scopes=("repayments",)).value
    return found
