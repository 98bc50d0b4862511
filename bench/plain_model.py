"""The plain model that the planner is measured against: one variable per day, card and channel, balances day by day.

It states the same rules with the same switches (paid in full, minimum missed) and knows nothing of which days matter.
Requests of bench/households.py are all it needs to understand: no lines, no offers, no counts per payment.
"""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from anhuan.planning.model import Basis, Channel, Request
from anhuan.planning.opening import Cycle, Opening, open_card
from anhuan.planning.solver import Program, Terms
from anhuan.planning.ways import credited_on, month_of

YUAN = 100


@dataclass(frozen=True)
class PlainAnswer:
    """What the plain model found: cost and bound in fen (None: nothing in time), seconds, and its size."""

    cost: int | None
    bound: int
    seconds: float
    columns: int
    switches: int


@dataclass
class _State:
    """What comes over from one bill to the next, as terms and a constant in yuan."""

    carried: Terms = field(default_factory=list)
    fees: Terms = field(default_factory=list)
    missing: Terms = field(default_factory=list)


def solve_plain(request: Request, *, seconds: float) -> PlainAnswer:
    """Write the plain model and let HiGHS solve it as it comes, with its own presolve, cuts and heuristics."""
    began = perf_counter()
    program = Program()
    payments: dict[tuple[str, int], Terms] = {}  # by card and day of credit
    leaving: dict[tuple[str, int], Terms] = {}  # by account and day
    for channel in request.channels:
        _pay(request, program, channel, payments, leaving)
    for card in request.cards:
        opening = open_card(request, card)
        program.offset += (opening.interest + opening.late_fees) / YUAN
        program.offset += opening.missed * request.missed_minimum_cost / YUAN
        _card(request, program, opening, payments)
    _accounts(request, program, leaving)
    highs = _loaded(program, seconds)
    highs.run()
    info = highs.getInfo()
    found = info.primal_solution_status == 2
    return PlainAnswer(
        round(info.objective_function_value * 100) if found else None, round(info.mip_dual_bound * 100),
        perf_counter() - began, len(program.cost), len(program.switches),
    )  # fmt: skip


def _pay(
    request: Request, program: Program, channel: Channel, payments: dict[tuple[str, int], Terms],
    leaving: dict[tuple[str, int], Terms],
) -> None:  # fmt: skip
    months: dict[int, Terms] = {}
    for day in range(request.as_of, request.last + 1):
        credited = credited_on(channel, day)
        if credited > request.last:
            continue
        for card in channel.cards:
            for account in channel.accounts:
                paid = program.column()
                payments.setdefault((card, credited), []).append((paid, 1.0))
                leaving.setdefault((account, day), []).append((paid, 1.0))
                if channel.fee_rate:
                    rate = float(channel.fee_rate)
                    charged = program.column(cost=rate)
                    program.row(0.0, [(paid, 1.0), (charged, -1.0)])
                    months.setdefault(month_of(day), []).extend([(paid, 1.0), (charged, -1.0)])
                    leaving[account, day].append((charged, rate))
    for terms in months.values():
        program.row(0.0, terms, channel.free_quota / YUAN)


def _accounts(request: Request, program: Program, leaving: dict[tuple[str, int], Terms]) -> None:
    for account in request.accounts:
        bare, before = account.balance, 0
        held: Terms = []
        for day in range(request.as_of, request.last + 1):
            flow = sum(one.amount for one in request.flows if one.account == account.id and one.day == day)
            bare += flow
            balance = program.column(low=min(account.reserve, bare) / YUAN)
            constant = (flow + (account.balance if day == request.as_of else before)) / YUAN
            terms = [(balance, 1.0), *_minus(held), *leaving.get((account.id, day), [])]
            program.row(constant, terms, constant)
            held = [(balance, 1.0)]


def _card(request: Request, program: Program, opening: Opening, payments: dict[tuple[str, int], Terms]) -> None:
    state = _State()
    for position, cycle in enumerate(opening.cycles):
        state = _cycle(request, program, opening, cycle, state, payments, first=position == 0)
    rate = float(opening.card.daily_rate) * request.terminal_days
    for column, factor in state.carried:
        program.cost[column] += rate * factor


