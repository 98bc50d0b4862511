"""The plan as a mixed-integer program: a relaxation of planning.md that is exact but for the rounding of fen.

Amounts are in yuan, so that no constant is huge, and every bound of a switch is as tight as its card. What the program
leaves out (rounding, and that fees are settled before balances unless `fees_first`) can only make it cheaper than the
rules, so its proved bound is a bound for every real plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from anhuan.planning.means import Means
from anhuan.planning.model import Basis, Card, Offer, Request
from anhuan.planning.opening import Cycle, Opening
from anhuan.planning.options import Option, options_for
from anhuan.planning.purse import limit_money
from anhuan.planning.rules import credit_day, run_card
from anhuan.planning.solver import Program, Terms
from anhuan.planning.tolls import limit_ways

YUAN = 100


@dataclass(slots=True)
class Part:
    """The columns of one bill: payments by option, and the switches that say how it ends."""

    cycle: Cycle
    options: list[tuple[Option, int]] = field(default_factory=list)
    full: int | None = None
    missed: int | None = None


@dataclass(slots=True)
class Written:
    """The program with the columns that a plan is read back from."""

    program: Program
    parts: dict[str, list[Part]] = field(default_factory=dict)
    offers: list[tuple[Card, Offer, int]] = field(default_factory=list)
    roundings: int = 0
    minimum_rows: list[int] = field(default_factory=list)


def write(
    request: Request, openings: list[Opening], means: dict[str, Means], *, keep_minimums: bool = False,
    fees_first: bool = False, strict: bool = True,
) -> Written:  # fmt: skip
    """Write the program of a request whose cards stand as `openings`.

    `keep_minimums` writes the smaller program in which no further minimum is missed: what a plan with money enough for
    them needs, and what tells whether any plan can keep them all. `strict` asks for switches that count payments.
    """
    written = Written(Program())
    most = {opening.card.id: _most(request, opening) for opening in openings}
    # interest on shares of instalments may lift a balance above that of paying nothing: hence a quarter more
    burdens = {card: max((bill.balance for bill in bills), default=0) * 5 // 4 for card, bills in most.items()}
    burden = sum(burdens.values())
    for opening in openings:
        past = opening.interest + opening.late_fees + opening.missed * request.missed_minimum_cost
        written.program.offset += past / YUAN
        _CardWriter(request, written, opening, means, most[opening.card.id], burden, keep_minimums, fees_first).write()
    payments = [(name, option, column) for name, parts in written.parts.items() for part in parts
                for option, column in part.options]  # fmt: skip
    fees = limit_ways(request, written.program, payments, burdens, strict=strict)
    written.roundings += limit_money(request, written.program, payments, fees, means)
    return written


class Most(NamedTuple):
    """The largest that a bill's balance, minimum and carried balance can become, in fen."""

    balance: int
    minimum: int
    carried: int


@dataclass(slots=True)
class _Bill:
    """One bill while it is written: constants in yuan, what comes over from the bill before as terms."""

    cycle: Cycle
    first: bool
    judged: bool  # its grace ends inside this cycle and the horizon, and has not ended yet
    fees: float
    carried: float
    charges: float
    most: float  # no balance of it can be larger
    most_minimum: float
    most_carried: float
    share_most: float
    fees_over: Terms
    carried_over: Terms
    charges_over: Terms  # what a tolerance left free, and instalment shares
    to_fees: Terms = field(default_factory=list)
    to_carried: Terms = field(default_factory=list)
    to_charges: Terms = field(default_factory=list)
    to_late: Terms = field(default_factory=list)  # to what is carried after grace
    carried_days: Terms = field(default_factory=list)  # fen-days that payments save
    charge_days: Terms = field(default_factory=list)
    early: Terms = field(default_factory=list)  # payments by the last day of grace
    paid: Terms = field(default_factory=list)
    fee_marks: list[tuple[Terms, Terms]] = field(default_factory=list)
    left_free: Terms = field(default_factory=list)
    unpaid: Terms = field(default_factory=list)  # with `charges`: what becomes carried when grace ends
    late: Terms = field(default_factory=list)
    latest: int = 0

    @property
    def has_fees(self) -> bool:
        return bool(self.fees_over) or self.fees > 0

    @property
    def has_carried(self) -> bool:
        return bool(self.carried_over) or self.carried > 0

    @property
    def has_charges(self) -> bool:
        return bool(self.charges_over) or self.charges > 0

    @property
    def turned(self) -> float:
        """The constant part of the charges that are carried when they are still open after grace."""
        return self.charges if self.judged and self.has_charges else 0.0


