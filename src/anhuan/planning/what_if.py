"""The same request with one thing changed: more or less money, other income, a bill left unpaid, a channel off."""

from dataclasses import dataclass, replace
from fractions import Fraction

from anhuan.kit.money import round_half_up
from anhuan.planning.costing import cost_of
from anhuan.planning.model import BadRequest, Channel, Charge, Flow, Plan, Request
from anhuan.planning.planner import plan
from anhuan.planning.rules import run_card


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What is changed: fen more (or less) now, percent of income more (or less), cards not paid, channels not used.

    `skip` names cards whose current bill gets no payment before its next statement; `without` names channels.
    """

    money: int = 0
    income_percent: int = 0
    skip: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """Whether this asks for the plan as it stands."""
        return self == WhatIf()


@dataclass(frozen=True, slots=True)
class Compared:
    """The plan of the changed request beside the plan as it stands; `dearer` fen, negative when it saves."""

    request: Request
    plan: Plan
    before: Plan

    @property
    def dearer(self) -> int:
        """What the change costs (or, negative, saves), in fen."""
        return self.plan.cost - self.before.cost


def changed(request: Request, what_if: WhatIf) -> Request:
    """The request as the change makes it. Raises BadRequest naming what does not exist."""
    for name, known in ((what_if.skip, request.cards), (what_if.without, request.channels)):
        if strange := sorted(set(name) - {one.id for one in known}):
            field = "skip" if known is request.cards else "without"
            raise BadRequest(f"names nothing in the request: {strange[0]!r}", field=field)
    accounts = request.accounts
    if what_if.money and accounts:
        accounts = (replace(accounts[0], balance=accounts[0].balance + what_if.money), *accounts[1:])
    factor = Fraction(100 + what_if.income_percent, 100)
    flows = tuple(
        Flow(flow.account, flow.day, max(0, round_half_up(flow.amount * factor))) if flow.amount > 0 else flow
        for flow in request.flows
    )
    channels = tuple(channel for channel in request.channels if channel.id not in what_if.without)
    return replace(request, accounts=accounts, flows=flows, channels=channels)


def compare(request: Request, what_if: WhatIf, *, before: Plan | None = None, seconds: float = 1.0) -> Compared:
    """Plan the changed request and set it beside the plan as it stands (worked out where it is not given)."""
    standing = before or plan(request, seconds=seconds)
    other = changed(request, what_if)
    return Compared(other, planned(other, what_if, seconds=seconds), standing)


def planned(request: Request, what_if: WhatIf, *, seconds: float = 1.0) -> Plan:
    """Plan a request whose skipped bills get no payment before their next statement."""
    left_out = request
    for name in what_if.skip:
        left_out = _without_bill(left_out, name)
    answer = plan(left_out, seconds=seconds)
    if left_out is request:
        return answer
    breakdown, _ = cost_of(request, answer.legs)
    fixed = breakdown.total - answer.cost  # what the skipped bills cost, whatever is paid elsewhere
    shifted = tuple(
        replace(missed, statement=missed.statement + _shift(request, left_out, missed.card)) for missed in answer.missed
    )
    return replace(answer, breakdown=breakdown, lower_bound=answer.lower_bound + fixed, missed=shifted)


def _shift(request: Request, other: Request, name: str) -> int:
    count = {side: sum(len(card.statements) for card in one.cards if card.id == name)
             for side, one in (("was", request), ("is", other))}  # fmt: skip
    return count["was"] - count["is"]


def _without_bill(request: Request, name: str) -> Request:
    """The request in which a card's current bill is past: nothing was paid but what is on its way already.

    The card's story starts with its next statement, as the simulator issues it; where none follows, no channel
    reaches the card.
    """
    card = next(card for card in request.cards if card.id == name)
    current = max((i for i, one in enumerate(card.statements) if one.day <= request.as_of), default=0)
    if current + 1 >= len(card.statements) or card.statements[current + 1].day > request.last:
        return replace(request, channels=tuple(_unreached(channel, name) for channel in request.channels))
    later = current + 1
    start = card.statements[later].day
    known = [credit for credit in card.statements[0].paid if credit.day < start]
    issued = run_card(card, known, last=start).statements[later]
    own = sum(charge.amount for charge in card.statements[later].charges)
    free = issued.charges - own  # what a tolerance let ride becomes a charge of that day
    first = replace(
        card.statements[later], carried=issued.carried, fees=issued.fees, minimum=issued.minimum, paid=(),
        charges=(*card.statements[later].charges, *((Charge(start, free),) if free else ())),
    )  # fmt: skip
    offers = tuple(
        replace(offer, statement=offer.statement - later) for offer in card.offers if offer.statement >= later
    )
    fresh = replace(card, statements=(first, *card.statements[later + 1 :]), offers=offers)
    return replace(request, cards=tuple(fresh if one is card else one for one in request.cards))


def _unreached(channel: Channel, name: str) -> Channel:
    return replace(channel, cards=tuple(card for card in channel.cards if card != name))
