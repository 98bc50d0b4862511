"""Every plan of a tiny request, tried one after the other: what no clever search can beat, and no bound may exceed."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

from anhuan.planning import BadPlan, Legs, Payment, Request, cost_of, settle_fees

STEP = 100  # fen: amounts are tried in whole yuan

Choice = tuple[int, int]  # day and amount; amount 0 is no payment


def cheapest(request: Request) -> tuple[int, Legs]:
    """The cheapest plan of whole yuan: one card gets up to two payments, two cards up to one each."""
    best: tuple[int, Legs] | None = None
    for legs in plans(request):
        try:
            cost = cost_of(request, legs)[0].total
        except BadPlan:
            continue
        if best is None or cost < best[0]:
            best = cost, legs
    assert best is not None, "paying nothing is always allowed"
    return best


def plans(request: Request) -> Iterator[Legs]:
    """All of them, allowed or not."""
    channel, account = request.channels[0].id, request.accounts[0].id
    choices = [[(request.as_of, 0), *_choices(request, index)] for index in range(len(request.cards))]
    names = [card.id for card in request.cards]
    picks: Iterator[list[tuple[str, Choice]]]
    if len(names) == 1:
        picks = ([(names[0], one) for one in pair] for pair in combinations_with_replacement(choices[0], 2))
    else:
        picks = (list(zip(names, picked, strict=True)) for picked in product(*choices))
    for picked in picks:
        payments = [Payment(day, account, channel, card, amount) for card, (day, amount) in picked if amount]
        yield settle_fees(request, Legs(tuple(sorted(payments, key=lambda payment: payment.day))))


def _choices(request: Request, index: int) -> list[Choice]:
    card = request.cards[index]
    balance = max(
        statement.carried + statement.fees + sum(charge.amount for charge in statement.charges) + 2 * STEP
        for statement in card.statements
    )
    days = range(request.as_of, request.last + 1)
    return [(day, amount) for day in days for amount in range(STEP, balance + 1, STEP)]
