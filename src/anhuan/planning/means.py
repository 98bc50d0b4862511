"""The user's means: how much of each account a plan may have used by each day, and the few days that can matter."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from anhuan.planning.model import Account, Request


@dataclass(frozen=True, slots=True)
class Means:
    """One account's room: what may be gone by the end of a day.

    `days` are the days on which something changes, `room` what stands above the floor at the end of each, `safe` the
    least room from that day on: without a credit line the plan may have used `safe` by then and never more. So the
    days on which `safe` grows are those that can matter: a payment between two of them may as well be made earlier.
    """

    account: Account
    days: tuple[int, ...]
    room: tuple[int, ...]
    safe: tuple[int, ...]

    def safe_on(self, day: int) -> int:
        """What may have left the account by the end of a day, in fen."""
        return self.safe[bisect_right(self.days, day) - 1]

    def growth_days(self) -> list[int]:
        """The first day and every day on which more may be used than before."""
        return [day for i, day in enumerate(self.days) if i == 0 or self.safe[i] > self.safe[i - 1]]


def means_of(request: Request, account: Account) -> Means:
    """The room of one account over the horizon (planning.md, A payment: the floor of the day)."""
    flows: Counter[int] = Counter()
    for flow in request.flows:
        if flow.account == account.id and flow.day <= request.last:
            flows[flow.day] += flow.amount
    days = sorted({request.as_of, *flows})
    base, room = account.balance, []
    for day in days:
        base += flows[day]
        room.append(max(0, base - account.reserve))
    safe, least = [0] * len(room), None
    for i in range(len(room) - 1, -1, -1):
        least = room[i] if least is None else min(least, room[i])
        safe[i] = least
    return Means(account, tuple(days), tuple(room), tuple(safe))
