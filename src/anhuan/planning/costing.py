"""What a whole plan costs, and whether it is allowed: the judge that every plan stands before, ours and others'."""

from collections import Counter
from collections.abc import Sequence

from anhuan.planning.model import (
    Account,
    BadPlan,
    Breakdown,
    Card,
    CardOutcome,
    Credit,
    Legs,
    Line,
    Move,
    Payment,
    Request,
    iso,
)
from anhuan.planning.rules import (
    credit_day,
    instalment_fee,
    part_of,
    run_card,
    shares_of,
    taken_by_card,
    terminal_charge,
)
from anhuan.planning.ways import fee_for, month_of, with_fees


def settle_fees(request: Request, legs: Legs) -> Legs:
    """The same plan with fees and credited days filled in by the channels' terms."""
    return Legs(tuple(with_fees(request, legs.payments)), legs.instalments, legs.draws, legs.line_repayments)


def cost_of(request: Request, legs: Legs) -> tuple[Breakdown, dict[str, CardOutcome]]:
    """The cost of a plan in fen, and each card's story. Raises BadPlan for what planning.md does not allow."""
    check_ways(request, legs)
    check_money(request, legs)
    outcomes = {card.id: outcome_of(request, card, legs) for card in request.cards}
    return add_up(request, legs, outcomes), outcomes


def outcome_of(request: Request, card: Card, legs: Legs) -> CardOutcome:
    """One card's story under a plan whose payments carry their credited days."""
    taken = taken_by_card(card, legs.instalments)
    credits = [credit for statement in card.statements[:1] for credit in statement.paid]
    for offer, principal in taken:
        day = credit_day(card, offer, as_of=request.as_of)
        if day is None or not offer.minimum <= principal <= offer.maximum:
            raise BadPlan(f"offer {offer.id} cannot be taken for {principal} fen", field="instalments")
        credits.append(Credit(day, principal))
    if len({offer.statement for offer, _ in taken}) < len(taken):
        raise BadPlan(f"card {card.id} takes two offers on one statement", field="instalments")
    credits += [Credit(payment.credited, payment.amount) for payment in legs.payments if payment.card == card.id]
    credits.sort(key=lambda credit: credit.day)
    return run_card(card, [credit for credit in credits if credit.day <= request.last], last=request.last,
                    shares=shares_of(card, taken))  # fmt: skip


def add_up(request: Request, legs: Legs, outcomes: dict[str, CardOutcome]) -> Breakdown:
    """The objective of planning.md, kind by kind."""
    instalment_fees = terminal = line_interest = 0
    for card in request.cards:
        for offer, principal in taken_by_card(card, legs.instalments):
            instalment_fees += offer.periods * instalment_fee(offer, principal)
        terminal += terminal_charge(outcomes[card.id].bearing, card.daily_rate, request.terminal_days)
    for line in request.lines:
        interest, drawn = line_cost(request, line, legs)
        line_interest += interest
        terminal += terminal_charge(drawn, line.daily_rate, request.terminal_days)
    return Breakdown(
        interest=sum(outcome.interest for outcome in outcomes.values()),
        late_fees=sum(outcome.late_fees for outcome in outcomes.values()),
        instalment_fees=instalment_fees,
        channel_fees=sum(payment.fee for payment in legs.payments),
        line_interest=line_interest,
        missed_minimums=request.missed_minimum_cost * sum(outcome.missed for outcome in outcomes.values()),
        terminal=terminal,
    )


def line_cost(request: Request, line: Line, legs: Legs) -> tuple[int, int]:
    """A line's interest over the horizon (rounded once) and what is still drawn at its end, in fen."""
    days = drawn = 0
    moves = [(move.day, move.amount) for move in legs.draws if move.line == line.id]
    moves += [(move.day, -move.amount) for move in legs.line_repayments if move.line == line.id]
    for day, amount in moves:
        days += amount * (request.last + 1 - day)
        drawn += amount
    return part_of(days, line.daily_rate), drawn


