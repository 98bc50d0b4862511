"""Which channels can carry one payment, what each would cost, and when it would be there: the options of routing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels
from anhuan.cards.safety import usual_margins
from anhuan.channels import arrivals, capabilities, health, register, routing
from anhuan.channels.model import Capabilities, HealthState, Licence
from anhuan.channels.routing import Option
from anhuan.kit import calendar, clock, terms
from anhuan.repayments import bindings, fees, payers
from anhuan.repayments.model import FeeLine, Way
from anhuan.repayments.payers import Payer

IN_DOUBT: Final = "in_doubt"  # why a channel whose binding must be proved anew does not carry a payment
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be carried: from which own account to which billed account, how much (fen), from when, until when."""

    party: UUID
    account_id: UUID
    source_id: UUID
    bank: str
    amount: int
    start_at: datetime
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Road:
    """One channel for one payment: the option of routing, its fees, its last safe moment, how it names both ends."""

    option: Option
    fees: tuple[FeeLine, ...]
    safe_by_at: datetime | None
    by_hand_at: datetime | None
    ends: "Ends"

    @property
    def record(self) -> Capabilities:
        """The capability record of the channel."""
        return self.option.record

    @property
    def by_hand(self) -> bool:
        """Whether a person walks it."""
        return self.ends.by_hand

    @property
    def bound(self) -> bool:
        """Whether both ends are bound there."""
        return self.ends.bound


@dataclass(frozen=True, slots=True)
class Seen:
    """What payments weighed together share: what was learned of arrivals, how channels are doing, who pays."""

    arrivals: arrivals.Book
    health: dict[str, HealthState]
    payers: Mapping[UUID, Payer]


def look(db: Session, parties: Collection[UUID], *, now: datetime) -> Seen:
    """Look once for many payments of these parties."""
    book = arrivals.book(db, on=now.astimezone(clock.CHINA).date())
    return Seen(book, health.states(db, now=now), payers.of_many(db, parties, now=now))


@dataclass(frozen=True, slots=True)
class Ends:
    """How a channel names both ends of a payment, as far as they are bound there."""

    record: Capabilities
    source: bindings.Binding | None
    card: bindings.Binding | None

    @property
    def by_hand(self) -> bool:
        """Whether a person walks it."""
        return routing.by_hand(self.record)

    @property
    def bound(self) -> bool:
        """Whether both ends are known to the channel and proved to be the payer's own; by hand nothing is handed on."""
        return self.by_hand or all(one is not None and not one.doubtful for one in (self.source, self.card))

    @property
    def in_doubt(self) -> bool:
        """Whether both ends are known to the channel, and one of them must be proved anew."""
        return not self.bound and self.source is not None and self.card is not None


def ends(
    bound: bindings.Bound, *, account_id: UUID, source_id: UUID, channel: str, bank: str, on: date
) -> Ends | None:  # fmt: skip
    """Both ends of a payment by one channel, or None where it has no record for this bank's cards."""
    record = capabilities.find(channel, bank, on=on)
    if record is None:
        return None
    kinds = bindings.Kind
    return Ends(
        record, bound.get((kinds.SOURCE, source_id, channel)), bound.get((kinds.CARD, account_id, channel))
    )  # fmt: skip


def roads(
    db: Session, payment: Payment, seen: "Seen", *, only: str | None = None
) -> list[Road]:  # fmt: skip
    """Every channel (or `only` this one) that has a record for this bank's cards and may be used here, bound or not."""
    on = payment.start_at.astimezone(clock.CHINA).date()
    bound, found = seen.payers[payment.party].bound, []
    for channel in capabilities.ids(on=on) if only is None else (only,):
        record = capabilities.find(channel, payment.bank, on=on)
        if record is None or record.licence == Licence.OWN_FILE:
            continue
        live = register.is_live(db, record, on)
        if record.licence == Licence.DEMONSTRATION and not live:
            continue  # invented money has no place in a real installation, not even as a choice
        source = bound.get((bindings.Kind.SOURCE, payment.source_id, channel))
        card = bound.get((bindings.Kind.CARD, payment.account_id, channel))
        found.append(_road(payment, Ends(record, source, card), seen, live=live))
    return found