def _cycle(
    request: Request, program: Program, opening: Opening, cycle: Cycle, over: _State,
    payments: dict[tuple[str, int], Terms], *, first: bool,
) -> _State:  # fmt: skip
    """The days of one bill; gives what comes over to the next."""
    card, rate = opening.card, float(opening.card.daily_rate)
    judged = not cycle.graced and cycle.grace < cycle.end
    big = (cycle.open + sum(one.open for one in opening.cycles)) / YUAN * 1.5 + 10
    bearing: Terms = over.carried
    unpaid, fees = [], over.fees  # type: tuple[Terms, Terms]
    bearing_start, open_start, fees_start = cycle.carried / YUAN, cycle.charged / YUAN, cycle.fees / YUAN
    bearing_days, open_days, early, paid = [], [], [], []  # type: tuple[Terms, Terms, Terms, Terms]
    settled, cleared = [], []  # type: tuple[Terms, Terms]
    for day in range(cycle.start, cycle.end):
        made = payments.get((card.id, day), [])
        coming = sum(amount for when, amount in cycle.coming if when == day) / YUAN
        to_bearing, to_open, to_fees = program.column(), program.column(), program.column()
        program.row(coming, [(to_bearing, 1.0), (to_open, 1.0), (to_fees, 1.0), *_minus(made)], coming)
        paid += [(to_bearing, 1.0), (to_open, 1.0), (to_fees, 1.0)]
        if judged and day <= cycle.grace:
            early = list(paid)
        if judged and day == cycle.grace + 1:
            bearing, bearing_start = [*bearing, *unpaid], bearing_start + open_start
            unpaid, open_start = [], 0.0
        bearing, bearing_start = _next(program, bearing, bearing_start, to_bearing), 0.0
        unpaid, open_start = _next(program, unpaid, open_start, to_open), 0.0
        fees, fees_start = _next(program, fees, fees_start, to_fees), 0.0
        bearing_days += bearing
        if judged and day <= cycle.grace:
            open_days += unpaid
            settled.append((to_open, 1.0))
            cleared.append((to_bearing, 1.0))
        if judged and day == cycle.grace:
            at_grace = list(unpaid)
    interest = program.column(cost=1.0)
    terms = [(interest, 1.0), *_times(bearing_days, -rate)]
    late: Terms = []
    if judged and card.basis is Basis.UNPAID and (over.carried or cycle.carried):
        _in_order(program, cycle, over, settled, cleared, big)
    if judged:
        charge = _charges(program, opening, cycle, over, early, open_days, at_grace, big, first=first)
        terms += _minus(charge)
        late = _minimum(request, program, opening, cycle, over, early, big)
        if cycle.grace == cycle.end - 1:
            bearing, unpaid = [*bearing, *unpaid], []
    program.row(rate * cycle.past_days / YUAN, terms)
    missing = program.column()
    constant, due = _minimum_due(opening, cycle, over)
    program.row(constant, [(missing, 1.0), *_minus(due), *paid])
    if cycle.end > request.last:
        return _State(carried=bearing)
    gone = cycle.late_fee / YUAN if cycle.graced else 0.0
    carried, carried_fees = program.column(), program.column()
    program.row(0.0, [(carried, 1.0), *_minus(bearing), (interest, -1.0)], 0.0)
    program.row(gone, [(carried_fees, 1.0), *_minus(fees), *_minus(late)], gone)
    return _State([(carried, 1.0)], [(carried_fees, 1.0)], [(missing, 1.0)])


def _in_order(
    program: Program, cycle: Cycle, over: _State, settled: Terms, cleared: Terms, big: float
) -> None:  # fmt: skip
    """Charges are settled after the carried balance, though settling them first would save more."""
    after = program.switch()
    program.row(0.0, [(after, big), *_minus(settled)])
    program.row(cycle.carried / YUAN - big, [*cleared, *_minus(over.carried), (after, -big)])


