"""What the tracking pages show of an order: its ends, what happened and when, what is awaited and until when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels
from anhuan.cards.model import AccountFace, BoardEntry, OwnAccount
from anhuan.channels import capabilities, evidence, manual
from anhuan.channels.evidence_rules import PROOFS, Kind
from anhuan.channels.model import Unknown, Why
from anhuan.kit import clock
from anhuan.repayments import failures, precheck, store, under_way, views
from anhuan.repayments.failure_rules import Failure
from anhuan.repayments.model import OPEN, EventKind, OrderStatus, OrderView, Stamp

S = OrderStatus
FIRST_PAUSE: Final = 3  # seconds until an open order's page asks again; each pause is longer, to LONGEST
LONGEST: Final = 30
LOOKED: Final = 30  # orders looked through for what went wrong
FRESH: Final = timedelta(days=7)  # so long a payment that came to nothing stays on the first page
GOOD: Final = OPEN | {OrderStatus.ARRIVED}
AWAITED: Final = {
    S.SCHEDULED: ("start", "arrive"), S.PLACED: ("accept", "promise", "arrive"), S.SENT: ("promise", "arrive"),
    S.PROMISED: ("arrive",), S.IN_DOUBT: ("clear",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderShown:
    """One order with the names of both ends; None where card or account are put away."""

    order: OrderView
    account: AccountFace | None
    source: OwnAccount | None
    channel_zh: str
    channel_en: str
    by_hand: bool
    marked: bool  # the payer says that it was paid by hand
    left_behind: bool  # a newer bill tells what is owed: the payer should say what became of it

    @property
    def walks(self) -> bool:
        """Whether it waits for the payer to pay it at the bank."""
        waits = self.by_hand and not self.marked and self.order.status in (S.PLACED, S.SENT)
        return waits and not self.left_behind


@dataclass(frozen=True, slots=True)
class OnWay:
    """What of one bill is arranged or on its way, fen; what is left to pay beside it; until when it is expected."""

    amount: int
    rest: int
    expected_at: datetime | None
    in_doubt: bool
    walks: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stage to come: which, and by when it is expected where that is known."""

    stage: str
    by: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence of arrival: what it is, the day it shows, whether it was taken back."""

    id: UUID
    kind: str
    on: date | None
    source: str
    given_at: datetime
    receipt: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """还款进度: everything known of one order, and how soon to ask again (0: it is at its end)."""

    shown: OrderShown
    past: tuple[Stamp, ...]
    ahead: tuple[Ahead, ...]
    proofs: tuple[Proof, ...]
    pause: int
    next_pause: int
    successor: UUID | None
    failure: Failure | None  # why it came to nothing or waits, and what to do

    @property
    def may_cancel(self) -> bool:
        """Whether nothing is known to have gone out."""
        order = self.shown.order
        return order.status in (S.SCHEDULED, S.PLACED) and order.sent_at is None

    @property
    def may_retry(self) -> bool:
        """Whether another order may take its place."""
        return self.shown.order.status in (S.FAILED, S.GIVEN_BACK) and self.successor is None


def shown(db: Session, party: UUID, orders: Sequence[OrderView], *, today: date) -> tuple[OrderShown, ...]:
    """Orders with the names of their ends."""
    faces = {one.account_id: one for one in cards.accounts(db, party)}
    own = {one.account_id: one for one in cards.own_accounts(db, party)}
    named = {name: capabilities.way(name, on=today) for name in {one.channel for one in orders}}
    hands = {one.order_id for one in orders if named[one.channel].connector == manual.ByHand.name}
    still = [one for one in orders if one.status in OPEN]
    said = evidence.said_paid(db, [(party, one.key) for one in still if one.key and one.order_id in hands])
    behind = under_way.left_behind(db, {(party, one.account_id) for one in still}, on=today)
    return tuple(
        OrderShown(
            one, faces.get(one.account_id), own.get(one.source_id), named[one.channel].zh, named[one.channel].en,
            by_hand=one.order_id in hands, marked=one.status in OPEN and (party, one.key) in said,
            left_behind=one.order_id in behind,
        )
        for one in orders
    )  # fmt: skip


def at_once(db: Session, order: OrderView, *, now: datetime) -> OrderView:
    """An order with what keeps it from going out at this moment, also where nobody has tried yet, and with the moment
    of the next try: the channels' own, which comes sooner than the room's own look."""
    if order.status is not S.PLACED or order.sent_at is not None or order.key is None:
        return order
    until = channels.held_until(db, order.party, order.key, now=now)
    known = channels.known(db, order.party, order.key)
    if isinstance(known, Unknown) and known.why is Why.BUSY:
        return replace(order, next_at=known.again_at or until)
    if until is None:
        return order
    wait = precheck.wait_of(db, order.party, order.account_id, now=now)
    wait = wait or precheck.stopped_by(db, order.channel, order.bank, now=now)
    return replace(order, wait=wait, next_at=until)


def just_made(db: Session, party: UUID, group_id: UUID, *, now: datetime) -> tuple[OrderShown, ...]:
    """The orders of one confirmation right after it, with what keeps them."""
    found = [at_once(db, one, now=now) for one in views.of_group(db, party, group_id)]
    return shown(db, party, found, today=now.astimezone(clock.CHINA).date())


def of_group(db: Session, party: UUID, group_id: UUID, *, today: date) -> tuple[OrderShown, ...]:
    """The orders of one confirmation."""
    return shown(db, party, views.of_group(db, party, group_id), today=today)


def progress_of(
    db: Session, party: UUID, order: OrderView, *, today: date, lang: str = "zh", pause: int = FIRST_PAUSE
) -> Progress:  # fmt: skip
    """The whole story of one order as far as it is known."""
    after = store.successor(db, party, order.order_id)
    one = shown(db, party, [order], today=today)[0]
    past = tuple(views.timeline(db, party, order.order_id))
    still = order.status in OPEN
    return Progress(
        one, past, _ahead(one, past), proofs_of(db, party, order), *(pauses(pause) if still else (0, 0)),
        after.id if after else None,
        failures.of(db, order, lang) if order.wait is not None or order.status in (S.FAILED, S.GIVEN_BACK) else None,
    )  # fmt: skip


def pauses(pause: int) -> tuple[int, int]:
    """How long an open page waits before it asks again (seconds), and how long after that."""
    wait = min(max(FIRST_PAUSE, pause), LONGEST)
    return wait, min(wait * 3 // 2 + 1, LONGEST)


def proofs_of(db: Session, party: UUID, order: OrderView) -> tuple[Proof, ...]:
    """The evidence of its arrival, in the order in which it was given."""
    if order.key is None:
        return ()
    rows = evidence.of(db, party, order.key).rows
    doubted = {one.about_id for one in rows if one.kind == Kind.DOUBT}
    return tuple(
        Proof(one.id, one.kind, one.posted_on, one.source, one.given_at, one.receipt_sha256 or "", one.id in doubted)
        for one in rows
        if one.kind in PROOFS or one.kind == Kind.MARKED
    )


def ways_of(entries: Sequence[BoardEntry], shown_orders: Sequence[OrderShown]) -> dict[UUID, OnWay]:
    """What of each bill in yuan is on its way, by its id: each fen is counted once, the nearest bill first."""
    left: dict[UUID, int] = {}
    shown_orders = [one for one in shown_orders if not one.left_behind]
    for order in (one.order for one in shown_orders):
        left[order.account_id] = left.get(order.account_id, 0) + order.amount
    found = {}
    for entry in entries:
        account = entry.account.account_id
        covered = min(entry.open, left.get(account, 0)) if entry.bill.currency == "CNY" else 0
        if not covered:
            continue
        left[account] -= covered
        mine = [one for one in shown_orders if one.order.account_id == account]
        found[entry.bill.bill_id] = OnWay(
            covered, entry.open - covered, _last(mine), any(one.order.status is S.IN_DOUBT for one in mine),
            any(one.walks for one in mine),
        )  # fmt: skip
    return found


def _last(mine: Sequence[OrderShown]) -> datetime | None:
    """When the last of these is expected; what waits for the payer to walk has no such moment."""
    return max((one.order.expected_at for one in mine if one.order.expected_at and not one.walks), default=None)


def stuck(db: Session, party: UUID, *, now: datetime, today: date) -> tuple[OrderShown, ...]:
    """What a person should look at: orders in doubt, those by hand that a newer bill left behind, and those that came
    to nothing lately and were not made again."""
    looked = shown(db, party, views.orders(db, party, at_most=LOOKED), today=today)
    later = {(one.order.account_id, one.order.placed_at) for one in looked if one.order.status in GOOD}
    return tuple(
        one
        for one in looked
        if one.order.status is S.IN_DOUBT
        or one.left_behind
        or (
            _came_to_nothing(db, one.order, now)
            and not any(at > one.order.placed_at for account, at in later if account == one.order.account_id)
        )
    )


def _came_to_nothing(db: Session, order: OrderView, now: datetime) -> bool:
    if order.status not in (S.FAILED, S.GIVEN_BACK) or order.closed_at is None or now - order.closed_at >= FRESH:
        return False
    return views.successor_of(db, order.party, order.order_id) is None


def _ahead(one: OrderShown, past: Sequence[Stamp]) -> tuple[Ahead, ...]:
    order = one.order
    stages = AWAITED.get(order.status, ())
    if one.by_hand and order.status in (S.PLACED, S.SENT):
        stages = ("arrive",) if one.marked or one.left_behind else ("walk", "arrive")
    if order.status is S.SENT and not one.by_hand and not any(it.kind is EventKind.ACCEPTED for it in past):
        stages = ("accept", *stages)
    by = {"start": order.start_at, "arrive": None if one.by_hand else order.expected_at, "clear": order.next_at,
          "walk": order.safe_by_at or order.by_hand_at}  # fmt: skip
    return tuple(Ahead(stage, by.get(stage)) for stage in stages)
