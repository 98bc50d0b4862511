"""The user's money as rows of a program: no account beyond its room, and lines that lend where one was offered."""

from collections.abc import Sequence
from math import inf

from anhuan.planning.means import Means
from anhuan.planning.model import Line, Request
from anhuan.planning.options import Option
from anhuan.planning.solver import Program, Terms

YUAN = 100


def limit_money(
    request: Request, program: Program, payments: Sequence[tuple[str, Option, int]], fees: dict[int, Terms],
    means: dict[str, Means],
) -> int:  # fmt: skip
    """Write the rows of every account; gives how many sums of it are rounded to fen in the rules."""
    roundings = 0
    for account in request.accounts:
        leaving: dict[int, Terms] = {}
        for _, option, column in payments:
            if option.account == account.id:
                leaving.setdefault(option.day, []).extend([(column, 1.0), *fees.get(column, [])])
        lines = [line for line in request.lines if line.account == account.id and line.available]
        if lines:
            _lent(request, program, means[account.id], leaving, lines)
            roundings += 2 * len(lines)
        elif leaving:
            _own(program, means[account.id], leaving)
    return roundings


def _own(program: Program, means: Means, leaving: dict[int, Terms]) -> None:
    """What has left stays within the safe room: one row for each day on which that room grows."""
    gone: Terms = []
    days = sorted(leaving)
    for i, day in enumerate(days):
        gone += [(column, -factor) for column, factor in leaving[day]]
        room = means.safe_on(day)
        if i + 1 == len(days) or means.safe_on(days[i + 1]) > room:
            total = program.column(high=room / YUAN)
            program.row(0.0, [(total, 1.0), *gone], 0.0)
            gone = [(total, -1.0)]


def _lent(request: Request, program: Program, means: Means, leaving: dict[int, Terms], lines: Sequence[Line]) -> None:
    """What has left, less what is drawn, stays within the room of every day; interest is paid on the last one."""
    days = sorted({*leaving, *means.days, request.last})
    gone: Terms = []
    interest: Terms = []
    rooms = list(zip(means.days, (*means.days[1:], request.last + 1), means.room, strict=True))
    for i, day in enumerate(days):
        until = days[i + 1] if i + 1 < len(days) else request.last + 1
        total = program.column()
        program.row(0.0, [(total, 1.0), *gone, *((c, -f) for c, f in leaving.get(day, []))], 0.0)
        gone = [(total, -1.0)]
        lent: Terms = []
        for line in lines:
            rate = float(line.daily_rate)
            end = request.terminal_days if until > request.last else 0
            owing = program.column(cost=rate * (until - day + end), high=line.available / YUAN)
            interest.append((owing, rate * (until - day)))
            lent.append((owing, -1.0))
        room = min(room for start, end, room in rooms if start < until and end > day)
        due = interest if until > request.last else []
        program.row(-inf, [(total, 1.0), *lent, *due], room / YUAN)
