"""A whole plan, confirmed once: every payment and fee of it on one page, one proof, one group of orders (S0-16).

What a plan pays for bills that are not there yet is a forecast and cannot be confirmed. Orders of an earlier plan whose
day has not come are taken back and replaced in the same transaction; nobody's old confirmation is used again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, planning
from anhuan.identity import stepup
from anhuan.identity.limits import OverOwnLimit
from anhuan.kit import audit, calendar, clock, ids, vault
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused
from anhuan.planning import BadPlan, ExplainedPlan, Legs, Payment, PlanLeg, Request
from anhuan.planning.model import Card as PlannedCard
from anhuan.planning.model import Credit, Flow
from anhuan.planning.service import BillLeft
from anhuan.repayments import day_limits, fees, locks, quoting, service, store, store_plans, under_way, views, ways
from anhuan.repayments.day_limits import OverSingleLimit
from anhuan.repayments.model import (
    AmountRule,
    Changed,
    GroupKind,
    NothingToPay,
    OrderStatus,
    OrderView,
    OverDayLimit,
    PayPart,
    Quote,
    RepayAsk,
    TooLittleMoney,
    Trouble,
)
from anhuan.repayments.payers import Payer
from anhuan.repayments.tables import OrderRow
from anhuan.repayments.tables_plans import PlanRow

PARTS: Final = ("balance", "bill", "income", "channel")  # what a fingerprint is made of, in this order
SHORT: Final = 8  # bytes of each
_LATER: Final = {TooLittleMoney.code, OverDayLimit.code, OverOwnLimit.code, OverSingleLimit.code}


@dataclass(frozen=True, slots=True)
class KnownLeg:
    """A payment of a plan for a bill that is there: how much of it (fen), and the day on which it had better go."""

    leg: PlanLeg
    amount: int
    on: date

    def paid(self, on: date | None = None) -> Payment:
        """The payment as the planner's rules judge it, on its day or on another."""
        leg = self.leg
        day = (on or self.on).toordinal()
        return Payment(day, str(leg.account.account_id), leg.channel.channel_id, str(leg.card.account_id), self.amount)


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One payment of a plan as it would be made, and what the planner says it saves (fen)."""

    quote: Quote
    saves: int
    credited_on: date


@dataclass(frozen=True, slots=True)
class PlanWish:
    """Everything a person sees before confirming a whole plan; amounts in fen."""

    items: tuple[PlanItem, ...]  # what can be confirmed
    blocked: tuple[PlanItem, ...]  # what cannot, each with its trouble
    replaced: tuple[OrderView, ...]  # arranged by the plan before, and taken back by this one
    left: tuple[BillLeft, ...]  # bills that stay open, with their interest
    cost: int
    horizon_on: date
    fingerprint: bytes

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """What is confirmed, in order."""
        return tuple(one.quote for one in self.items)

    @property
    def amount(self) -> int:
        """What reaches the cards."""
        return sum(one.amount for one in self.quotes)

    @property
    def fee(self) -> int:
        """All fees."""
        return sum(one.fee for one in self.quotes)

    def digest(self) -> str:
        """SHA-256 over all that is shown: payments, fees, what is taken back, what stays open and what it costs."""
        said = [
            dict(service.act_of(UUID(int=0), UUID(int=0), self.quotes).facts),
            [str(one.order_id) for one in self.replaced],
            [[str(one.card.account_id), one.due_on.isoformat(), one.open, one.interest] for one in self.left],
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def key(self, intent: UUID) -> UUID:
        """The request key of this intent for exactly this plan: another plan is another act, and wants its own proof.

        It holds what is taken back and stays open, so the proof is bound to these as well.
        """
        return ids.derive(intent, f"plan {self.digest()}")


def wish_of(db: Session, party: UUID, *, now: datetime, lang: str = "zh") -> PlanWish:
    """Plan for the party as it stands now, and quote all of it."""
    made = planning.plan_mine(db, party, as_of=now.astimezone(clock.CHINA).date())
    return quotes_of(db, party, made, now=now, lang=lang)


def quotes_of(db: Session, party: UUID, made: ExplainedPlan, *, now: datetime, lang: str = "zh") -> PlanWish:
    """The payments of a plan as quotes: fees share the month's quota, limits count what the plan pays before on a day.

    A payment of a later day is not refused for the money or the limits of today: they are weighed again on its day.
    """
    replaced = arranged(db, party)
    items, blocked = list[PlanItem](), list[PlanItem]()
    spent, days, seen = dict[str, int](), dict[date, int](), ways.look(db, {party}, now=now)
    with _taken_back(db, replaced, now=now):
        for one in legs_of(made):
            quote = _quoted(db, party, one, spent, days, seen, now=now, lang=lang)
            (blocked if quote.troubles else items).append(PlanItem(quote, one.leg.saves, one.leg.credited_on))
    return PlanWish(
        tuple(items), tuple(blocked), tuple(views.view_of(row) for row in replaced), made.left, made.cost, made.last,
        fingerprint(db, party, made.request),
    )  # fmt: skip


def legs_of(made: ExplainedPlan) -> list[KnownLeg]:
    """The payments that can be confirmed, each on the last safe day of its channel where that is earlier, is allowed
    and costs nothing more: the cheapest plan may wait for the due day's last hour, a careful payer does not."""
    found = [KnownLeg(leg, amount, leg.on) for leg, amount in planning.of_known_bills(made)]
    rest = forecast(made, found)
    dues = {card.id: date.fromordinal(card.statements[0].due) for card in made.request.cards}
    for place, one in enumerate(found):
        safe = max(made.as_of, _safe_day(one.leg, dues[str(one.leg.card.account_id)]))
        if safe >= one.on:
            continue
        moved = replace(one, on=safe)
        others = [other.paid() for other in found if other is not one]
        cost = cost_with(made, [moved.paid(), *others, *rest])
        if cost is not None and cost <= made.cost:
            found[place] = moved
    return sorted(found, key=lambda one: (one.on, one.leg.card.account_id))


