"""Of plans that cost the same, the one with fewer payments, and of those the one that pays later (planning.md, ties).

Where the day does not matter to the card (a bill paid in full with nothing carried over), payments go together on the
last day that serves. Elsewhere a payment is moved onto a neighbour, or towards that day, whenever the simulator says
that the plan stays allowed and gets no dearer.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from anhuan.planning.costing import check_account, check_ways, line_cost, outcome_of
from anhuan.planning.means import Means
from anhuan.planning.model import BadPlan, Basis, Card, Channel, Issued, Legs, Payment, Request
from anhuan.planning.rules import terminal_charge
from anhuan.planning.settle import with_draws
from anhuan.planning.ways import credited_on, last_day_for, next_month, with_fees

_ROUNDS = 3


def tidy(request: Request, legs: Legs, means: dict[str, Means]) -> Legs:
    """The same plan, or one that costs no more, with as few and as late payments as moving them finds."""
    tidier = _Tidier(request, legs, means)
    tidier.run()
    return tidier.legs


class _Tidier:
    def __init__(self, request: Request, legs: Legs, means: dict[str, Means]) -> None:
        self.request, self.legs, self.means = request, legs, means
        self.channels = {channel.id: channel for channel in request.channels}
        self.plain = not request.lines and all(_plain(channel) for channel in request.channels)
        self.fees_free = not any(channel.fee_rate or channel.fee_minimum for channel in request.channels)
        self.limited = any(_limited(channel) for channel in request.channels)
        self.outcomes = {card.id: outcome_of(request, card, legs) for card in request.cards}
        self.card_cost = {card.id: self._card_cost(card, legs) for card in request.cards}
        self.other_cost = self._other_cost(legs)

    def run(self) -> None:
        self._gather()
        for _ in range(_ROUNDS):
            before = len(self.legs.payments)
            for card in self.request.cards:
                for start, end, issued in self._bills(card):
                    if not self.plain or not self._indifferent(card, issued):
                        self._merge(card, start, end)
            if len(self.legs.payments) == before:
                break
        self._delay_all()
        before = len(self.legs.payments)
        for card in self.request.cards:
            self._join_bills(card)
        if len(self.legs.payments) < before:
            self._delay_all()

    def _delay_all(self) -> None:
        for payment in sorted(self.legs.payments, key=lambda payment: -payment.day):
            self._delay(payment)

    def _join_bills(self, card: Card) -> None:
        """Put neighbours together across bills, too: a small sum may as well wait for the next payment."""
        while True:
            bills = self._bills(card)
            days = [start for start, _, _ in bills]
            mine = [one for one in self.legs.payments if one.card == card.id]
            for earlier, later in pairwise(mine):
                one, other = (bills[bisect_right(days, payment.credited) - 1][2] for payment in (earlier, later))
                if (one is other or not (one.full and other.full)) and self._join(card, earlier, later):
                    break
            else:
                return

    def _bills(self, card: Card) -> list[tuple[int, int, Issued]]:
        issued = self.outcomes[card.id].statements
        ends = [one.day for one in issued[1:]] + [self.request.last + 1]
        return [(one.day, end, one) for one, end in zip(issued, ends, strict=True)]

    @staticmethod
    def _indifferent(card: Card, issued: Issued) -> bool:
        """Whether it is all one to the card on which day before grace ends it is paid."""
        return not issued.carried and not issued.fees and (issued.full or card.basis is Basis.UNPAID)

    def _gather(self) -> None:
        """Put the payments of bills that do not mind the day together, on the last day of their way."""
        kept: list[Payment] = []
        together: dict[tuple[str, str, str, int], Payment] = {}
        for card in self.request.cards:
            bills = self._bills(card)
            days = [start for start, _, _ in bills]
            for payment in (one for one in self.legs.payments if one.card == card.id):
                _, _, issued = bills[bisect_right(days, payment.credited) - 1]
                grace = min(issued.last_grace_day, self.request.last)
                channel = self.channels[payment.channel]
                if payment.credited > grace or not self._indifferent(card, issued) or not _plain(channel):
                    kept.append(payment)
                    continue
                day = last_day_for(channel, grace, first=payment.day) or payment.day
                key = (card.id, payment.account, payment.channel, issued.index)
                amount = payment.amount + (together[key].amount if key in together else 0)
                together[key] = replace(payment, day=day, credited=credited_on(channel, day), amount=amount)
        gathered: list[Payment] = []
        for payment in together.values():
            gathered += _cut(payment, self.channels[payment.channel])
        try:
            legs = self._allowed(in_order([*kept, *gathered]))
        except BadPlan:
            return
        if self._other_cost(legs) <= self.other_cost:
            self.legs, self.other_cost = legs, self._other_cost(legs)

    def _merge(self, card: Card, start: int, end: int) -> None:
        """Put neighbours of one bill together, onto the later or the earlier of the two."""
        at = 0
        while True:
            mine = [one for one in self.legs.payments if one.card == card.id and start <= one.credited < end]
            for i, (earlier, later) in list(enumerate(pairwise(mine)))[at:]:
                if self._join(card, earlier, later):
                    at = max(0, i - 1)
                    break
            else:
                return

    def _join(self, card: Card, earlier: Payment, later: Payment) -> bool:
        whole = earlier.amount + later.amount
        others = [one for one in self.legs.payments if one is not earlier and one is not later]
        return any(
            self._try([*others, replace(keep, amount=whole)], card)
            for keep in (later, earlier)
            if not 0 < self.channels[keep.channel].per_payment_max < whole
        )

    def _delay(self, payment: Payment) -> None:
        """Move a payment to the last day that still serves its bill."""
        card = next(card for card in self.request.cards if card.id == payment.card)
        channel = self.channels[payment.channel]
        issued = max((i for i in self.outcomes[card.id].statements if i.day <= payment.credited), key=lambda i: i.day)
        grace = min(issued.last_grace_day, self.request.last)
        latest = last_day_for(channel, grace, first=payment.day)
        if payment.credited > grace or latest is None or latest == payment.day or payment not in self.legs.payments:
            return
        if not self._indifferent(card, issued) and not issued.full:
            return  # every day counts there
        month_end = next_month(payment.day) - 1
        others = [one for one in self.legs.payments if one is not payment]
        for day in (latest, month_end) if month_end < latest else (latest,):
            if self._try([*others, replace(payment, day=day, credited=credited_on(channel, day))], card):
                return

    def _try(self, payments: Iterable[Payment], card: Card) -> bool:
        """Accept other payments when they are allowed and the plan gets no dearer."""
        try:
            legs = self._allowed(in_order(payments))
            card_cost = self._card_cost(card, legs)
        except BadPlan:
            return False
        other_cost = self._other_cost(legs)
        if card_cost + other_cost > self.card_cost[card.id] + self.other_cost:
            return False
        self.legs, self.card_cost[card.id], self.other_cost = legs, card_cost, other_cost
        self.outcomes[card.id] = outcome_of(self.request, card, legs)
        return True

    def _allowed(self, payments: tuple[Payment, ...]) -> Legs:
        """The plan with these payments; raises BadPlan when it is not allowed."""
        if not self.fees_free:
            payments = tuple(with_fees(self.request, payments))
        legs = replace(self.legs, payments=payments)
        if self.limited:
            check_ways(self.request, legs)
        if not self.request.lines:
            for means in self.means.values():
                _check_room(means, payments)
            return legs
        legs = with_draws(self.request, legs)
        for account in self.request.accounts:
            check_account(self.request, account, legs)
        return legs

    def _card_cost(self, card: Card, legs: Legs) -> int:
        outcome = outcome_of(self.request, card, legs)
        marks = outcome.missed * self.request.missed_minimum_cost
        terminal = terminal_charge(outcome.bearing, card.daily_rate, self.request.terminal_days)
        return outcome.interest + outcome.late_fees + marks + terminal

    def _other_cost(self, legs: Legs) -> int:
        cost = sum(payment.fee for payment in legs.payments)
        for line in self.request.lines:
            interest, drawn = line_cost(self.request, line, legs)
            cost += interest + terminal_charge(drawn, line.daily_rate, self.request.terminal_days)
        return cost


def in_order(payments: Iterable[Payment]) -> tuple[Payment, ...]:
    """Payments by day; on one day by card, the larger first."""
    return tuple(sorted(payments, key=lambda one: (one.day, one.card, one.channel, -one.amount)))


def _limited(channel: Channel) -> bool:
    return bool(channel.per_day_max or channel.payments_per_month or channel.per_payment_min)


def _plain(channel: Channel) -> bool:
    return not (channel.fee_rate or channel.fee_minimum or _limited(channel))


def _cut(payment: Payment, channel: Channel) -> list[Payment]:
    most = channel.per_payment_max or payment.amount
    count, rest = divmod(payment.amount, most)
    return [replace(payment, amount=amount) for amount in [most] * count + ([rest] if rest else [])]


def _check_room(means: Means, payments: Sequence[Payment]) -> None:
    gone = 0
    for payment in payments:
        if payment.account == means.account.id:
            gone += payment.amount + payment.fee
            if gone > means.safe_on(payment.day):
                raise BadPlan(f"account {payment.account} lacks {gone - means.safe_on(payment.day)} fen")