def _next(program: Program, before: Terms, start: float, paid: int) -> Terms:
    """The balance at the end of a day: that of the day before, less what is paid."""
    balance = program.column()
    program.row(start, [(balance, 1.0), *_minus(before), (paid, 1.0)], start)
    return [(balance, 1.0)]


def _charges(
    program: Program, opening: Opening, cycle: Cycle, over: _State, early: Terms, open_days: Terms, at_grace: Terms,
    big: float, *, first: bool,
) -> Terms:  # fmt: skip
    """Interest on charges when the bill is not paid in full."""
    rate = float(opening.card.daily_rate)
    interest = program.column()
    if opening.card.basis is Basis.FULL:
        full = program.switch()
        if first:
            whole = (cycle.balance - cycle.paid) / YUAN
            program.row(0.0, [*early, (full, -max(0.0, whole))])
        else:
            balance = [*over.carried, *over.fees]
            program.row(cycle.charged / YUAN - big, [*early, *_minus(balance), (full, -big)])
        most = rate * (cycle.charge_days / YUAN + cycle.charged / YUAN * (cycle.grace + 1 - cycle.start)) + 1
        program.row(rate * cycle.charge_days / YUAN, [(interest, 1.0), (full, most), *_times(open_days, -rate)])
        return [(interest, 1.0)]
    pieces: Terms = []
    earned: Terms = []
    for charge in cycle.charges:
        piece = program.column(high=charge.amount / YUAN)
        pieces.append((piece, 1.0))
        earned.append((piece, rate * (cycle.grace + 1 - charge.posted)))
    program.row(0.0, [*pieces, *_minus(at_grace)], 0.0)
    program.row(0.0, [(interest, 1.0), *_minus(earned)])
    return [(interest, 1.0)]


def _minimum(
    request: Request, program: Program, opening: Opening, cycle: Cycle, over: _State, early: Terms, big: float
) -> Terms:
    """A minimum is kept, or missed with its late fee and its mark; gives the late fee."""
    card = opening.card
    constant, due = _minimum_due(opening, cycle, over)
    missed = program.switch(request.missed_minimum_cost / YUAN)
    program.row(constant, [*early, *_minus(due), (missed, big)])
    fee, share = program.column(cost=1.0), float(card.late_fee_rate)
    program.row(share * constant, [(fee, 1.0), *_times(due, -share), *_times(early, share)])
    program.row(0.0, [(fee, 1.0), (missed, -card.late_fee_minimum / YUAN)])
    return [(fee, 1.0)]


def _minimum_due(opening: Opening, cycle: Cycle, over: _State) -> tuple[float, Terms]:
    if cycle.minimum is not None:
        return (cycle.minimum - cycle.paid) / YUAN, []
    rate = float(opening.card.minimum_rate)
    return rate * cycle.charged / YUAN, [*_times(over.carried, rate), *over.fees, *over.missing]


def _loaded(program: Program, seconds: float) -> Any:
    import highspy
    import numpy as np

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(program.cost), len(program.row_low)
    lp.col_cost_ = np.array(program.cost)
    lp.col_lower_, lp.col_upper_ = np.array(program.low), np.array(program.high)
    lp.row_lower_, lp.row_upper_ = np.array(program.row_low), np.array(program.row_high)
    lp.offset_ = program.offset
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(program.starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(program.index, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(program.value)
    kinds = [highspy.HighsVarType.kContinuous] * len(program.cost)
    for column in program.switches:
        kinds[column] = highspy.HighsVarType.kInteger
    lp.integrality_ = kinds
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", seconds)
    highs.setOptionValue("mip_rel_gap", 1e-3)
    highs.setOptionValue("mip_abs_gap", 1.0)
    highs.passModel(lp)
    return highs


def _minus(terms: Terms) -> Terms:
    return [(column, -factor) for column, factor in terms]


def _times(terms: Terms, factor: float) -> Terms:
    return [(column, weight * factor) for column, weight in terms]
