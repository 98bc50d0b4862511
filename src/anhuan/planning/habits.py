"""Four habits of people, lived under the same rules with the same money, to set beside the plan.

All four pay a bill when it falls due (on the last day that still arrives by the due date, an overdue one at once) and
come back to what they still want to pay whenever money comes in. None looks ahead, borrows or takes an instalment
offer; each sends its money the cheapest way that arrives in time and never touches the reserve or what later spending
of the account needs. A habit may well miss a minimum.

- `minimum_only`: the minimum of each bill, by due date, and nothing more.
- `by_due_date`: each bill in full, by due date, until the money is gone.
- `highest_rate`: the minimums first; all money left goes at once to issued bills, the highest daily rate first.
- `smallest_balance`: the minimums first; all money left goes at once to issued bills, the smallest first.
"""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from anhuan.planning.costing import cost_of, settle_fees
from anhuan.planning.means import Means, means_of
from anhuan.planning.model import BadPlan, Breakdown, Card, Channel, Credit, Legs, Payment, Request
from anhuan.planning.rules import Story
from anhuan.planning.settle import pieces
from anhuan.planning.ways import credited_on, fee_for, last_day_for, month_of

KINDS: Final = ("minimum_only", "by_due_date", "highest_rate", "smallest_balance")


@dataclass(frozen=True, slots=True)
class Lived:
    """A habit lived to the end: what it did and what it cost, by the simulator of the rules."""

    kind: str
    legs: Legs
    breakdown: Breakdown

    @property
    def cost(self) -> int:
        """Its cost in fen."""
        return self.breakdown.total


def live_habits(request: Request) -> tuple[Lived, ...]:
    """All four habits, in the order of KINDS."""
    known = _Known(request)
    return tuple(live(request, kind, known=known) for kind in KINDS)


def live(request: Request, kind: str, *, known: "_Known | None" = None) -> Lived:
    """One habit from the first day to the last; `known` is what all habits of a request share."""
    paid = tuple(_Life(known or _Known(request), kind).payments())
    legs = settle_fees(request, Legs(tuple(_together(request, paid))))
    try:
        return Lived(kind, legs, cost_of(request, legs)[0])
    except BadPlan:  # another order uses the free quota for another account, which then lacks a fee
        return Lived(kind, Legs(paid), cost_of(request, Legs(paid))[0])


def _together(request: Request, payments: Iterable[Payment]) -> Iterator[Payment]:
    """What goes the same way to the same card on one day goes in one payment, or in as few as the channel allows."""
    channels = {channel.id: channel for channel in request.channels}
    sums: dict[tuple[int, str, str, str], int] = {}
    for payment in payments:
        way = (payment.day, payment.account, payment.channel, payment.card)
        sums[way] = sums.get(way, 0) + payment.amount
    for (day, account, channel, card), amount in sums.items():
        for part in pieces(amount, channels[channel]):
            yield Payment(day, account, channel, card, part)


@dataclass(slots=True)
class _Bill:
    """One issued bill while it is the current one of its card."""

    card: Card
    end: int
    due: int
    pay_on: int
    balance: int
    minimum: int
    paid: int = 0

    @property
    def open(self) -> int:
        return self.balance - self.paid

    @property
    def minimum_open(self) -> int:
        return max(0, min(self.open, self.minimum - self.paid))


@dataclass(slots=True)
class _Teller:
    """One card's story, told statement by statement as the habit pays."""

    card: Card
    last: int
    credits: list[Credit]
    story: Story = field(init=False)
    at: int = -1
    bill: _Bill | None = None

    def __post_init__(self) -> None:
        self.story = Story(self.card, self.credits, self.last, {})

    def come_to(self, day: int, pay_days: Mapping[tuple[str, int], int]) -> None:
        """Issue every statement up to a day; the last one is the current bill, to be paid on its day."""
        statements = self.card.statements
        while self.at + 1 < len(statements) and statements[self.at + 1].day <= min(day, self.last):
            if self.at >= 0:
                self.story.cycle(self.at, statements[self.at + 1].day)
            self.at += 1
            statement = statements[self.at]
            following = statements[self.at + 1].day if self.at + 1 < len(statements) else self.last + 1
            end = min(following, self.last + 1)
            charges, shares = self.story.issue(self.at)
            charged = sum(charge.amount for charge in charges)
            balance = self.story.carried + self.story.fees + charged
            minimum = statement.minimum if self.at == 0 else self.story.minimum(charged, shares, balance)
            paid = sum(credit.amount for credit in self.credits if statement.day <= credit.day < end)
            self.bill = _Bill(
                self.card, end, statement.due, pay_days[self.card.id, statement.due], balance, minimum, paid
            )