def choose(roads_: Sequence[Road], payment: Payment, *, wanted: str | None) -> tuple[Road | None, dict[str, str]]:
    """The channel that carries it, by routing among those that are bound, or the wanted one; and why not the others."""
    usable = [road for road in roads_ if road.bound and (wanted is None or road.record.channel == wanted)]
    why = {road.record.channel: IN_DOUBT if road.ends.in_doubt else "not_bound" for road in roads_ if not road.bound}
    route = routing.choose(
        [road.option for road in usable], amount=payment.amount, funding_kind="own_debit", now=payment.start_at,
        arrive_by=_arrive_by(payment),
    )  # fmt: skip
    why |= {channel: passed.value for channel, passed in route.passed}
    if route.chosen is None:
        late = [road for road in usable if why.get(road.record.channel) == routing.Passed.TOO_LATE]
        if wanted is not None and late:  # the payer may choose what comes late, and is told so
            return late[0], why
        if late and not any(road.by_hand and road.bound for road in usable if road not in late):
            return min(late, key=lambda road: road.option.arrives_by), why
        return None, why
    return next(road for road in usable if road.option is route.chosen), why


def as_way(road: Road, why: str, *, lang: str = "zh") -> Way:
    """A road as the sheet offers it."""
    named = capabilities.way(road.record.channel, on=road.option.arrives_by.astimezone(clock.CHINA).date())
    return Way(
        road.record.channel, named.zh, named.en, why in ("", "dearer", "slower"), why, road.by_hand, road.option.fee,
        None if road.by_hand else road.option.arrives_by, road.safe_by_at,  # nobody knows when a person walks
    )  # fmt: skip


def arrives_by(record: Capabilities, start_at: datetime, *, minutes: int, workdays: int) -> datetime:
    """When a careful person expects the money on the card: the slow end of arrivals, through cut-off and workdays."""
    here = start_at.astimezone(clock.CHINA)
    after_cut_off = record.cut_off is not None and here.time() >= record.cut_off
    day = here.date()
    if record.workdays_only:
        if after_cut_off or not calendar.is_open(day):
            day = calendar.next_workday(day + _DAY)
        for _ in range(max(record.lead_days, workdays)):
            day = calendar.next_workday(day + _DAY)
        return datetime.combine(day, time(23, 59), clock.CHINA)
    if after_cut_off:
        return datetime.combine(calendar.next_workday(day + _DAY), time(23, 59), clock.CHINA)
    return start_at + timedelta(minutes=minutes)


def _road(payment: Payment, both: Ends, seen: Seen, *, live: bool) -> Road:
    record, card, payer = both.record, both.card, seen.payers[payment.party]
    on = payment.start_at.astimezone(clock.CHINA).date()
    known = seen.arrivals.of(record.channel, payment.bank, due_on=payment.due_on or on)
    slow = known.p99 if known is not None else arrivals.otherwise(record.channel, payment.bank, on)
    minutes, workdays = (0, slow) if record.workdays_only else (slow, 0)
    used = payer.carried(record.channel)
    lines = fees.lines_for(payer, payment.amount, record.channel, now=payment.start_at, bank=payment.bank)
    option = Option(
        record=record, fee=sum(line.fee for line in lines), live=live,
        arrives_by=arrives_by(record, payment.start_at, minutes=minutes, workdays=workdays),
        health=seen.health.get(record.channel, HealthState.ANSWERED), used_today=used.today, used_month=used.month,
        payments_of_card=used.by_card.get(card.ref, 0) if card else 0,
    )  # fmt: skip
    return Road(option, lines, *_safe(record, payment, on, known, slow), both)


def _safe(
    record: Capabilities, payment: Payment, on: date, learned: channels.Learned | None, slow: int
) -> tuple[datetime | None, datetime | None]:  # fmt: skip
    """The last safe moment of a channel and the moment from which only paying by hand is left; in UTC."""
    if payment.due_on is None:
        return None, None
    known = record.channel in terms.channel_ids()
    channel = terms.channel(record.channel, on=on) if known else _by_its_record(record, slow)
    found = cards.safe_pay_by(payment.due_on, channel, calendar=calendar.current(), learned=learned)
    return found.start_by, found.by_hand_from


def _by_its_record(record: Capabilities, slow: int) -> terms.Channel:
    """A channel that tells only itself what it can do, as the walk back from the due day wants it."""
    return terms.Channel(
        id=record.channel, zh=record.channel, en=record.channel, fee=terms.FeeSchedule(0, Decimal(0), 0, "up"),
        workdays_only=record.workdays_only, lead_days=max(record.lead_days, slow if record.workdays_only else 0),
        arrival_minutes=slow, arrival_by=time(23, 59), cut_off=record.cut_off, per_payment_min=None,
        per_payment_max=None, per_day_max=None, payments_per_month=None, confidence="L",
    )  # fmt: skip


def _arrive_by(payment: Payment) -> datetime:
    """Until when it must be there: the end of the due day at the bank; nothing presses where that has passed."""
    far = payment.start_at + timedelta(days=30)
    if payment.due_on is None:
        return far
    end = datetime.combine(payment.due_on, usual_margins(payment.due_on).due_day_ends, clock.CHINA)
    return end if end > payment.start_at else far
