"""What channels ask: fees above the month's free quota, and limits per payment, day and month, as rows of a program."""

from collections.abc import Sequence
from fractions import Fraction

from anhuan.planning.model import Channel, Request
from anhuan.planning.options import Option
from anhuan.planning.solver import Program, Terms
from anhuan.planning.ways import month_of

YUAN = 100


def limit_ways(
    request: Request, program: Program, payments: Sequence[tuple[str, Option, int]], burdens: dict[str, int], *,
    strict: bool,
) -> dict[int, Terms]:  # fmt: skip
    """Write the channels' rows; gives each payment column's fee as terms (columns without a fee are missing).

    `burdens` is the most fen that each card can ask for. Unless `strict`, what needs a switch for each payment
    (smallest sums, counts, smallest fees) is left out: most plans keep it anyway, and without it the bound is lower.
    """
    fees: dict[int, Terms] = {}
    for channel in request.channels:
        used = [(card, option, column) for card, option, column in payments if option.channel is channel]
        if not used:
            continue
        if channel.fee_rate and channel.free_quota and not strict:
            _monthly_fees(program, channel, used, fees)
        elif channel.fee_rate or channel.fee_minimum:
            _fees(program, channel, used, burdens, fees, strict)
        if channel.per_day_max:
            _days(program, channel, used)
        if strict and (channel.per_payment_min or channel.payments_per_month):
            _counts(program, channel, used, burdens)
    return fees


def _monthly_fees(
    program: Program, channel: Channel, used: list[tuple[str, Option, int]], fees: dict[int, Terms]
) -> None:
    """The fee of each month as one sum, which leaves with the month's last payment: a little later than it will."""
    months: dict[int, Terms] = {}
    last: dict[tuple[int, str], tuple[int, int]] = {}
    for _, option, column in used:
        month = month_of(option.day)
        months.setdefault(month, []).append((column, 1.0))
        last[month, option.account] = max(last.get((month, option.account), (0, 0)), (option.day, column))
    rate = float(channel.fee_rate)
    for month, terms in months.items():
        parts = []
        for (other, _), (_, column) in last.items():
            if other == month:
                part = program.column(cost=1.0)
                parts.append((part, 1.0))
                fees[column] = [(part, 1.0)]
        program.row(-rate * channel.free_quota / YUAN, [*parts, *((column, -rate) for column, _ in terms)])


def _fees(
    program: Program, channel: Channel, used: list[tuple[str, Option, int]], burdens: dict[str, int],
    fees: dict[int, Terms], strict: bool,
) -> None:  # fmt: skip
    """Above the quota every fen pays; which payments use the quota up is the program's choice, the sum is the same."""
    by_month: dict[int, Terms] = {}
    for card, option, column in used:
        charged = column
        if channel.free_quota:
            charged = program.column()
            program.row(0.0, [(column, 1.0), (charged, -1.0)])
            by_month.setdefault(month_of(option.day), []).extend([(column, 1.0), (charged, -1.0)])
        least = channel.fee_minimum if strict else 0
        fees[column] = _fee(program, channel.fee_rate, least, charged, burdens[card])
    for terms in by_month.values():
        program.row(0.0, terms, channel.free_quota / YUAN)


def _fee(program: Program, rate: Fraction, least: int, charged: int, burden: int) -> Terms:
    if not least:
        program.cost[charged] += float(rate)
        return [(charged, float(rate))]
    fee = program.column(cost=1.0)
    used = program.switch(safe_up=True)
    program.row(0.0, [(used, burden / YUAN), (charged, -1.0)])
    program.row(0.0, [(fee, 1.0), (charged, -float(rate))])
    program.row(0.0, [(fee, 1.0), (used, -least / YUAN)])
    return [(fee, 1.0)]


def _days(program: Program, channel: Channel, used: list[tuple[str, Option, int]]) -> None:
    by_day: dict[int, Terms] = {}
    for _, option, column in used:
        by_day.setdefault(option.day, []).append((column, 1.0))
    for terms in by_day.values():
        program.row(0.0, terms, channel.per_day_max / YUAN)


def _counts(program: Program, channel: Channel, used: list[tuple[str, Option, int]], burdens: dict[str, int]) -> None:
    """A smallest payment, and how many payments a card may get in a month."""
    groups: dict[tuple[str, int, str], Terms] = {}
    for card, option, column in used:
        groups.setdefault((card, option.day, option.account), []).append((column, 1.0))
    counted: dict[tuple[str, int], Terms] = {}
    for (card, day, _), terms in groups.items():
        most = min(channel.per_payment_max or burdens[card], burdens[card])
        high = channel.payments_per_month or -(-burdens[card] // most) + 1
        times = program.switch(high=float(high), safe_up=True)
        program.row(0.0, [(times, most / YUAN), *((column, -1.0) for column, _ in terms)])
        if channel.per_payment_min:
            program.row(0.0, [*terms, (times, -channel.per_payment_min / YUAN)])
        counted.setdefault((card, month_of(day)), []).append((times, 1.0))
    if channel.payments_per_month:
        for terms in counted.values():
            program.row(0.0, terms, float(channel.payments_per_month))