class _Known:
    """What a request says to every habit: the room of each account, the ways to each card, the days to pay on."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.means: dict[str, Means] = {account.id: means_of(request, account) for account in request.accounts}
        self.ways = {
            card.id: [channel for channel in request.channels if card.id in channel.cards and channel.accounts]
            for card in request.cards
        }
        self.pay_days = {
            (card.id, statement.due): self._pay_day(card, statement.due, statement.day)
            for card in request.cards
            for statement in card.statements
        }
        paydays = {day for means in self.means.values() for day in means.growth_days()}
        days = {request.as_of, *paydays, *self.pay_days.values()}
        self.days = sorted(day for day in days if request.as_of <= day <= request.last)

    def _pay_day(self, card: Card, due: int, first: int) -> int:
        """The last day to pay through some way so that it arrives by the due date; at once when it is too late."""
        start = max(first, self.request.as_of)
        latest = (last_day_for(channel, due, first=start) for channel in self.ways[card.id])
        return max((day for day in latest if day is not None), default=start)


class _Life:
    """A request lived through by one habit."""

    def __init__(self, known: _Known, kind: str) -> None:
        request = known.request
        self.known, self.kind, self.means = known, kind, known.means
        self.gone: Counter[str] = Counter()
        self.used: Counter[tuple[str, int]] = Counter()
        self.on_day: Counter[str] = Counter()
        self.times: Counter[tuple[str, str, int]] = Counter()
        self.tellers = [
            _Teller(card, request.last, [credit for one in card.statements[:1] for credit in one.paid
                                         if credit.day <= request.last])
            for card in request.cards
        ]  # fmt: skip

    def payments(self) -> Iterator[Payment]:
        """What the habit pays, day by day."""
        for day in self.known.days:
            if not self._has_money(day):
                continue
            self.on_day.clear()
            for teller in self.tellers:
                teller.come_to(day, self.known.pay_days)
            open_now = (teller.bill for teller in self.tellers if teller.bill and teller.bill.open > 0)
            bills = sorted(open_now, key=lambda bill: bill.due)
            for bill, amount in self._wishes(bills, day):
                if amount > 0 and self._has_money(day):
                    yield from self._pay(bill, amount, day)

    def _has_money(self, day: int) -> bool:
        return any(means.safe_on(day) > self.gone[name] for name, means in self.means.items())

    def _wishes(self, bills: list[_Bill], day: int) -> Iterator[tuple[_Bill, int]]:
        """What the habit would like to pay today, in its order; asked again after each payment."""
        ripe = [bill for bill in bills if bill.pay_on <= day]
        if self.kind == "by_due_date":
            yield from ((bill, bill.open) for bill in ripe)
            return
        greedy = self.kind != "minimum_only"
        yield from ((bill, bill.minimum_open) for bill in (bills if greedy else ripe))
        if greedy:
            rate_first = self.kind == "highest_rate"
            yield from (
                (bill, bill.open)
                for bill in sorted(bills, key=lambda bill: -bill.card.daily_rate if rate_first else bill.open)
            )

    def _pay(self, bill: _Bill, amount: int, day: int) -> Iterator[Payment]:
        """Pay an amount of a bill today the cheapest way that is in time, in as many payments as limits ask for."""
        while amount > 0:
            offers = list(self._offers(bill, amount, day))
            if not offers:
                return
            (_, _, _, channel, account), part = min(offers, key=lambda offer: offer[0][:3])
            fee = fee_for(channel, part, used=self.used[channel.id, month_of(day)])
            self.gone[account] += part + fee
            self.used[channel.id, month_of(day)] += part
            self.on_day[channel.id] += part
            self.times[channel.id, bill.card.id, month_of(day)] += 1
            bill.paid += part
            amount -= part
            credited = credited_on(channel, day)
            teller = next(teller for teller in self.tellers if teller.card is bill.card)
            insort(teller.credits, Credit(credited, part), key=lambda credit: credit.day)
            yield Payment(day, account, channel.id, bill.card.id, part, fee, credited)

    def _offers(
        self, bill: _Bill, amount: int, day: int
    ) -> Iterator[tuple[tuple[bool, float, int, Channel, str], int]]:
        """Every way with what it can carry today: late or not, its fee per fen, what it carries (negative)."""
        for channel in self.known.ways[bill.card.id]:
            credited = credited_on(channel, day)
            if credited >= bill.end:
                continue
            for account in channel.accounts:
                part = self._carried(channel, bill, account, amount, day)
                if not part:
                    continue
                fee = fee_for(channel, part, used=self.used[channel.id, month_of(day)])
                late = credited > max(bill.due, day)
                yield (late, fee / part, -part, channel, account), part

    def _carried(self, channel: Channel, bill: _Bill, account: str, amount: int, day: int) -> int:
        """The most of an amount that one payment can carry, with its fee, within money and limits; 0 for none."""
        month = month_of(day)
        if channel.payments_per_month and self.times[channel.id, bill.card.id, month] >= channel.payments_per_month:
            return 0
        spare = self.means[account].safe_on(day) - self.gone[account]
        part = min(amount, spare)
        if channel.per_payment_max:
            part = min(part, channel.per_payment_max)
        if channel.per_day_max:
            part = min(part, channel.per_day_max - self.on_day[channel.id])
        used = self.used[channel.id, month]
        while part > 0 and part + fee_for(channel, part, used=used) > spare:
            part -= max(1, part + fee_for(channel, part, used=used) - spare)
        return part if part > 0 and part >= channel.per_payment_min else 0
