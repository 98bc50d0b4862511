"""What happens on a card, an account and a line, day by day, exactly as planning.md says: the simulator.

Interest is a whole number of fen-days times an exact rate, so nothing is rounded but where a rule rounds.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from anhuan.planning.model import (
    BadPlan,
    Basis,
    Card,
    CardOutcome,
    Charge,
    Credit,
    Issued,
    Offer,
    Taken,
)


def run_card(
    card: Card, credits: Sequence[Credit], *, last: int, shares: Mapping[int, int] | None = None
) -> CardOutcome:
    """Live one card's story to the last day.

    `credits` are all payments in order of day, those already made and instalment principals included; `shares` gives
    for a statement's index the instalment shares (fees included) that taken offers add to it, in fen.
    Raises BadPlan when somebody pays more than the open balance of the current statement, or before the first one.
    """
    story = Story(card, credits, last, shares or {})
    return story.told()


class Story:
    """The running state of one card between two statements."""

    def __init__(self, card: Card, credits: Sequence[Credit], last: int, shares: Mapping[int, int]) -> None:
        self.card, self.last, self.shares = card, last, shares
        self.credits, self.next_credit = credits, 0
        self.carried = self.fees = self.shortfall = self.left_free = 0
        self.late_fee = 0
        self.interest = self.late_fees = self.missed = 0
        self.issued: list[Issued] = []

    def told(self) -> CardOutcome:
        statements = self.card.statements
        if statements and self.credits and self.credits[0].day < statements[0].day:
            raise BadPlan(f"card {self.card.id} is paid before its first statement", field="payments")
        for index, statement in enumerate(statements):
            if statement.day > self.last:
                break
            following = statements[index + 1].day if index + 1 < len(statements) else self.last + 1
            self.cycle(index, min(following, self.last + 1))
        return CardOutcome(self.interest, self.late_fees, self.missed, self.carried, self.issued)

    def cycle(self, index: int, end: int) -> None:
        """From one statement's date up to, not including, `end`."""
        card, statement = self.card, self.card.statements[index]
        charges, shares = self.issue(index)
        charged = sum(charge.amount for charge in charges)
        balance = self.carried + self.fees + charged
        minimum = statement.minimum if index == 0 else self.minimum(charged, shares, balance)
        carried, fees = self.carried, self.fees
        grace = statement.due + card.grace_days
        days = self.carried * (end - statement.day)  # fen-days of the carried balance, less what is paid off
        paid = early = 0
        open_charges, charge_days = charged, 0
        graced, full, missed, late_fee = False, False, False, 0
        for credit in [*self.credited_before(end), None]:
            if not graced and grace < end and (credit is None or credit.day > grace):
                graced = True
                full = paid >= balance - card.tolerance
                missed = paid < minimum - card.late_tolerance
                late_fee = self.late_fee_on(minimum - paid) if missed else 0
                early = paid
                if not full:
                    days += self.charge_fen_days(charges, charged - open_charges, charge_days, grace)
                    days += open_charges * (end - grace - 1)
                    self.carried += open_charges
                    open_charges = 0
            if credit is None:
                break
            if credit.amount > self.fees + self.carried + open_charges:
                raise BadPlan(f"card {card.id} is paid more than its open balance", field="payments")
            paid += credit.amount
            to_fees = min(credit.amount, self.fees)
            to_carried = min(credit.amount - to_fees, self.carried)
            to_charges = credit.amount - to_fees - to_carried
            self.fees -= to_fees
            self.carried -= to_carried
            open_charges -= to_charges
            days -= to_carried * (end - credit.day)
            charge_days += to_charges * (grace + 1 - credit.day)
        interest = part_of(days, card.daily_rate)
        self.interest += interest
        self.late_fees += late_fee
        self.missed += missed
        self.late_fee = late_fee
        self.shortfall = max(0, minimum - paid)
        self.left_free = open_charges if full else 0
        self.issued.append(
            Issued(index, statement.day, grace, balance, minimum, carried, fees, charged,
                   early if graced else paid, paid, full, missed, late_fee, interest, days)
        )  # fmt: skip
        following = index + 1
        if following < len(card.statements) and card.statements[following].day <= self.last:
            self.carried += interest
            self.fees += late_fee

    def issue(self, index: int) -> tuple[list[Charge], int]:
        """The charges of a statement with what is added on its date, and how much of them are instalment shares."""
        statement = self.card.statements[index]
        charges = list(statement.charges)
        if index == 0:
            self.carried, self.fees = statement.carried, statement.fees
        if self.left_free:
            charges.append(Charge(statement.day, self.left_free))
        if share := self.shares.get(index, 0):
            charges.append(Charge(statement.day, share, instalment=True))
        return charges, sum(charge.amount for charge in charges if charge.instalment)

    def minimum(self, charged: int, shares: int, balance: int) -> int:
        """Rule 4: a rate of what revolves, and all of fees, shares and what is still missing of the last minimum."""
        revolving = self.carried + charged - shares
        rate = self.card.minimum_rate
        least = -(-revolving * rate.numerator // rate.denominator)  # rounded up to the fen
        return min(balance, least + self.fees + shares + self.shortfall)

    def late_fee_on(self, missing: int) -> int:
        return max(self.card.late_fee_minimum, part_of(missing, self.card.late_fee_rate))

    def credited_before(self, end: int) -> list[Credit]:
        first = self.next_credit
        while self.next_credit < len(self.credits) and self.credits[self.next_credit].day < end:
            self.next_credit += 1
        return list(self.credits[first : self.next_credit])

    def charge_fen_days(self, charges: list[Charge], settled: int, early_days: int, grace: int) -> int:
        """Fen-days of the charges of a bill not paid in full, from their posting days to the last day of grace.

        `early_days` are the fen-days that payments to charges saved on the full basis.
        """
        if self.card.basis is Basis.FULL:
            return sum(charge.amount * (grace + 1 - charge.posted) for charge in charges) - early_days
        days = 0
        for charge in sorted(charges, key=lambda charge: charge.posted):
            settled_here = min(settled, charge.amount)
            settled -= settled_here
            days += (charge.amount - settled_here) * (grace + 1 - charge.posted)
        return days


def part_of(amount: int, rate: Fraction) -> int:
    """A rate of a whole number, to the nearest fen, halves upward."""
    return (2 * amount * rate.numerator + rate.denominator) // (2 * rate.denominator)


def credit_day(card: Card, offer: Offer, *, as_of: int) -> int | None:
    """The day a taken offer counts as a payment of its bill; None when that bill is not the current one any more."""
    statement = card.statements[offer.statement]
    day = max(statement.day, as_of)
    following = offer.statement + 1
    if following < len(card.statements) and card.statements[following].day <= day:
        return None
    return day


def instalment_fee(offer: Offer, principal: int) -> int:
    """The fee of one period in fen (rule 5)."""
    return part_of(principal, offer.fee_rate)


def shares_of(card: Card, taken: Iterable[tuple[Offer, int]]) -> dict[int, int]:
    """Instalment shares with their fees by statement index, as far as statements are listed (rule 5)."""
    shares: dict[int, int] = {}
    for offer, principal in taken:
        share, rest = divmod(principal, offer.periods)
        fee = instalment_fee(offer, principal)
        for period in range(1, offer.periods + 1):
            index = offer.statement + period
            if index >= len(card.statements):
                break
            shares[index] = shares.get(index, 0) + share + fee + (rest if period == offer.periods else 0)
    return shares


def terminal_charge(balance: int, rate: Fraction, days: int) -> int:
    """What the balance that still earns interest is priced at beyond the last day."""
    return part_of(balance * days, rate)


def taken_by_card(card: Card, instalments: Iterable[Taken]) -> list[tuple[Offer, int]]:
    """The offers of one card that are taken, with their principals."""
    offers = {offer.id: offer for offer in card.offers}
    return [(offers[taken.offer], taken.principal) for taken in instalments if taken.offer in offers]