def check_ways(request: Request, legs: Legs) -> None:
    """Every payment goes a way the request gives, within its dates and limits, with the right fee and credited day."""
    channels = {channel.id: channel for channel in request.channels}
    used: Counter[tuple[str, int]] = Counter()
    per_day: Counter[tuple[str, int]] = Counter()
    per_month: Counter[tuple[str, str, int]] = Counter()
    told = with_fees(request, legs.payments)
    for given, payment in zip(sorted(legs.payments, key=lambda payment: payment.day), told, strict=True):
        channel = channels[payment.channel]
        month = month_of(payment.day)
        fee = fee_for(channel, payment.amount, used=used[payment.channel, month])
        used[payment.channel, month] += payment.amount
        per_day[payment.channel, payment.day] += payment.amount
        per_month[payment.channel, payment.card, month] += 1
        _insist(payment.account in channel.accounts and payment.card in channel.cards, payment, "no such way")
        _insist(request.as_of <= payment.day <= request.last, payment, "outside the horizon")
        _insist(payment.amount > 0, payment, "not a positive amount")
        _insist(given.fee == fee and given.credited == payment.credited, payment, "fee or credited day is wrong")
        _insist(not channel.per_payment_max or payment.amount <= channel.per_payment_max, payment, "above the maximum")
        _insist(payment.amount >= channel.per_payment_min, payment, "below the minimum of the channel")
        over_day = channel.per_day_max and per_day[payment.channel, payment.day] > channel.per_day_max
        _insist(not over_day, payment, "above the day's maximum")
        count = per_month[payment.channel, payment.card, month]
        _insist(not channel.payments_per_month or count <= channel.payments_per_month, payment, "too many this month")


def check_money(request: Request, legs: Legs) -> None:
    """No account goes below its floor of the day, and no line above what is available."""
    for line in request.lines:
        drawn = 0
        moves = [(move.day, 1, -move.amount) for move in legs.line_repayments if move.line == line.id]
        moves += [(move.day, 0, move.amount) for move in legs.draws if move.line == line.id]
        by_day: dict[int, int] = {}
        for day, _, amount in moves:
            if not request.as_of <= day <= request.last:
                raise BadPlan(f"line {line.id} is used outside the horizon", field="draws")
            by_day[day] = by_day.get(day, 0) + amount
        for day in sorted(by_day):
            drawn += by_day[day]
            if not 0 <= drawn <= line.available:
                raise BadPlan(f"line {line.id} holds {drawn} fen on {iso(day)}", field="draws")
    for account in request.accounts:
        check_account(request, account, legs)


def check_account(request: Request, account: Account, legs: Legs) -> None:
    """The end-of-day balances of one account against its floor (planning.md, A payment)."""
    for day, base, held in balances(request, account, legs):
        if held < min(account.reserve, base):
            raise BadPlan(
                f"account {account.id} would hold {held} fen on {iso(day)}, "
                f"{min(account.reserve, base) - held} below its floor",
                field="payments",
            )


def balances(request: Request, account: Account, legs: Legs) -> list[tuple[int, int, int]]:
    """(day, without the plan, with the plan) at the end of each day on which something happens, in order."""
    flows: Counter[int] = Counter()
    acts: Counter[int] = Counter()
    for flow in request.flows:
        if flow.account == account.id and flow.day <= request.last:
            flows[max(flow.day, request.as_of)] += flow.amount
    for payment in legs.payments:
        if payment.account == account.id:
            acts[payment.day] -= payment.amount + payment.fee
    lines = {line.id: line for line in request.lines if line.account == account.id}
    for sign, moves in ((1, legs.draws), (-1, legs.line_repayments)):
        for move in moves:
            if move.line in lines:
                acts[move.day] += sign * move.amount
    for line in lines.values():
        acts[request.last] -= line_cost(request, line, legs)[0]
    base = held = account.balance
    told = []
    for day in sorted({request.as_of, *flows, *acts}):
        base += flows[day]
        held += flows[day] + acts[day]
        told.append((day, base, held))
    return told


def sorted_legs(
    payments: Sequence[Payment], instalments: Sequence[tuple[str, int]] = (), draws: Sequence[Move] = (),
    repayments: Sequence[Move] = (),
) -> Legs:  # fmt: skip
    """A plan's legs in order of day."""
    from anhuan.planning.model import Taken  # the word is needed here alone

    return Legs(
        tuple(sorted(payments, key=lambda payment: (payment.day, payment.card, payment.channel, -payment.amount))),
        tuple(Taken(offer, principal) for offer, principal in instalments),
        tuple(sorted(draws, key=lambda move: move.day)),
        tuple(sorted(repayments, key=lambda move: move.day)),
    )


def _insist(allowed: bool, payment: Payment, why: str) -> None:
    if not allowed:
        raise BadPlan(
            f"{payment.amount} fen to {payment.card} by {payment.channel} on {iso(payment.day)}: {why}",
            field="payments",
        )
