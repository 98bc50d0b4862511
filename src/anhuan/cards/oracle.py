"""The oracle: what one card really costs, told day by day from its statements and payments, with every step shown.

It knows the whole story of a card and changes nothing. Interest runs from the bank's posting day up to, not including,
the day a payment is credited; it is kept as an exact fraction and rounded once per cycle, half up, to the fen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from anhuan.cards.model import CardTerms, Charge, InterestBasis, Payment, Step
from anhuan.cards.wording import days_sum, say
from anhuan.kit.errors import Refused
from anhuan.kit.money import round_half_up, round_up, to_text

_DAY: Final = timedelta(days=1)


class StoryBroken(Refused):
    """卡片经过有误: statements overlap, a payment is more than what was open, or a charge lies after its statement."""

    code = "cards.story_broken"


@dataclass(frozen=True, slots=True)
class StoryStatement:
    """One statement of the story, in fen; `carried` and `fees` are what came over, on the first statement only.

    A negative charge is a refund posted before the statement; `cash` are cash advances, which never ride free.
    `minimum` is the printed one where the bill is issued; None lets the formula work it out.
    """

    statement_on: date
    due_on: date
    charges: tuple[Charge, ...] = ()
    carried: int = 0
    fees: int = 0
    minimum: int | None = None
    cash: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """An instalment offer taken for a principal in fen: it counts as a payment on its day and comes back in shares."""

    statement: int  # which statement of the story it was taken for
    principal: int
    periods: int
    fee_rate: Decimal
    credited_on: date
    remainder_on: str = "last"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a full agreement adds to the planner's terms; the defaults add nothing."""

    minimum_floor: int = 0
    late_fee_rate_again: Decimal | None = None  # from the second missed minimum in a row
    principal_first_from_days: int | None = None  # the order of allocation turns when so many days overdue


@dataclass(frozen=True, slots=True)
class CardStory:
    """All that happened on a card and will: its terms, its statements in order, and the payments credited."""

    terms: CardTerms
    statements: tuple[StoryStatement, ...]
    payments: tuple[Payment, ...] = ()
    taken: tuple[Taken, ...] = ()
    agreement: Agreement = field(default_factory=Agreement)
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class ToldStatement:
    """One statement as it came out, in fen; `interest` is what its own cycle added to the next one."""

    statement_on: date
    due_on: date
    balance: int
    minimum: int
    carried: int
    fees: int
    paid: int = 0
    judged: bool = False
    in_full: bool = False
    missed: bool = False
    late_fee: int = 0
    interest: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """The whole cost in fen: `interest` includes `accrued`, which no statement has billed yet.

    `balance_bearing` still earns interest at the end of the last day; `open` is everything still owed then.
    """

    interest: int
    late_fees: int
    missed: int
    accrued: int
    balance_bearing: int
    open: int
    instalment_fees: int
    statements: tuple[ToldStatement, ...]
    steps: tuple[Step, ...]

    @property
    def cost(self) -> int:
        """Interest, late fees and instalment fees together."""
        return self.interest + self.late_fees + self.instalment_fees


def tell(story: CardStory, until: date, *, lang: str = "zh") -> Told:
    """Tell a card's story from its first statement up to and including a day; refuses one that contradicts itself."""
    _check(story)
    teller = _Teller(story, until, lang)
    for at, statement in enumerate(story.statements):
        if statement.statement_on > until:
            break
        teller.issue(at, statement)
        teller.run_cycle(at)
    return teller.told()


def share_of(taken: Taken, period: int) -> int:
    """Principal of one share in fen: whole division, the remainder on the row the contract names (periods from 1)."""
    share, rest = divmod(taken.principal, taken.periods)
    return share + (rest if period == (taken.periods if taken.remainder_on == "last" else 1) else 0)


def fee_of(taken: Taken) -> int:
    """Fee of one period in fen, rounded half up."""
    return round_half_up(Fraction(taken.fee_rate) * taken.principal)


@dataclass(slots=True)
class _Owed:
    """A charge under way: what is open, since when it counts, and which parts were paid when."""

    posted_on: date
    open: int
    instalment: bool
    paid: list[tuple[date, int]] = field(default_factory=list)


