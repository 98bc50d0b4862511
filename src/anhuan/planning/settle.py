"""From the program's yuan to a plan in whole fen: settle every amount before costing it.

A plan rounded afterwards misses an exact minimum by one fen (planning.md, two traps), so bill by bill what is meant to
be paid in full or to the minimum is made exactly that, with the balances that the simulator prints.
"""

from collections import Counter
from dataclasses import dataclass

from anhuan.planning.costing import balances
from anhuan.planning.model import (
    Account,
    BadPlan,
    Card,
    Channel,
    Credit,
    Legs,
    Line,
    Move,
    Offer,
    Payment,
    Request,
    Taken,
)
from anhuan.planning.opening import Opening
from anhuan.planning.options import Option
from anhuan.planning.program import Part, Written
from anhuan.planning.rules import credit_day, part_of, run_card, shares_of
from anhuan.planning.ways import with_fees

NEAR = 5  # fen: what the program's rounding can be away from an exact balance or minimum
_TRIES = 12

Spared = Counter[tuple[str, Option]]


@dataclass(slots=True)
class Slot:
    """An amount on its way to a bill: it may shrink when it serves no exact goal."""

    option: Option
    amount: int
    exact: bool = False
    spared: int = 0  # fen that its account could not give: another way of the bill must, where the goal is exact
    movable: bool = False  # whether another account reaches the bill in time


def settle(request: Request, openings: list[Opening], written: Written, values: list[float]) -> Legs:
    """The plan that the program's answer means, in whole fen. Raises BadPlan when rounding leaves it none."""
    taken = [(card, offer, round(values[column] * 100)) for card, offer, column in written.offers]
    taken = [(card, offer, principal) for card, offer, principal in taken if principal > 0]
    spared: Spared = Counter()
    for _ in range(_TRIES):
        slots: dict[str, list[Slot]] = {}
        for opening in openings:
            card = opening.card
            own = [(offer, principal) for other, offer, principal in taken if other is card]
            slots[card.id] = _settle_card(request, card, written.parts[card.id], values, own, spared)
        if not _spare_fen(request, slots, spared):
            break
    payments = _payments(slots)
    instalments = tuple(Taken(offer.id, principal) for _, offer, principal in taken)
    return with_draws(request, Legs(tuple(with_fees(request, payments)), instalments))