def forecast(made: ExplainedPlan, known: Sequence[KnownLeg]) -> list[Payment]:
    """What a plan pays for bills to come: all its payments without what is known."""
    left: dict[tuple[str, str, int, str], int] = {}
    for one in known:
        paid = one.paid(one.leg.on)
        spot = (paid.card, paid.account, paid.day, paid.channel)
        left[spot] = left.get(spot, 0) + one.amount
    found = []
    for payment in made.plan.legs.payments:
        spot = (payment.card, payment.account, payment.day, payment.channel)
        taken = min(payment.amount, left.get(spot, 0))
        left[spot] = left.get(spot, 0) - taken
        if payment.amount > taken:
            found.append(replace(payment, amount=payment.amount - taken))
    return found


def cost_with(made: ExplainedPlan, payments: Sequence[Payment]) -> int | None:
    """What these payments would cost in place of the plan's own, fen; None where they are not allowed."""
    own = made.plan.legs
    legs = Legs(tuple(payments), own.instalments, own.draws, own.line_repayments)
    try:
        breakdown, _ = planning.cost_of(made.request, planning.settle_fees(made.request, legs))
    except (BadPlan, KeyError):  # KeyError: a channel or card that the household has no longer
        return None
    return breakdown.total


def confirm(
    db: Session, who: Actor, wish: PlanWish, *, intent: UUID, answer: stepup.Answer | None, now: datetime
) -> tuple[OrderView, ...]:  # fmt: skip
    """Take back what the plan before still had arranged, place all of this one after one proof, and let it stand.

    The same intent gives back the same orders. Raises `StepUpNeeded`, `NothingToPay`, and what `service.confirm` does.
    """
    assert who.party_id is not None
    party = who.party_id
    store.lock_party(db, party)
    if (known := store_plans.plan(db, party, intent)) is not None:
        return tuple(views.view_of(row) for row in store.of_group(db, party, known.group_id))
    if not wish.items:
        raise NothingToPay("这份方案里没有现在能确认的还款。")
    if (before := store_plans.standing(db, party)) is not None:
        before.ended_at = now
        db.flush()
    locks.hold(db, party, [order.order_id for order in wish.replaced])
    for order in wish.replaced:
        service.cancel(db, who, party, order.order_id, now=now)
    orders = service.confirm(
        db, who, wish.quotes, key=wish.key(intent), kind=GroupKind.PLAN, answer=answer, now=now
    )  # fmt: skip
    _stand(db, who, wish, intent, orders[0].group_id, now=now)
    return orders


