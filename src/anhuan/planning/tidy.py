"""Of plans that cost the same, the one with fewer payments, and of those the one that pays later (planning.md, ties).

A payment is moved onto a neighbour, or towards the last day that still serves, whenever the simulator says that the
plan stays allowed and gets no dearer.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from anhuan.planning.costing import check_account, check_ways, line_cost, outcome_of
from anhuan.planning.model import BadPlan, Card, Legs, Payment, Request
from anhuan.planning.rules import terminal_charge
from anhuan.planning.settle import with_draws
from anhuan.planning.ways import credited_on, last_day_for, next_month, with_fees

_ROUNDS = 4


def tidy(request: Request, legs: Legs) -> Legs:
    """The same plan, or one that costs no more, with as few and as late payments as moving them one by one finds."""
    return _Tidier(request, legs).run()


class _Tidier:
    def __init__(self, request: Request, legs: Legs) -> None:
        self.request, self.legs = request, legs
        self.cards = {card.id: card for card in request.cards}
        self.channels = {channel.id: channel for channel in request.channels}
        self.card_cost = {card.id: self._card_cost(card, legs) for card in request.cards}
        self.other_cost = self._other_cost(legs)

    def run(self) -> Legs:
        for _ in range(_ROUNDS):
            before = self.legs
            for card in self.request.cards:
                for bill in self._bills(card):
                    self._merge(card, bill)
            for payment in sorted(self.legs.payments, key=lambda payment: -payment.day):
                self._delay(payment)
            if self.legs == before:
                break
        return self.legs

    def _bills(self, card: Card) -> list[tuple[int, int]]:
        days = [statement.day for statement in card.statements]
        return [*pairwise(days), (days[-1], self.request.last + 1)] if days else []

    def _merge(self, card: Card, bill: tuple[int, int]) -> None:
        """Put neighbours of one bill together, onto the later or the earlier of the two."""
        moved = True
        while moved:
            moved = False
            mine = [one for one in self.legs.payments if one.card == card.id and bill[0] <= one.credited < bill[1]]
            for earlier, later in pairwise(mine):
                whole = earlier.amount + later.amount
                others = [one for one in self.legs.payments if one is not earlier and one is not later]
                if any(
                    self._try([*others, replace(keep, amount=whole)], card)
                    for keep in (later, earlier)
                    if not 0 < self.channels[keep.channel].per_payment_max < whole
                ):
                    moved = True
                    break

    def _delay(self, payment: Payment) -> None:
        """Move a payment to the last day that still serves its bill."""
        if payment not in self.legs.payments:
            return
        card, channel = self.cards[payment.card], self.channels[payment.channel]
        bill = max((s for s in card.statements if s.day <= payment.credited), key=lambda s: s.day)
        grace = bill.due + card.grace_days
        if payment.credited > grace:
            return
        latest = last_day_for(channel, min(grace, self.request.last), first=payment.day)
        month_end = next_month(payment.day) - 1
        others = [one for one in self.legs.payments if one is not payment]
        for day in dict.fromkeys((latest, month_end)):
            if day is not None and payment.day < day <= (latest or day):
                moved = replace(payment, day=day, credited=credited_on(channel, day))
                if self._try([*others, moved], card):
                    return

    def _try(self, payments: Iterable[Payment], card: Card) -> bool:
        """Accept other payments when they are allowed and the plan gets no dearer."""
        try:
            legs = replace(self.legs, payments=tuple(with_fees(self.request, payments)))
            check_ways(self.request, legs)
            legs = with_draws(self.request, legs)
            for account in self.request.accounts:
                check_account(self.request, account, legs)
            card_cost = self._card_cost(card, legs)
        except BadPlan:
            return False
        other_cost = self._other_cost(legs)
        if card_cost + other_cost > self.card_cost[card.id] + self.other_cost:
            return False
        self.legs, self.card_cost[card.id], self.other_cost = legs, card_cost, other_cost
        return True

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
