"""A plan explains itself: why each payment, what it saves, what stays open and why, and what habits would cost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from anhuan.planning.costing import balances, cost_of, outcome_of
from anhuan.planning.explained import CardSteps, Explanation, HabitCost, IdleCash, LeftOpen, LegWhy
from anhuan.planning.habits import live_habits
from anhuan.planning.means import means_of
from anhuan.planning.model import Card, CardOutcome, Channel, Issued, Legs, Payment, Plan, Request, Status
from anhuan.planning.planner import plan as make_plan
from anhuan.planning.rules import terminal_charge
from anhuan.planning.settle import with_draws
from anhuan.planning.ways import credited_on, last_day_for, month_of, with_fees
from anhuan.planning.wording import Fact, Name, Words

HUNDRED = 10_000  # fen


def explain(
    request: Request, answer: Plan, *, names: Mapping[str, Name] | None = None, seconds: float = 1.0
) -> Explanation:
    """Explain a plan of a request; `names` are shown instead of ids, `seconds` bounds the plan with 100 yuan more."""
    teller = _Explainer(request, answer, names or {})
    return Explanation(
        legs=tuple(teller.leg(payment) for payment in answer.legs.payments),
        left=tuple(teller.left()),
        habits=tuple(
            HabitCost(lived.kind, lived.cost, lived.breakdown, lived.cost - answer.cost)
            for lived in live_habits(request)
        ),
        idle=tuple(teller.idle()),
        steps=tuple(teller.steps()),
        hundred=hundred_more(request, answer, seconds=seconds),
    )


def hundred_more(request: Request, answer: Plan, *, seconds: float = 1.0) -> int | None:
    """What 100 yuan more on the first account on the first day would save, in fen; None without an account.

    Where the plan costs nothing, more money cannot save anything and nothing is planned again. Of a plan that is not
    proved the difference would say nothing: None, too.
    """
    if not request.accounts or answer.status is Status.FEASIBLE:
        return None
    if not answer.cost:
        return 0
    first = request.accounts[0]
    richer = replace(request, accounts=(replace(first, balance=first.balance + HUNDRED), *request.accounts[1:]))
    other = make_plan(richer, seconds=seconds)
    return max(0, answer.cost - other.cost)


class _Explainer:
    """Looks at a plan from every side; works out each card's story once."""

    def __init__(self, request: Request, answer: Plan, names: Mapping[str, Name]) -> None:
        self.request, self.answer, self.names = request, answer, names
        self.cards = {card.id: card for card in request.cards}
        self.channels = {channel.id: channel for channel in request.channels}
        self.means = {account.id: means_of(request, account) for account in request.accounts}
        _, self.outcomes = cost_of(request, answer.legs)

    def leg(self, payment: Payment) -> LegWhy:
        """One payment's reasons, the purpose first, and its saving."""
        issued = self._bill_of(payment.card, payment.credited)
        reasons = [self._purpose(payment, issued), *self._timing(payment, issued), *self._split(payment, issued),
                   *self._fees(payment)]  # fmt: skip
        return LegWhy(payment, tuple(reasons), self.saving(payment))

    def saving(self, payment: Payment) -> int:
        """The cost of the same plan without this payment, less the plan's cost, in fen."""
        rest = tuple(other for other in self.answer.legs.payments if other is not payment)
        card = self.cards[payment.card]
        if not self.request.lines:  # no other card and no other channel can tell the difference
            legs = Legs(tuple(other for other in rest if other.card == card.id), self.answer.legs.instalments)
            return self._card_cost(card, legs) - self._card_cost(card, self.answer.legs) - self._fees_less(payment)
        bare = Legs(tuple(with_fees(self.request, rest)), self.answer.legs.instalments)
        return cost_of(self.request, with_draws(self.request, bare))[0].total - self.answer.cost

    def _card_cost(self, card: Card, legs: Legs) -> int:
        outcome = self.outcomes[card.id] if legs is self.answer.legs else outcome_of(self.request, card, legs)
        marks = outcome.missed * self.request.missed_minimum_cost
        terminal = terminal_charge(outcome.bearing, card.daily_rate, self.request.terminal_days)
        return outcome.interest + outcome.late_fees + marks + terminal

    def _fees_less(self, payment: Payment) -> int:
        """What its channel takes less in its month without a payment: those after it may use the quota it used."""
        same = [other for other in self.answer.legs.payments
                if other.channel == payment.channel and month_of(other.day) == month_of(payment.day)]  # fmt: skip
        without = with_fees(self.request, (other for other in same if other is not payment))
        return sum(other.fee for other in same) - sum(other.fee for other in without)

    def _bill_of(self, card: str, day: int) -> Issued:
        return max((one for one in self.outcomes[card].statements if one.day <= day), key=lambda one: one.day)

    def _purpose(self, payment: Payment, issued: Issued) -> Words:
        card, last = self.cards[payment.card], date.fromordinal(issued.last_grace_day)
        if payment.credited > issued.last_grace_day:
            return Words("stops_interest")
        if issued.full and issued.paid_by_grace:
            alone = payment.amount >= issued.balance - card.tolerance
            return Words("full_by_due" if alone else "completes_full", {"last": last})
        minimum = issued.minimum
        before = issued.paid_by_grace - payment.amount
        if not issued.missed and before < minimum - card.late_tolerance:
            return Words("keeps_minimum", {"minimum": minimum, "last": last})
        return Words("stops_interest") if issued.carried else Words("towards_full")

    def _timing(self, payment: Payment, issued: Issued) -> list[Words]:
        channel = self.channels[payment.channel]
        facts: dict[str, Fact] = {
            "channel": self._name(channel.id), "day": date.fromordinal(payment.day),
            "credited": date.fromordinal(payment.credited),
        }  # fmt: skip
        goal = issued.last_grace_day
        next_is_late = payment.credited <= goal < credited_on(channel, payment.day + 1)
        if channel.workdays_only and next_is_late and payment.day + channel.lead_days < goal:
            return [Words("workdays", facts)]
        return [Words("lead", facts)] if payment.credited != payment.day else []

    def _split(self, payment: Payment, issued: Issued) -> list[Words]:
        end = self._end_of(payment.card, issued)
        same = [other for other in self.answer.legs.payments
                if other.card == payment.card and issued.day <= other.credited < end]  # fmt: skip
        if len(same) < 2:
            return []
        channel = self.channels[payment.channel]
        at_limit = any(self._at_limit(other) for other in same if other.channel == payment.channel)
        if at_limit and (channel.per_payment_max or channel.per_day_max):
            return [Words("split_limit", {"channel": self._name(channel.id)})]
        income = [day for day in self.means[payment.account].growth_days()[1:] if day <= payment.day]
        earlier = any(other.day < payment.day for other in same)
        if income and earlier and any(other.day < income[-1] for other in same):
            return [Words("split_income", {"day": date.fromordinal(income[-1])})]
        return []

    def _at_limit(self, payment: Payment) -> bool:
        channel = self.channels[payment.channel]
        that_day = sum(other.amount for other in self.answer.legs.payments
                       if other.channel == payment.channel and other.day == payment.day)  # fmt: skip
        return payment.amount == channel.per_payment_max or that_day == channel.per_day_max != 0

    def _fees(self, payment: Payment) -> list[Words]:
        channel = self.channels[payment.channel]
        if payment.fee:
            return [Words("fee_paid", {"channel": self._name(channel.id), "fee": payment.fee})]
        if channel.free_quota and (channel.fee_rate or channel.fee_minimum):
            return [Words("free_quota", {"channel": self._name(channel.id)})]
        return []

    def left(self) -> list[LeftOpen]:
        """Every bill the plan does not pay in full by its last day of grace."""
        told = []
        for card in self.request.cards:
            for issued in self.outcomes[card.id].statements:
                open_then = issued.balance - issued.paid_by_grace
                if open_then <= 0:
                    continue
                due = card.statements[issued.index].due
                told.append(LeftOpen(
                    card.id, issued.index, date.fromordinal(issued.day), date.fromordinal(due), issued.balance,
                    issued.balance - issued.paid, issued.interest, self._why_left(card, issued),
                ))  # fmt: skip
        return told

    def _why_left(self, card: Card, issued: Issued) -> Words:
        last = date.fromordinal(issued.last_grace_day)
        open_then = issued.balance - issued.paid_by_grace
        if issued.last_grace_day > self.request.last:
            return Words("not_due", {"last": last})
        if issued.full:
            return Words("tolerated", {"open": open_then})
        if issued.last_grace_day < self.request.as_of:
            return Words("past_grace", {"last": last})
        ways = [channel for channel in self.request.channels if card.id in channel.cards and channel.accounts]
        if not ways:
            return Words("no_way")
        if self._reachable(issued, ways) < open_then:
            return Words("no_money", {"last": last, "balance": issued.balance, "paid": issued.paid_by_grace})
        return Words("dearer_elsewhere")

    def _reachable(self, issued: Issued, ways: Sequence[Channel]) -> int:
        """What the accounts could have sent by the last day, had this bill been the only one, less what it got."""
        best: dict[str, int] = {}
        for channel in ways:
            day = last_day_for(channel, issued.last_grace_day, first=self.request.as_of)
            if day is None:
                continue
            for account in channel.accounts:
                others = sum(other.amount + other.fee for other in self.answer.legs.payments
                             if other.account == account and other.day <= day)  # fmt: skip
                best[account] = max(best.get(account, 0), self.means[account].safe_on(day) - others)
        return sum(max(0, amount) for amount in best.values())

    def idle(self) -> list[IdleCash]:
        """What stays unused above each account's reserve: the least of it, and fen-days over the horizon."""
        told = []
        for account in self.request.accounts:
            days = balances(self.request, account, self.answer.legs)
            spare = [(day, max(0, held - account.reserve)) for day, _, held in days]
            ends = [*(day for day, _ in spare[1:]), self.request.last + 1]
            fen_days = sum(amount * (end - day) for (day, amount), end in zip(spare, ends, strict=True))
            low_day, low = min(spare, key=lambda point: (point[1], point[0]))
            told.append(IdleCash(account.id, low, date.fromordinal(low_day), fen_days))
        return told

    def steps(self) -> list[CardSteps]:
        """How each card's cost adds up, bill by bill."""
        return [CardSteps(card.id, tuple(self._card_steps(card))) for card in self.request.cards]

    def _card_steps(self, card: Card) -> list[Words]:
        outcome: CardOutcome = self.outcomes[card.id]
        told: list[Words] = []
        for issued in outcome.statements:
            told.append(Words("step_bill", {
                "statement": date.fromordinal(issued.day), "balance": issued.balance, "carried": issued.carried,
                "fees": issued.fees, "charges": issued.charges, "minimum": issued.minimum,
            }))  # fmt: skip
            told.append(
                Words("step_paid", {"last": date.fromordinal(issued.last_grace_day), "paid": issued.paid_by_grace})
            )
            if issued.full:
                told.append(Words("step_full"))
            if issued.interest:
                told.append(Words("step_interest", {
                    "days": f"{issued.fen_days:,}", "rate": card.daily_rate, "interest": issued.interest,
                }))  # fmt: skip
            elif not issued.full:
                told.append(Words("step_no_interest"))
            if issued.late_fee:
                told.append(Words("step_late_fee", {"late_fee": issued.late_fee}))
        if outcome.bearing:
            days_ahead = self.request.terminal_days
            terminal = terminal_charge(outcome.bearing, card.daily_rate, days_ahead)
            told.append(Words("step_terminal", {
                "bearing": outcome.bearing, "days": str(days_ahead), "terminal": terminal,
            }))  # fmt: skip
        return told

    def _end_of(self, name: str, issued: Issued) -> int:
        statements = self.cards[name].statements
        following = issued.index + 1
        return statements[following].day if following < len(statements) else self.request.last + 1

    def _name(self, name: str) -> Name | str:
        return self.names.get(name, name)