def arranged(db: Session, party: UUID) -> Sequence[OrderRow]:
    """Orders of the standing plan whose day has not come."""
    plan = store_plans.standing(db, party)
    return () if plan is None else store_plans.arranged(db, party, plan.group_id)


def counted(db: Session, party: UUID, request: Request) -> Request:
    """The planning request with what is on its way counted as paid, and what it takes as gone (planning.above).

    What the standing plan has arranged is planned anew and not counted: a plan may only change what has not begun.
    """
    free = {row.id for row in arranged(db, party)}
    opens = store.open_orders(db, party)
    free |= under_way.left_behind(db, {(party, row.account_id) for row in opens}, on=date.fromordinal(request.as_of))
    counting = [row for row in opens if row.id not in free]
    own = {one.account_id: one for one in cards.own_accounts(db, party)}
    known = [one.balance_on for one in own.values() if one.balance_on is not None]
    since = datetime.combine(min(known), datetime.min.time(), clock.CHINA) if known else None
    arrived = () if since is None else store_plans.arrived_since(db, party, since.astimezone(UTC))
    gone = [
        Flow(
            str(row.source_id), max(request.as_of, _day(row.start_at).toordinal()), -(row.amount_minor + row.fee_minor)
        )
        for row in (*counting, *arrived)
        if row.source_id in own and _is_news(row, own[row.source_id].balance_on)
    ]
    if not counting and not gone:
        return request
    accounts = {account.id for account in request.accounts}
    return replace(
        request,
        flows=(*request.flows, *(flow for flow in gone if flow.account in accounts)),
        cards=tuple(_credited(card, counting, request.as_of) for card in request.cards),
    )


def fingerprint(db: Session, party: UUID, request: Request) -> bytes:
    """What a plan rests on, without its day: keyed hashes of balances, bills, expected money, and channels' terms."""
    said: Mapping[str, object] = {
        "balance": request.accounts,
        "bill": [replace(card, statements=card.statements[:1]) for card in request.cards],
        "income": planning.flows(db, party),
        "channel": (request.channels, calendar.current().version),
    }
    return b"".join(vault.keyed_hash(f"repay.plan.{part}", repr(said[part]), party=party)[:SHORT] for part in PARTS)


def differs_in(one: bytes, other: bytes) -> str:
    """The first part in which two fingerprints differ, or ""."""
    for place, part in enumerate(PARTS):
        if one[place * SHORT : (place + 1) * SHORT] != other[place * SHORT : (place + 1) * SHORT]:
            return part
    return ""


def _quoted(
    db: Session, party: UUID, one: KnownLeg, spent: dict[str, int], days: dict[date, int], seen: ways.Seen, *,
    now: datetime, lang: str,
) -> Quote:  # fmt: skip
    leg, later = one.leg, one.on > _day(now)
    ask = RepayAsk(
        leg.card.account_id, leg.account.account_id, AmountRule.PLANNED, one.amount, leg.channel.channel_id,
        one.on if later else None,
    )  # fmt: skip
    payer, quote = seen.payers[party], quoting.quote(db, party, ask, now=now, lang=lang, seen=seen)
    troubles = [trouble for trouble in quote.troubles if not (later and trouble.code in _LATER)]
    parts = tuple(_priced(payer, quote, part, spent) for part in quote.parts)
    if not troubles and (over := _over_limit(payer, quote, days)) is not None:
        troubles.append(over)
    return replace(quote, parts=parts, troubles=tuple(troubles))


def _safe_day(leg: PlanLeg, due_on: date) -> date:
    """The last day on whose morning a payment by this leg's channel may begin and still be safe."""
    start_by = cards.safe_pay_by(due_on, leg.channel.terms, calendar=calendar.current()).start_by
    here = start_by.astimezone(clock.CHINA)
    return here.date() if here.time() >= quoting.MORNING else here.date() - timedelta(days=1)