def pieces(amount: int, channel: Channel) -> list[int]:
    """A sum in as many payments as the channel's maximum asks for, none below its minimum."""
    most = channel.per_payment_max
    if not most or amount <= most:
        return [amount] if amount else []
    count = -(-amount // most)
    cut = [most] * (count - 1) + [amount - most * (count - 1)]
    if cut[-1] < channel.per_payment_min:
        cut[-2] -= channel.per_payment_min - cut[-1]
        cut[-1] = channel.per_payment_min
    return cut


def _settle_card(
    request: Request,
    card: Card,
    parts: list[Part],
    values: list[float],
    taken: list[tuple[Offer, int]],
    spared: Spared,
) -> list[Slot]:
    shares = shares_of(card, taken)
    credits = [credit for statement in card.statements[:1] for credit in statement.paid if credit.day <= request.last]
    for offer, principal in taken:
        day = credit_day(card, offer, as_of=request.as_of)
        assert day is not None
        credits.append(Credit(day, principal))
    settled: list[Slot] = []
    for part in parts:
        slots = _slots(card.id, part, values, spared)
        if not slots:
            continue
        start, end = card.statements[part.cycle.index].day, part.cycle.end
        known = sorted(credits, key=lambda credit: credit.day)
        issued = run_card(
            card, [credit for credit in known if credit.day < start], last=start, shares=shares
        ).statements[part.cycle.index]
        paid = [credit for credit in known if start <= credit.day < end]
        _aim(card, part, slots, values, issued.balance, issued.minimum, paid)
        credits += [Credit(slot.option.credited, slot.amount) for slot in slots if slot.amount]
        settled += [slot for slot in slots if slot.amount]
    return settled


def _slots(card: str, part: Part, values: list[float], spared: Spared) -> list[Slot]:
    amounts: dict[int, float] = {}
    options: dict[int, Option] = {}
    for option, column in part.options:
        amounts[id(option)] = amounts.get(id(option), 0.0) + values[column]
        options[id(option)] = option
    slots = []
    for key, amount in amounts.items():
        less = spared[card, options[key]]
        slots.append(Slot(options[key], max(0, round(amount * 100) - less), spared=less))
    return [slot for slot in slots if slot.amount > 0 or slot.spared]


def _aim(
    card: Card, part: Part, slots: list[Slot], values: list[float], balance: int, minimum: int, paid: list[Credit]
) -> None:
    """Make a bill's payments exactly what they are meant to be: all, the minimum, or at most what is open."""
    grace = part.cycle.grace
    judged = not part.cycle.graced and grace < part.cycle.end
    early = [slot for slot in slots if slot.option.credited <= grace] if judged else list(slots)
    late = [slot for slot in slots if slot not in early]
    before = sum(credit.amount for credit in paid if not judged or credit.day <= grace)
    total = before + sum(slot.amount for slot in early)
    meant = total + sum(slot.spared for slot in early)
    goal = min(total, balance)
    exact = False
    if judged:
        full = part.full is not None and values[part.full] > 0.5
        least = minimum - card.late_tolerance
        if meant >= balance - NEAR:
            goal, exact = balance, True
        elif full or abs(meant - (balance - card.tolerance)) <= NEAR:
            goal, exact = max(total, balance - card.tolerance), True
        elif (part.missed is None or values[part.missed] < 0.5) and meant <= least + NEAR:
            goal, exact = least, True
    if exact and early:
        others = [option for option, _ in part.options if option.credited <= grace]
        early, added = _with_heir(early, others, goal > total)
        slots += added
    _shift(early, goal - total)
    for slot in early:
        slot.exact = exact
    reached = before + sum(slot.amount for slot in early) + sum(c.amount for c in paid if judged and c.day > grace)
    spill = sum(slot.amount for slot in late) - (balance - reached)
    if late and spill > -NEAR:
        _shift(late, -spill)


def _with_heir(early: list[Slot], options: list[Option], wanted: bool) -> tuple[list[Slot], list[Slot]]:
    """The payments with the one last that takes over what another account could not give; added where none is there."""
    short = {slot.option.account for slot in early if slot.spared}
    for slot in early:
        slot.movable = any(option.account not in {*short, slot.option.account} for option in options)
    if not short or not wanted:
        return early, []
    heirs = [slot for slot in early if slot.option.account not in short]
    if heirs:
        return [*(slot for slot in early if slot is not heirs[-1]), heirs[-1]], []
    ways = [option for option in options if option.account not in short]
    if not ways:
        return early, []
    heir = Slot(max(ways, key=lambda option: option.day), 0)
    return [*early, heir], [heir]


def _shift(slots: list[Slot], by: int) -> None:
    """Add to the last payment, or take from the last ones."""
    if by > 0 and slots:
        slots[-1].amount += by
    for slot in reversed(slots):
        if by >= 0:
            break
        part = min(slot.amount, -by)
        slot.amount -= part
        by += part


def _spare_fen(request: Request, slots: dict[str, list[Slot]], spared: Spared) -> bool:
    """Where rounding or a fee asks an account for too much, note which payment gives it up.

    One without an exact goal first; else one that another account can take over. True when something was noted, so
    that the cards must be settled again: what is not paid now is owed later.
    """
    for account in request.accounts:
        over = _overdrawn(request, account, slots)
        if over is None:
            continue
        day, fen = over
        spare = [
            (not slot.exact, slot is own[-1], slot.option.day, slot.amount, card, slot)
            for card, own in slots.items()
            for slot in own
            if slot.option.account == account.id and slot.option.day <= day
            and slot.amount > fen and (slot.movable or not slot.exact)
        ]  # fmt: skip
        if not spare:
            raise BadPlan(f"account {account.id} lacks {fen} fen", field="payments")
        *_, card, slot = max(spare, key=lambda one: one[:4])
        spared[card, slot.option] += fen
        return True
    return False


def _payments(slots: dict[str, list[Slot]]) -> list[Payment]:
    return [
        Payment(slot.option.day, slot.option.account, slot.option.channel.id, card, amount)
        for card, own in slots.items()
        for slot in own
        for amount in pieces(slot.amount, slot.option.channel)
    ]


def _overdrawn(request: Request, account: Account, slots: dict[str, list[Slot]]) -> tuple[int, int] | None:
    legs = Legs(tuple(with_fees(request, _payments(slots))))
    if any(line.account == account.id for line in request.lines):
        try:
            with_draws(request, legs)
        except BadPlan as lack:
            return (lack.facts["day"], lack.facts["fen"]) if lack.facts["account"] == account.id else None
        return None
    for day, base, held in balances(request, account, legs):
        if held < min(account.reserve, base):
            return day, min(account.reserve, base) - held
    return None


def with_draws(request: Request, legs: Legs) -> Legs:
    """The same payments with the least that must be drawn on lines to keep every account at its floor.

    What is owed on a day is exactly what the payments so far go beyond the room of that day: owing less is not
    possible, owing more only costs. Raises BadPlan when the lines do not reach that far.
    """
    if not request.lines:
        return legs
    draws: list[Move] = []
    repayments: list[Move] = []
    for account in request.accounts:
        lines = sorted((line for line in request.lines if line.account == account.id), key=lambda line: line.daily_rate)
        if lines:
            _draw(request, account, lines, legs, draws, repayments)
    return Legs(legs.payments, legs.instalments, tuple(draws), tuple(repayments))


def _draw(
    request: Request, account: Account, lines: list[Line], legs: Legs, draws: list[Move], repayments: list[Move]
) -> None:
    bare = Legs(legs.payments, legs.instalments)
    interest = 0
    for _ in range(20):
        moves: list[tuple[str, int, int]] = []
        owed = dict.fromkeys((line.id for line in lines), 0)
        days = {line.id: 0 for line in lines}
        held_to = balances(request, account, bare)
        if held_to[-1][0] != request.last:
            held_to.append((request.last, *held_to[-1][1:]))
        for day, base, held in held_to:
            need = max(0, min(account.reserve, base) - held + (interest if day == request.last else 0))
            for line in lines:
                target = min(need, line.available)
                need -= target
                if target != owed[line.id]:
                    moves.append((line.id, day, target - owed[line.id]))
                    days[line.id] += (target - owed[line.id]) * (request.last + 1 - day)
                    owed[line.id] = target
            if need:
                raise BadPlan(
                    f"account {account.id} lacks {need} fen beside its lines",
                    field="draws", account=account.id, day=day, fen=need,
                )  # fmt: skip
        due = sum(part_of(days[line.id], line.daily_rate) for line in lines)
        if due == interest:
            break
        interest = due
    draws += [Move(line, day, amount) for line, day, amount in moves if amount > 0]
    repayments += [Move(line, day, -amount) for line, day, amount in moves if amount < 0]