class _CardWriter:
    """Writes the columns and rows of one card, bill after bill."""

    def __init__(
        self, request: Request, written: Written, opening: Opening, means: dict[str, Means],
        most: list[Most], burden: int, keep_minimums: bool, fees_first: bool,
    ) -> None:  # fmt: skip
        self.request, self.written, self.opening, self.means = request, written, opening, means
        self.program, self.card, self.most, self.burden = written.program, opening.card, most, burden
        self.keep_minimums, self.fees_first = keep_minimums, fees_first
        self.rate = float(opening.card.daily_rate)
        self.tolerance = opening.card.tolerance / YUAN
        self.carried: Terms = []
        self.fees: Terms = []
        self.free: Terms = []
        self.missing: Terms = []
        self.missing_before = False
        self.shares: dict[int, Terms] = {}
        self.share_most: dict[int, float] = {}
        self.instalments: dict[int, list[tuple[int, int]]] = {}

    def write(self) -> None:
        parts = self.written.parts[self.card.id] = []
        self._offers()
        for position, cycle in enumerate(self.opening.cycles):
            part = Part(cycle)
            parts.append(part)
            bill = self._bill(position, cycle)
            self._payments(bill, part)
            self._settle(bill)
            charge_interest, constant = self._judge(bill, part)
            if bill.to_late:
                self.program.row(
                    -(bill.carried + bill.turned),
                    [*bill.carried_over, *_minus(bill.to_carried), *bill.unpaid, *_minus(bill.to_late)],
                )
            self._minimum(bill, part)
            self._hand_over(bill, charge_interest, constant, last=position == len(self.opening.cycles) - 1)

    def _offers(self) -> None:
        """Columns of the principals taken, by statement, and the shares they put on later bills (rule 5)."""
        balances = {cycle.index: most.balance for cycle, most in zip(self.opening.cycles, self.most, strict=True)}
        by_statement: dict[int, Terms] = {}
        for offer in sorted(self.card.offers, key=lambda one: one.statement):
            day = credit_day(self.card, offer, as_of=self.request.as_of)
            if day is None or offer.statement not in balances or day > self.request.last:
                continue
            if offer.maximum < max(offer.minimum, 1):
                continue
            # no more can be taken than the bill asks for, and a bank's boundless maximum would numb the switch
            most = min(offer.maximum / YUAN, balances[offer.statement] / YUAN + self._shares_until(offer.statement))
            fee = float(offer.fee_rate)
            taken = self.program.switch(weight=10.0)
            amount = self.program.column(cost=fee * offer.periods)
            self.program.row(0.0, [(amount, 1.0), (taken, -max(offer.minimum, 1) / YUAN)])
            self.program.row(0.0, [(taken, most), (amount, -1.0)])
            by_statement.setdefault(offer.statement, []).append((taken, 1.0))
            self.instalments.setdefault(offer.statement, []).append((day, amount))
            self.written.offers.append((self.card, offer, amount))
            self.written.roundings += offer.periods
            for period in range(1, offer.periods + 1):
                index = offer.statement + period
                share = 1 / offer.periods + fee
                self.shares.setdefault(index, []).append((amount, share))
                self.share_most[index] = self.share_most.get(index, 0.0) + share * most + 0.01
        for taken_here in by_statement.values():
            self.program.row(0.0, taken_here, 1.0)

    def _bill(self, position: int, cycle: Cycle) -> _Bill:
        first = position == 0
        extra = self._shares_until(cycle.index)
        return _Bill(
            cycle, first, judged=not cycle.graced and cycle.grace < cycle.end,
            fees=cycle.fees / YUAN if first else 0.0, carried=cycle.carried / YUAN if first else 0.0,
            charges=cycle.charged / YUAN, most=self.most[position].balance / YUAN + extra,
            most_minimum=self.most[position].minimum / YUAN + extra,
            most_carried=self.most[position].carried / YUAN + extra, share_most=self.share_most.get(cycle.index, 0.0),
            fees_over=self.fees, carried_over=self.carried,
            charges_over=[*self.free, *self.shares.get(cycle.index, [])], latest=cycle.start,
        )  # fmt: skip

    def _shares_until(self, index: int) -> float:
        """What shares of instalments, with what they may earn, can lift a balance above that of paying nothing."""
        return 1.25 * sum(most for at, most in self.share_most.items() if at <= index)

    def _payments(self, bill: _Bill, part: Part) -> None:
        """Columns of what is paid, by day of credit and by what it settles."""
        by_day: dict[int, list[Option]] = {}
        fixed: dict[int, Terms] = {}
        if bill.judged or bill.has_carried or bill.has_fees:
            for option in options_for(
                self.request, self.opening, bill.cycle, self.means, burden=self.burden,
                charges_alone=self.card.basis is Basis.UNPAID and not bill.has_carried and not bill.has_fees,
            ):  # fmt: skip
                by_day.setdefault(option.credited, []).append(option)
        for credited, amount in bill.cycle.coming:
            column = self.program.column(low=amount / YUAN, high=amount / YUAN)
            fixed.setdefault(credited, []).append((column, 1.0))
        for credited, column in self.instalments.get(bill.cycle.index, []):
            fixed.setdefault(credited, []).append((column, 1.0))
        for day in sorted({*by_day, *fixed}):
            self._day(bill, part, day, by_day.get(day, []), fixed.get(day, []))

    def _day(self, bill: _Bill, part: Part, day: int, options: list[Option], fixed: Terms) -> None:
        """What is paid on one day of credit, split into fees, the carried balance and charges."""
        program, cycle = self.program, bill.cycle
        before = not bill.judged or day <= cycle.grace
        kinds: list[int] = []
        if bill.has_fees:
            kinds.append(program.column())
            bill.to_fees.append((kinds[-1], 1.0))
        if bill.has_carried or not before:
            kinds.append(program.column())
            (bill.to_carried if before else bill.to_late).append((kinds[-1], 1.0))
            bill.carried_days.append((kinds[-1], float(cycle.end - day)))
        # charges not due yet are paid only where a payment has a smallest size, or is on its way already
        wanted = bill.judged or fixed or any(option.channel.per_payment_min for option in options)
        if before and bill.has_charges and wanted:
            kinds.append(program.column())
            bill.to_charges.append((kinds[-1], 1.0))
            bill.charge_days.append((kinds[-1], float(cycle.grace + 1 - day)))
        if not kinds and not fixed:
            return
        if len(options) == 1 and not fixed and not options[0].channel.fee_minimum:
            part.options += [(options[0], column) for column in kinds]
            pays: Terms = [(column, 1.0) for column in kinds]
        else:
            columns = [program.column() for _ in options]
            part.options += list(zip(options, columns, strict=True))
            pays = [*fixed, *((column, 1.0) for column in columns)]
            program.row(0.0, [*pays, *((column, -1.0) for column in kinds)], 0.0)
        bill.paid += pays
        if bill.judged and before:
            bill.early += pays
            bill.latest = max(bill.latest, day)
        if self.fees_first and bill.has_fees:
            bill.fee_marks.append((list(bill.to_fees), [*bill.to_carried, *bill.to_charges, *bill.to_late]))

    def _settle(self, bill: _Bill) -> None:
        """Nothing is paid beyond what is open."""
        if bill.to_fees:
            self.program.row(-bill.fees, [*bill.fees_over, *_minus(bill.to_fees)])
        if bill.to_carried:
            self.program.row(-bill.carried, [*bill.carried_over, *_minus(bill.to_carried)])
        if bill.to_charges:
            self.program.row(-bill.charges, [*bill.charges_over, *_minus(bill.to_charges)])
        if self.card.basis is Basis.UNPAID and bill.judged and bill.to_charges and bill.to_carried:
            # charges are settled after the carried balance, though settling them would save more
            cleared = self.program.switch(weight=self.rate * 30 * bill.charges)
            self.program.row(0.0, [(cleared, bill.charges + self._over_most(bill)), *_minus(bill.to_charges)])
            if bill.first:
                self.program.row(0.0, [*bill.to_carried, (cleared, -bill.carried)])
            else:
                most = bill.most_carried
                self.program.row(-most, [*bill.to_carried, *_minus(bill.carried_over), (cleared, -most)])
        for settled, beyond in bill.fee_marks:
            # nothing goes to balances before all fees are settled
            opened = self.program.switch(safe_up=True)
            self.program.row(0.0, [(opened, bill.most), *_minus(beyond)])
            self.program.row(bill.fees - bill.most, [*settled, *_minus(bill.fees_over), (opened, -bill.most)])

    def _over_most(self, bill: _Bill) -> float:
        """The most that comes over into a bill's charges: instalment shares, and what a tolerance left."""
        return bill.share_most + (0.0 if bill.first else self.tolerance)

    def _judge(self, bill: _Bill, part: Part) -> tuple[Terms, float]:
        """The last day of grace: full or not, and the interest on charges (rule 3), as terms and a constant."""
        if not (bill.judged and bill.has_charges):
            return [], 0.0
        card, cycle, program = self.card, bill.cycle, self.program
        if card.basis is Basis.FULL or card.tolerance:
            part.full = program.switch(weight=max(0.01, self.rate * cycle.charge_days / YUAN))
            self._full(bill, part.full)
        bill.unpaid = [*bill.charges_over, *_minus(bill.to_charges), *_minus(bill.left_free)]
        if card.basis is Basis.FULL and part.full is not None:
            return self._whole_interest(bill, part.full)
        return self._unpaid_interest(bill), 0.0

    def _full(self, bill: _Bill, full: int) -> None:
        """Paid in full, but for the tolerance, only when the payments reach the balance."""
        program = self.program
        if bill.first:
            whole = (bill.cycle.balance - self.card.tolerance - bill.cycle.paid) / YUAN
            program.row(0.0, [*bill.early, (full, -max(0.0, whole))])
        else:
            balance = [*bill.carried_over, *bill.fees_over, *bill.charges_over]
            least = bill.charges - self.tolerance - bill.most
            program.row(least, [*bill.early, *_minus(balance), (full, -bill.most)])
            # the same for what is known of the balance: without it a part of a later bill would pass as paid in full
            program.row(0.0, [*bill.early, (full, -max(0.0, bill.charges - self.tolerance))])
        if self.tolerance:
            left = program.column(high=self.tolerance)
            bill.left_free = [(left, 1.0)]
            program.row(0.0, [(full, self.tolerance), (left, -1.0)])
            program.row(-bill.charges, [*bill.charges_over, *_minus(bill.to_charges), (left, -1.0)])

    def _whole_interest(self, bill: _Bill, full: int) -> tuple[Terms, float]:
        """全额计息: every charge from its posting day, unless the bill is paid in full."""
        cycle = bill.cycle
        held = float(cycle.grace + 1 - cycle.start)
        after = float(cycle.end - cycle.grace - 1)
        running = self.program.column()
        most = bill.charges + self._over_most(bill)
        slack = most * (bill.latest - cycle.start) + self.tolerance * (cycle.end - bill.latest)
        # yuan-days of charges from the start of the cycle on; if the bill is paid in full they may be nought
        self.program.row(
            bill.charges * (held + after),
            [
                (running, 1.0), (full, slack), *_minus(_times(bill.charges_over, held)), *bill.charge_days,
                *_minus(_times(bill.unpaid, after)),
            ],
        )  # fmt: skip
        before = self.rate * cycle.charge_days / YUAN
        return [(full, -before), (running, self.rate)], before

    def _unpaid_interest(self, bill: _Bill) -> Terms:
        """未偿还部分计息: what is open when grace ends, from its posting day; the newest charges stay open longest."""
        cycle = bill.cycle
        after = cycle.end - cycle.grace - 1
        pieces: Terms = []
        interest: Terms = []
        newest = self._over_most(bill)
        segments = [(cycle.start, newest)] if newest else []
        segments += [(one.posted, one.amount / YUAN) for one in sorted(cycle.charges, key=lambda one: -one.posted)]
        for posted, amount in segments:
            piece = self.program.column(high=amount)
            if newest and not pieces:
                self.program.row(0.0, [*bill.charges_over, (piece, -1.0)])
            pieces.append((piece, 1.0))
            interest.append((piece, self.rate * (cycle.grace + 1 - posted + after)))
        self.program.row(bill.charges, [*pieces, *_minus(bill.unpaid)], bill.charges)
        return interest

    def _minimum(self, bill: _Bill, part: Part) -> None:
        """The minimum of a bill: kept or missed (rule 3), and what stays missing of it (rule 4)."""
        program, card, cycle = self.program, self.card, bill.cycle
        tolerance = card.late_tolerance / YUAN
        constant, due = self._minimum_due(bill)
        self.missing_before = bool(self.missing)
        self.missing = []
        # what is kept by the last day of grace is not missing later, but for a tolerance
        lasting = not self.keep_minimums or cycle.graced or card.late_tolerance > 0
        if lasting and bill.most_minimum > 0 and (cycle.minimum is None or constant > 0):
            missing = program.column()
            program.row(constant, [(missing, 1.0), *_minus(due), *bill.paid])
            self.missing = [(missing, 1.0)]
        if not bill.judged or (cycle.minimum is not None and constant <= tolerance):
            return
        bound = constant if cycle.minimum is not None else bill.most_minimum
        # kept, or missed, or (a minimum is at most the balance) the whole balance is paid
        relief: Terms = [(self._cap(bill, part), bound)] if self.missing_before and not bill.first else []
        if self.keep_minimums:
            program.row(constant - tolerance, [*bill.early, *_minus(due), *relief, *self._beyond(bill, part, constant)])
            self.written.minimum_rows.append(len(program.row_low) - 1)
            return
        mark = self.request.missed_minimum_cost / YUAN
        part.missed = program.switch(mark, weight=max(1.0, mark), safe_up=True)
        beyond = self._beyond(bill, part, constant)
        program.row(constant - tolerance, [*bill.early, *_minus(due), (part.missed, bound), *relief, *beyond])
        self._late_fee(bill, part.missed, constant, due, relief)

    def _beyond(self, bill: _Bill, part: Part, constant: float) -> Terms:
        """What paying in full asks for beyond the minimum: a bill counts as partly full only above its minimum."""
        if part.full is None or self.missing_before:
            return []
        tolerances = max(0.0, self.tolerance - self.card.late_tolerance / YUAN)
        if bill.first:
            gap = (bill.cycle.balance - bill.cycle.paid) / YUAN - constant
        else:
            marked = sum(charge.amount for charge in bill.cycle.charges if charge.instalment) / YUAN
            gap = (1 - float(self.card.minimum_rate)) * (bill.charges - marked)
        return [(part.full, -max(0.0, gap - tolerances))]

    def _cap(self, bill: _Bill, part: Part) -> int:
        """A switch for paying the whole balance: only what is missing of earlier minimums can lift one above it."""
        if part.full is not None and self.card.tolerance <= self.card.late_tolerance:
            return part.full
        whole = self.program.switch()
        balance = [*bill.carried_over, *bill.fees_over, *bill.charges_over]
        least = bill.charges - self.card.late_tolerance / YUAN - bill.most
        self.program.row(least, [*bill.early, *_minus(balance), (whole, -bill.most)])
        return whole

    def _late_fee(self, bill: _Bill, missed: int, constant: float, due: Terms, relief: Terms) -> None:
        """违约金: a rate of what is missing of the minimum, at least the fixed sum."""
        rate, tolerance = float(self.card.late_fee_rate), self.card.late_tolerance / YUAN
        if not rate and not self.card.late_fee_minimum:
            return
        fee = self.program.column(cost=1.0)
        self.program.row(
            rate * (constant - tolerance),
            [
                (fee, 1.0), *_minus(_times(due, rate)), *_times(bill.early, rate), (missed, -rate * tolerance),
                *_times(relief, rate),
            ],
        )  # fmt: skip
        self.program.row(0.0, [(fee, 1.0), (missed, -self.card.late_fee_minimum / YUAN)])
        most = max(rate * bill.most_minimum, self.card.late_fee_minimum / YUAN) + 0.01
        self.program.row(0.0, [(missed, most), (fee, -1.0)])
        bill.late = [(fee, 1.0)]
        self.written.roundings += 1

    def _minimum_due(self, bill: _Bill) -> tuple[float, Terms]:
        """What is still to be paid of the minimum: a constant and terms, in yuan."""
        cycle = bill.cycle
        if cycle.minimum is not None:
            return (cycle.minimum - cycle.paid) / YUAN, []
        rate = float(self.card.minimum_rate)
        marked = sum(charge.amount for charge in cycle.charges if charge.instalment) / YUAN
        shares = self.shares.get(cycle.index, [])
        due = [*_times(bill.carried_over, rate), *_times(self.free, rate), *shares, *bill.fees_over, *self.missing]
        return rate * (bill.charges - marked) + marked, due

    def _hand_over(self, bill: _Bill, charge_interest: Terms, constant: float, *, last: bool) -> None:
        """The cycle's interest, and what comes over to the next bill or is priced at the horizon's end."""
        program, rate, cycle = self.program, self.rate, bill.cycle
        held = float(cycle.end - cycle.start)
        interest = program.column(cost=1.0)
        past = rate * (bill.carried * held + cycle.past_days / YUAN) + constant
        terms = [*_times(bill.carried_over, rate * held), *_times(bill.carried_days, -rate), *charge_interest]
        program.row(past, [(interest, 1.0), *_minus(terms)], past)
        self.written.roundings += 2
        remaining = [*bill.carried_over, *_minus(bill.to_carried), *_minus(bill.to_late), *bill.unpaid]
        remaining_constant = bill.carried + bill.turned
        if last:
            factor = rate * self.request.terminal_days
            for column, weight in remaining:
                program.cost[column] += weight * factor
            program.offset += remaining_constant * factor
            return
        over = program.column()
        program.row(remaining_constant, [(over, 1.0), *_minus(remaining), (interest, -1.0)], remaining_constant)
        self.carried, self.free, self.fees = [(over, 1.0)], bill.left_free, []
        late_fee = cycle.late_fee / YUAN if cycle.graced else 0.0
        if bill.has_fees or bill.late or late_fee:
            fees = program.column()
            constant = bill.fees + late_fee
            program.row(constant, [(fees, 1.0), *_minus(bill.fees_over), *bill.to_fees, *_minus(bill.late)], constant)
            self.fees = [(fees, 1.0)]


def _most(request: Request, opening: Opening) -> list[Most]:
    """The largest amounts of each bill in fen: what they are when nothing more is paid.

    The minimum is the one before it is cut at the balance; a yuan is added for the rounding of the cycles.
    """
    card = opening.card
    known = [credit for statement in card.statements[:1] for credit in statement.paid if credit.day <= request.last]
    issued = {one.index: one for one in run_card(card, known, last=request.last).statements}
    most = []
    for position, cycle in enumerate(opening.cycles):
        one, before = issued[cycle.index], issued.get(cycle.index - 1)
        minimum = one.minimum
        if before is not None:
            shares = sum(charge.amount for charge in cycle.charges if charge.instalment)
            revolving = one.carried + one.charges - shares
            minimum = int(card.minimum_rate * revolving) + one.fees + shares + max(0, before.minimum - before.paid)
        most.append(Most((cycle.open if position == 0 else one.balance) + 100, minimum + 100, one.carried + 100))
    return most


def _minus(terms: Iterable[tuple[int, float]]) -> Terms:
    return [(column, -factor) for column, factor in terms]


def _times(terms: Iterable[tuple[int, float]], factor: float) -> Terms:
    return [(column, weight * factor) for column, weight in terms]