class _Teller:
    """Carries one card from day to day; every method is one event of the story."""

    def __init__(self, story: CardStory, until: date, lang: str) -> None:
        self.story, self.until, self.lang = story, until, lang
        self.rate = Fraction(story.terms.daily_rate)
        self.fees = self.principal = self.billed_interest = 0  # carried = principal + billed_interest
        self.cash: list[_Owed] = []
        self.charges: list[_Owed] = []
        self.paid = self.minimum = self.balance = 0
        self.interest = Fraction(0)  # of this cycle, exact
        self.since = date.min  # interest on the carried balance is worked out up to here
        self.late_fee = self.row_of_missed = 0
        self.overdue_since: date | None = None
        self.statements: list[ToldStatement] = []
        self.steps: list[Step] = []
        self.interest_told = 0

    def issue(self, at: int, statement: StoryStatement) -> None:
        """A statement date: bill the cycle's interest, take up what came over, add the new charges."""
        shortfall = max(0, self.minimum - self.paid) if at else 0
        self.accrue(statement.statement_on)
        self.bill_interest()
        # the late fee is a fee of this statement and bears no interest; nor do fees still open
        self.fees += self.late_fee + statement.fees
        self.late_fee = 0
        self.principal += statement.carried
        left = sum(charge.open for charge in self.charges)  # what the tolerance let ride becomes a charge of today
        self.charges = [_Owed(statement.statement_on, left, instalment=False)] if left else []
        self.charges += [_Owed(c.posted_on, c.amount, c.instalment) for c in statement.charges if c.amount > 0]
        self.charges += self.shares(at, statement.statement_on)
        self.charges.sort(key=lambda charge: charge.posted_on)
        self.take_refunds([charge for charge in statement.charges if charge.amount < 0])
        self.take_cash(statement)
        self.paid = 0
        self.since = statement.statement_on
        self.balance = self.owed()
        self.minimum = self.work_out_minimum(statement, shortfall)
        self.statements.append(
            ToldStatement(
                statement_on=statement.statement_on,
                due_on=statement.due_on,
                balance=self.balance,
                minimum=self.minimum,
                carried=self.carried(),
                fees=self.fees,
            )
        )

    def run_cycle(self, at: int) -> None:
        """The days of one cycle: payments as they come, the verdict on the last day of grace."""
        statement = self.story.statements[at]
        following = self.story.statements[at + 1].statement_on if at + 1 < len(self.story.statements) else None
        last = self.until if following is None else min(self.until, following - _DAY)
        verdict_on = statement.due_on + timedelta(days=self.story.terms.grace_days)
        credits = sorted(self.credits(statement.statement_on, last), key=lambda payment: payment.credited_on)
        for payment in (one for one in credits if one.credited_on <= verdict_on):
            self.pay(payment)
        if verdict_on <= last:
            self.judge(statement, verdict_on)
        for payment in (one for one in credits if one.credited_on > verdict_on):
            self.pay(payment)
        self.accrue(last + _DAY)
        self.statements[-1] = replace(self.statements[-1], paid=self.paid)

    def pay(self, payment: Payment) -> None:
        """One payment: fees, interest, principal; the carried balance before the charges, in order of posting."""
        if payment.amount > self.owed():
            raise StoryBroken(f"more was paid on {payment.credited_on} than was open", field="payments")
        self.accrue(payment.credited_on)
        self.paid += payment.amount
        rest = payment.amount
        pockets = [self.pay_fees, self.pay_interest, self.pay_principal, self.pay_cash, self.pay_charges]
        if self.turned(payment.credited_on):
            pockets = [self.pay_principal, self.pay_cash, self.pay_charges, self.pay_interest, self.pay_fees]
        for pocket in pockets:
            rest = pocket(rest, payment.credited_on)

    def judge(self, statement: StoryStatement, on: date) -> None:
        """The last day of grace, after its payments: in full or not, and whether the minimum was missed."""
        terms = self.story.terms
        in_full = self.paid >= self.balance - terms.grace_amount
        if in_full:
            self.note("in_full" if self.owed() == 0 else "tolerated", self.amount(self.paid), Fraction(0))
        else:
            self.charge_interest(on)
        missed = self.paid < self.minimum - terms.late_tolerance
        if missed:
            self.late_fee = self.work_out_late_fee()
            self.note("missed", f"{self.amount(self.paid)} < {self.amount(self.minimum)}", Fraction(0))
        self.overdue_since = (self.overdue_since or statement.due_on) if missed else None
        self.row_of_missed = self.row_of_missed + 1 if missed else 0
        self.statements[-1] = replace(
            self.statements[-1], judged=True, in_full=in_full, missed=missed, late_fee=self.late_fee
        )

    def charge_interest(self, on: date) -> None:
        """Not paid in full: the charges earn interest from their posting days, and what is open is carried on."""
        self.accrue(on + _DAY)
        whole = self.story.terms.interest_basis is InterestBasis.FULL
        key = "interest_full" if whole else "interest_unpaid"
        spans: Counter[tuple[date, date]] = Counter()  # equal days together: one line of the sum for one posting day
        for charge in self.charges:
            for paid_on, amount in charge.paid if whole else ():
                spans[charge.posted_on, paid_on] += amount
            spans[charge.posted_on, on + _DAY] += charge.open
        for (start, end), amount in sorted(spans.items()):
            self.earn(key, amount, start, end)
        self.principal += sum(charge.open for charge in self.charges)
        self.charges = []

    def accrue(self, to: date) -> None:
        """Interest of the carried balance and of cash advances up to, not including, a day."""
        if to > self.since:
            self.earn("carried", self.carried(), self.since, to)
            for cash in self.cash:
                self.earn("cash", cash.open, self.since, to)
            self.since = to

    def bill_interest(self) -> None:
        """The cycle's interest, rounded once, joins the carried balance (monthly compounding)."""
        billed = round_half_up(self.interest)
        if self.interest:
            self.note("rounded", f"{self.amount(billed)}", Fraction(billed))
        if self.statements:
            self.statements[-1] = replace(self.statements[-1], interest=billed)
        self.billed_interest += billed
        self.interest_told += billed
        self.interest = Fraction(0)

    def work_out_minimum(self, statement: StoryStatement, shortfall: int) -> int:
        """The printed minimum, else the formula: a share of carried balance and spending, all else in full."""
        if statement.minimum is not None:
            self.note("minimum", say("printed", self.lang), Fraction(statement.minimum))
            return statement.minimum
        terms, cash = self.story.terms, sum(charge.open for charge in self.cash)
        shares = sum(charge.open for charge in self.charges if charge.instalment)
        base = self.carried() + sum(charge.open for charge in self.charges if not charge.instalment)
        formula = round_up(Fraction(terms.minimum_rate) * base) + cash + self.fees + shares + shortfall
        minimum = min(max(formula, self.story.agreement.minimum_floor), max(0, self.balance))
        working = say(
            "minimum_formula",
            self.lang,
            rate=terms.minimum_rate,
            base=self.amount(base),
            fees=self.amount(self.fees),
            shares=self.amount(shares),
            shortfall=self.amount(shortfall),
        )
        extra = say("minimum_cash", self.lang, cash=self.amount(cash)) if cash else ""
        self.note("minimum", working + extra, Fraction(minimum))
        return minimum

    def work_out_late_fee(self) -> int:
        """A share of what is missing of the minimum, at least the agreement's floor; never compounding."""
        rate = self.story.terms.late_fee_rate
        if self.row_of_missed and self.story.agreement.late_fee_rate_again is not None:
            rate = self.story.agreement.late_fee_rate_again
        missing = self.minimum - self.paid
        fee = round_half_up(Fraction(rate) * missing)
        self.note("late_fee", f"{self.amount(missing)} × {rate} = {self.amount(fee)}", Fraction(fee))
        if fee < self.story.terms.late_fee_minimum:
            fee = self.story.terms.late_fee_minimum
            self.note("late_fee_floor", self.amount(fee), Fraction(fee))
        return fee

    def shares(self, at: int, on: date) -> list[_Owed]:
        """The instalment shares that fall on a statement, each with its fee, posted on the statement date."""
        due = [
            (taken, at - taken.statement) for taken in self.story.taken if 1 <= at - taken.statement <= taken.periods
        ]
        return [_Owed(on, share_of(taken, period) + fee_of(taken), instalment=True) for taken, period in due]

    def take_refunds(self, refunds: Sequence[Charge]) -> None:
        """A refund posted before the statement lowers this bill: the oldest charges first, from its own posting day."""
        for refund in refunds:
            rest = -refund.amount
            for charge in self.charges:
                part = min(rest, charge.open)
                if part:
                    charge.open -= part
                    charge.paid.append((max(refund.posted_on, charge.posted_on), part))
                    rest -= part
            if rest:
                raise StoryBroken("refunds of more than the bill leave a credit, not a bill", field="charges")

    def take_cash(self, statement: StoryStatement) -> None:
        """Cash advances earn interest from their own day, whatever is paid by the due day."""
        for cash in statement.cash:
            self.earn("cash", cash.amount, cash.posted_on, statement.statement_on)
        self.cash += [_Owed(cash.posted_on, cash.amount, instalment=False) for cash in statement.cash]

    def credits(self, first: date, last: date) -> list[Payment]:
        """Payments and instalment principals credited from one day to another, both included."""
        taken = [Payment(one.credited_on, one.principal) for one in self.story.taken]
        return [one for one in [*taken, *self.story.payments] if first <= one.credited_on <= last]

    def pay_fees(self, rest: int, _: date) -> int:
        part = min(rest, self.fees)
        self.fees -= part
        return rest - part

    def pay_interest(self, rest: int, _: date) -> int:
        part = min(rest, self.billed_interest)
        self.billed_interest -= part
        return rest - part

    def pay_principal(self, rest: int, _: date) -> int:
        part = min(rest, self.principal)
        self.principal -= part
        return rest - part

    def pay_cash(self, rest: int, on: date) -> int:
        return _pay_down(self.cash, rest, on)

    def pay_charges(self, rest: int, on: date) -> int:
        return _pay_down(self.charges, rest, on)

    def turned(self, on: date) -> bool:
        """Whether the card is so long overdue that principal is settled before interest and fees."""
        limit = self.story.agreement.principal_first_from_days
        return limit is not None and self.overdue_since is not None and (on - self.overdue_since).days >= limit

    def carried(self) -> int:
        return self.principal + self.billed_interest

    def owed(self) -> int:
        charges = sum(charge.open for charge in (*self.charges, *self.cash))
        return self.fees + self.carried() + charges

    def earn(self, key: str, amount: int, start: date, end: date) -> None:
        """Interest of an amount from one day up to, not including, another; nothing is noted for nothing."""
        days = (end - start).days
        if amount > 0 and days > 0:
            earned = amount * self.rate * days
            self.interest += earned
            self.note(
                key,
                days_sum(amount, self.rate, start, end, currency=self.story.currency, lang=self.lang),
                earned,
            )

    def note(self, key: str, working: str, amount: Fraction) -> None:
        self.steps.append(Step(say(key, self.lang), working, amount))

    def amount(self, minor: int) -> str:
        return to_text(minor, self.story.currency)

    def told(self) -> Told:
        """The sum of it: what was billed, and what has accrued and waits for the next statement, rounded per card."""
        accrued = round_half_up(self.interest)
        if self.interest:
            self.note("accrued", self.amount(accrued), Fraction(accrued))
        fees = sum(fee_of(taken) * taken.periods for taken in self.story.taken)
        if fees:
            self.note("instalment_fees", self.amount(fees), Fraction(fees))
        return Told(
            interest=self.interest_told + accrued,
            late_fees=sum(statement.late_fee for statement in self.statements),
            missed=sum(statement.missed for statement in self.statements),
            accrued=accrued,
            balance_bearing=self.carried() + sum(cash.open for cash in self.cash),
            open=self.owed(),
            instalment_fees=fees,
            statements=tuple(self.statements),
            steps=tuple(self.steps),
        )