def _priced(payer: Payer, quote: Quote, part: PayPart, spent: dict[str, int]) -> PayPart:
    """A part with its fees beside those of the payments before it in this plan."""
    at = quote.start_at
    if part.start_on is not None and part.start_on > _day(at):
        at = datetime.combine(part.start_on, quoting.MORNING, clock.CHINA)
    lines = fees.lines_for(payer, part.amount, quote.channel, now=at, bank=quote.bank, spent=spent)
    fees.add(spent, lines, now=at)
    return replace(part, fees=lines)


def _over_limit(payer: Payer, quote: Quote, days: dict[date, int]) -> Trouble | None:
    """The day's limit with what this plan pays before on that day."""
    day, largest = _day(quote.start_at), max((part.amount for part in quote.parts), default=quote.amount)
    try:
        day_limits.insist(
            payer, days.get(day, 0) + quote.amount, per_payment=largest, account_id=quote.ask.account_id,
            channel=quote.channel, now=quote.start_at,
        )  # fmt: skip
    except Refused as refused:
        return Trouble(refused.code, refused.message, refused.field, type(refused))
    if not quote.by_hand:
        days[day] = days.get(day, 0) + quote.amount
    return None


@contextmanager
def _taken_back(db: Session, rows: Sequence[OrderRow], *, now: datetime) -> Iterator[None]:
    """Look at what could be paid if these orders were taken back; afterwards they stand as they stood."""
    if not rows:
        yield
        return
    trial = db.begin_nested()
    try:
        for row in rows:
            row.status, row.closed_at = OrderStatus.CANCELLED, now
        db.flush()
        yield
    finally:
        trial.rollback()


def _stand(db: Session, who: Actor, wish: PlanWish, intent: UUID, group_id: UUID, *, now: datetime) -> None:
    """Keep that this plan is the one that stands; a change that was proposed to the one before is answered with it."""
    assert who.party_id is not None
    left = [{"card": str(one.card.account_id), "due_on": one.due_on.isoformat(), "open": one.open,
             "interest": one.interest} for one in wish.left]  # fmt: skip
    said = {"cost": wish.cost, "amount": wish.amount, "fee": wish.fee, "left": left, "digest": wish.digest(),
            "replaced": [str(one.order_id) for one in wish.replaced]}  # fmt: skip
    db.add(
        PlanRow(
            user_id=who.party_id, id=intent, group_id=group_id, fingerprint=wish.fingerprint,
            horizon_on=wish.horizon_on, summary=json.dumps(said, sort_keys=True), made_at=now,
            looked_at=now - timedelta(days=1), ended_at=None,
        )
    )  # fmt: skip
    if (asked := store_plans.open_proposal(db, who.party_id)) is not None:
        asked.state, asked.decided_at, asked.decided_by = "accepted", now, who.person_id
    db.flush()
    facts = {"orders": len(wish.items), "replaced": len(wish.replaced)}
    audit.write(db, who, "plan.confirmed", f"plan:{intent}", facts, now=now)


def insist_unchanged(wish: PlanWish, seen: str) -> None:
    """Refuse what is not what the person saw."""
    if wish.digest() != seen:
        raise Changed("方案有变，请再看一遍，然后确认。没有扣款。", field="seen")


def _credited(card: PlannedCard, orders: Sequence[OrderRow], as_of: int) -> PlannedCard:
    """A card whose first bill counts these orders as paid on the day they are expected."""
    bill = card.statements[0]
    room = sum(charge.amount for charge in bill.charges) + bill.carried + bill.fees
    room -= sum(credit.amount for credit in bill.paid)
    paid = list(bill.paid)
    for row in orders:
        part = min(row.amount_minor, room)
        if str(row.account_id) == card.id and part > 0:
            room -= part
            paid.append(Credit(max(as_of, _day(row.expected_at or row.start_at).toordinal()), part))
    first = replace(bill, paid=tuple(sorted(paid, key=lambda credit: credit.day)))
    return replace(card, statements=(first, *card.statements[1:]))


def _is_news(row: OrderRow, balance_on: date | None) -> bool:
    """Whether the balance that is known was told before this order took its money."""
    return balance_on is None or _day(row.start_at) >= balance_on


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()
