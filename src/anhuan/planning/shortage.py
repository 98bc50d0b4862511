"""When money is short: which minimums fall, and how much more, by which day, would save each."""

from anhuan.planning.costing import balances
from anhuan.planning.model import CardOutcome, Channel, Legs, Missed, Request
from anhuan.planning.ways import fee_for, last_day_for, month_of


def missed_minimums(request: Request, legs: Legs, outcomes: dict[str, CardOutcome]) -> tuple[Missed, ...]:
    """Every minimum the plan misses, by its last day, with what would save it.

    `more` is what must stand on an account, beside what the plan leaves above the floor from that day on, so that the
    missing amount with its channel fee arrives by the last day of grace; None where no money can save it any more.
    """
    told = []
    for card in request.cards:
        for one in outcomes[card.id].statements:
            if not one.missed:
                continue
            missing = one.minimum - card.late_tolerance - one.paid_by_grace
            saving = [
                cost
                for channel in request.channels
                if card.id in channel.cards and (cost := _saving(request, legs, channel, missing, one.last_grace_day))
            ]
            more, by = min(saving, key=lambda cost: (cost[0], -cost[1])) if saving else (None, None)
            due = card.statements[one.index].due
            told.append(Missed(card.id, one.index, due, one.minimum, one.paid_by_grace, more, by))
    return tuple(sorted(told, key=lambda missed: (missed.due, missed.card)))


def _saving(request: Request, legs: Legs, channel: Channel, missing: int, grace: int) -> tuple[int, int] | None:
    """How much more money by which day, when it goes through this channel."""
    day = last_day_for(channel, grace, first=request.as_of)
    if day is None or not channel.accounts:
        return None
    used = sum(
        payment.amount
        for payment in legs.payments
        if payment.channel == channel.id and payment.day <= day and month_of(payment.day) == month_of(day)
    )
    amount = max(missing, channel.per_payment_min)
    spare = max(_spare(request, legs, account, day) for account in channel.accounts)
    return max(1, amount + fee_for(channel, amount, used=used) - spare), day


def _spare(request: Request, legs: Legs, name: str, day: int) -> int:
    """What the plan leaves on an account above its floor from a day on."""
    account = next(account for account in request.accounts if account.id == name)
    history = balances(request, account, legs)
    later = [held - account.reserve for when, _, held in history if when >= day]
    until = [held - account.reserve for when, _, held in history if when <= day]
    return max(0, min([*later, until[-1]]))