def _pay_down(owed: list[_Owed], rest: int, on: date) -> int:
    for charge in owed:
        part = min(rest, charge.open)
        if part:
            charge.open -= part
            charge.paid.append((on, part))
            rest -= part
    return rest


def _check(story: CardStory) -> None:
    if not story.statements:
        raise StoryBroken("a story begins with a statement", field="statements")
    grace = timedelta(days=story.terms.grace_days)
    for at, statement in enumerate(story.statements):
        if statement.due_on <= statement.statement_on:
            raise StoryBroken(f"due on {statement.due_on}, not after its statement", field=f"statements[{at}].due_on")
        if any(charge.posted_on > statement.statement_on for charge in (*statement.charges, *statement.cash)):
            raise StoryBroken("a charge is posted after its statement", field=f"statements[{at}].charges")
        if at and (statement.carried or statement.fees):
            raise StoryBroken("only the first statement brings balances over", field=f"statements[{at}].carried")
        if at and statement.statement_on <= story.statements[at - 1].due_on + grace:
            raise StoryBroken("statements overlap", field=f"statements[{at}].statement_on")
    first = story.statements[0].statement_on
    for payment in (*story.payments, *(Payment(one.credited_on, one.principal) for one in story.taken)):
        if payment.credited_on < first or payment.amount <= 0:
            raise StoryBroken("payments are above 0 and not before the first statement", field="payments")
