"""Laws 1 to 3, the chart and the bounds, reckoned from the rows alone and compared with what the accounts say.

One number of state for each account and one record for each open hold live from window to window; nothing else grows.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import numpy as np

from anhuan.ledger import store_proof, verify_rows
from anhuan.ledger.model import MOST, Kind
from anhuan.ledger.verify_rows import ACCOUNT, Ints, Rows, ints
from anhuan.ledger.verify_words import Report

PAGE: Final = 100_000  # accounts and holds at a time
MOVING: Final = (Kind.POST, Kind.CAPTURE, Kind.REVERSE)
_ENTRIES: Final = 21  # bits beside an account's place for the place of an entry: a million rows

Chart = Mapping[int, tuple[str, int, int]]  # code -> book, kind of the source, kind of the target


class Accounts:
    """Every account as the database has it, and where its entries have led so far."""

    def __init__(self, report: Report, raw: store_proof.Raw, *, from_root: bool) -> None:
        pages = [verify_rows.read(ACCOUNT, page) for page in store_proof.accounts(raw, at_a_time=PAGE)]
        rows = np.concatenate([np.zeros(0, ACCOUNT), *pages])
        rows = rows[np.argsort(ints(rows, "id"), kind="stable")]
        self.rows, self.ids = rows, ints(rows, "id")
        self.shard, self.unit, self.kind = ints(rows, "shard"), ints(rows, "unit"), ints(rows, "kind")
        for at in np.flatnonzero(self.ids[1:] == self.ids[:-1]):
            report.found("account_twice", account=int(self.ids[at]), shard=int(self.shard[at]))
        self.seq, self.posted = np.zeros(len(rows) + 1, np.int64), np.zeros(len(rows) + 1, np.int64)
        self.known = np.full(len(rows) + 1, not from_root)  # whether seq and posted of this account are known yet
        self.first_seq, self.first_posted = self.seq.copy(), self.posted.copy()  # before the first entry seen
        dense = len(rows) > 0 and self.ids[0] >= 0 and self.ids[-1] < 8 * len(rows) + 1_000_000
        self._table = np.full(int(self.ids[-1]) + 2 if dense else 0, -1, np.int64)
        if dense:
            self._table[self.ids] = np.arange(len(rows))
        report.accounts = len(rows)

    def find(self, ids: Ints) -> Ints:
        """Places of these accounts; -1 for one that does not exist."""
        if len(self._table):
            return self._table[np.where((ids >= 0) & (ids < len(self._table)), ids, -1)]  # the last place holds -1
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[at] == ids, at, -1)

    def name(self, at: int | np.int64) -> dict[str, int]:
        """An account as a finding names it."""
        return {"account": int(self.ids[at]), "shard": int(self.shard[at])}


class Laws:
    """The checks of rows, window after window, and of the accounts at the end."""

    def __init__(self, report: Report, accounts: Accounts, chart: Chart, books: Mapping[int, str]) -> None:
        self._report, self._accounts = report, accounts
        self._want_src, self._want_dst, self._want_book = (np.full(2**16, -1, np.int64) for _ in range(3))
        number = {book: place for place, book in enumerate(sorted(set(books.values())))}
        for code, (book, src, dst) in chart.items():
            self._want_src[code], self._want_dst[code], self._want_book[code] = src, dst, number.get(book, -1)
        self._book = np.full(max(books, default=0) + 1, -2, np.int64)  # by unit
        for unit, book in books.items():
            self._book[unit] = number[book]

    def check(self, rows: Rows) -> None:
        """One window of rows by shard, batch and line."""
        src, dst = self._accounts.find(ints(rows, "src")), self._accounts.find(ints(rows, "dst"))
        self._check_rows(rows, src, dst)
        for start in range(0, len(rows), 1 << _ENTRIES - 1):
            piece = slice(start, start + (1 << _ENTRIES - 1))
            self._check_entries(rows[piece], src[piece], dst[piece])

    def _check_rows(self, rows: Rows, src: Ints, dst: Ints) -> None:
        """Accounts exist, are of the row's unit and shard, and stand where the chart lets this code stand."""
        known, accounts, report = (src >= 0) & (dst >= 0), self._accounts, self._report
        for at in np.flatnonzero(~known):
            missing = rows["src" if src[at] < 0 else "dst"][at]
            report.found("account_unknown", **where(rows, at), account=int(missing))
        if not len(accounts.ids):
            return
        unit, shard = ints(rows, "unit"), ints(rows, "shard")
        fits = (accounts.unit[src] == unit) & (accounts.unit[dst] == unit)
        fits &= (accounts.shard[src] == shard) & (accounts.shard[dst] == shard)
        for at in np.flatnonzero(known & ~fits):
            report.found("units_mixed", **where(rows, at))
        kind, code = ints(rows, "kind"), ints(rows, "code") & 0xFFFF
        want = self._want_src[code], self._want_dst[code]
        have = accounts.kind[src], accounts.kind[dst]
        straight = (have[0] == want[0]) & (have[1] == want[1])
        mirrored = (have[0] == want[1]) & (have[1] == want[0]) & (kind == Kind.REVERSE)
        named = (kind >= Kind.POST) & (kind <= Kind.REVERSE) & (want[0] >= 0)
        named &= self._book[np.where((unit > 0) & (unit < len(self._book)), unit, 0)] == self._want_book[code]
        for at in np.flatnonzero(known & ~(named & (straight | mirrored))):
            sides = {"src": int(have[0][at]), "dst": int(have[1][at])}
            report.found("outside_chart", **where(rows, at), code=int(rows["code"][at]), **sides)
        amount = ints(rows, "amount")
        for at in np.flatnonzero((amount < 1) | (amount > MOST)):
            report.found("amount_wrong", **where(rows, at), amount=int(amount[at]))

    def _check_entries(self, rows: Rows, src: Ints, dst: Ints) -> None:
        """Law 2: both roles of an account in one line, numbered without a gap, each balance the last one and delta."""
        accounts, count = self._accounts, len(rows)
        if not count:
            return
        moved = ints(rows, "amount") * np.isin(ints(rows, "kind"), MOVING)
        account, seq, balance = _woven(src, dst), _woven(ints(rows, "src_seq"), ints(rows, "dst_seq")), None
        balance, delta = _woven(ints(rows, "src_bal"), ints(rows, "dst_bal")), _woven(-moved, moved)
        order = np.sort(np.where(account < 0, len(accounts.ids), account) << _ENTRIES | np.arange(2 * count))
        account, order = order >> _ENTRIES, order & (1 << _ENTRIES) - 1
        seq, balance, delta = seq[order], balance[order], delta[order]
        starts = np.flatnonzero(np.concatenate([[True], account[1:] != account[:-1]]))
        ends = np.concatenate([starts[1:], [len(account)]]) - 1
        self._begin(account[starts], seq[starts] - 1, balance[starts] - delta[starts])
        seq_before, balance_before = np.roll(seq, 1), np.roll(balance, 1)
        seq_before[starts], balance_before[starts] = accounts.seq[account[starts]], accounts.posted[account[starts]]
        real = account < len(accounts.ids)
        for at in np.flatnonzero(real & (seq != seq_before + 1)):
            facts = {"expected": int(seq_before[at]) + 1, "found": int(seq[at])}
            self._report.found("entry_missing", **accounts.name(account[at]), **facts, batch=_batch(rows, order[at]))
        for at in np.flatnonzero(real & (balance != balance_before + delta)):
            facts = {"expected": int(balance_before[at] + delta[at]), "found": int(balance[at]), "entry": int(seq[at])}
            self._report.found("running_balance", **accounts.name(account[at]), **facts, batch=_batch(rows, order[at]))
        accounts.seq[account[ends]], accounts.posted[account[ends]] = seq[ends], balance[ends]

    def _begin(self, account: Ints, seq: Ints, balance: Ints) -> None:
        """The first entry of an account since a root says what was before; that is looked up at the end."""
        accounts = self._accounts
        fresh = ~accounts.known[account]
        account, seq, balance = account[fresh], seq[fresh], balance[fresh]
        accounts.seq[account] = accounts.first_seq[account] = seq
        accounts.posted[account] = accounts.first_posted[account] = balance
        accounts.known[account] = True

    def check_accounts(self, raw: store_proof.Raw, *, from_root: bool) -> None:
        """At the end: laws 1 and 2 against the accounts, and the bounds."""
        accounts = self._accounts
        if from_root:
            self._look_back(raw)
        posted, seq = ints(accounts.rows, "posted"), ints(accounts.rows, "seq")
        for at in np.flatnonzero(posted != accounts.posted[:-1]):
            facts = {"found": int(posted[at]), "expected": int(accounts.posted[at])}
            self._report.found("balance_differs", **accounts.name(at), **facts)
        for at in np.flatnonzero(seq != accounts.seq[:-1]):
            facts = {"found": int(seq[at]), "expected": int(accounts.seq[at])}
            self._report.found("entries_differ", **accounts.name(at), **facts)
        for (shard, unit), total in _sums(accounts.shard, accounts.unit, posted).items():
            if total:
                self._report.found("sum_not_zero", shard=shard, unit=unit, total=total)
        self._check_bounds(raw, posted)

    def _look_back(self, raw: store_proof.Raw) -> None:
        """What every account had at the root must be what the last entry before it says."""
        accounts, posted = self._accounts, ints(self._accounts.rows, "posted")
        known = accounts.known[:-1]
        accounts.first_seq[:-1] = np.where(known, accounts.first_seq[:-1], ints(accounts.rows, "seq"))
        accounts.first_posted[:-1] = np.where(known, accounts.first_posted[:-1], posted)
        wanted = zip(accounts.shard.tolist(), accounts.ids.tolist(), accounts.first_seq[:-1].tolist(), strict=True)
        at = {account: place for place, account in enumerate(accounts.ids.tolist())}
        said = dict.fromkeys((place for place, seq in enumerate(accounts.first_seq[:-1]) if seq == 0), 0)
        for account, _, as_src, as_dst in store_proof.entries(raw, (one for one in wanted if one[2])):
            found = [balance for balance in (as_src, as_dst) if balance is not None]
            if len(found) == 1:
                said[at[account]] = found[0]
        for place in range(len(accounts.ids)):
            entry, expected = int(accounts.first_seq[place]), int(accounts.first_posted[place])
            if place not in said:
                self._report.found("entry_missing", **accounts.name(place), expected=entry, found=0, batch=0)
            elif said[place] != expected and known[place]:
                facts = {"found": said[place], "expected": expected, "entry": entry}
                self._report.found("running_balance", **accounts.name(place), **facts, batch=0)
            if not known[place]:
                accounts.seq[place], accounts.posted[place] = entry, said.get(place, expected)

    def _check_bounds(self, raw: store_proof.Raw, posted: Ints) -> None:
        """The state of every account lies within its bounds, and bounds are those that were put on record."""
        accounts, changes = self._accounts, store_proof.last_changes(raw)
        rows, over = accounts.rows, accounts.rows["over"]
        floor, ceiling = ints(rows, "floor"), ints(rows, "ceil")
        available, total = posted - ints(rows, "held"), posted + ints(rows, "held_in")
        for at in np.flatnonzero(~over & (floor != store_proof.NONE) & (available < floor)):
            facts = {"available": int(available[at]), "floor": int(floor[at])}
            self._report.found("below_floor", **accounts.name(at), **facts)
        for at in np.flatnonzero(~over & (ceiling != store_proof.NEVER) & (total > ceiling)):
            facts = {"total": int(total[at]), "ceiling": int(ceiling[at])}
            self._report.found("above_ceiling", **accounts.name(at), **facts)
        odd = (
            over | rows["frozen_out"] | rows["frozen_in"] | (floor != store_proof.NONE) | (ceiling != store_proof.NEVER)
        )
        for at in np.flatnonzero(odd):
            last = changes.pop((int(accounts.shard[at]), int(accounts.ids[at])), None)
            if last is None and over[at]:
                self._report.found("over_unexplained", **accounts.name(at))
            elif last is not None and last != _bounds(rows, at):
                self._report.found("bounds_unexplained", **accounts.name(at))
        for (shard, account), last in changes.items():
            if last != (None, None, False, False):
                self._report.found("bounds_unexplained", shard=shard, account=account)


def where(rows: Rows, at: int | np.int64) -> dict[str, int]:
    """A row as a finding names it."""
    return {
        name: int(rows[column][at]) for name, column in (("shard", "shard"), ("batch", "batch_no"), ("line", "line"))
    }


def as_uuid(data: bytes) -> str:
    """An id as people write it."""
    return str(UUID(bytes=data))


def _bounds(rows: Rows, at: np.int64) -> tuple[int | None, int | None, bool, bool]:
    floor, ceiling = int(rows["floor"][at]), int(rows["ceil"][at])
    return (
        None if floor == store_proof.NONE else floor,
        None if ceiling == store_proof.NEVER else ceiling,
        bool(rows["frozen_out"][at]),
        bool(rows["frozen_in"][at]),
    )


def _sums(shard: Ints, unit: Ints, posted: Ints) -> dict[tuple[int, int], int]:
    """Sums by shard and unit, exact beyond 64 bits."""
    keys, place = np.unique(shard << 32 | unit & 0xFFFFFFFF, return_inverse=True)
    high, low = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    np.add.at(high, place, posted >> 32)
    np.add.at(low, place, posted & 0xFFFFFFFF)
    return {
        (key >> 32, key & 0xFFFFFFFF): (above << 32) + below
        for key, above, below in zip(keys.tolist(), high.tolist(), low.tolist(), strict=True)
    }


def _woven(left: Ints, right: Ints) -> Ints:
    """Both columns as one, the first of one before the first of the other."""
    both = np.empty(2 * len(left), np.int64)
    both[0::2], both[1::2] = left, right
    return both


def _batch(rows: Rows, entry: np.int64) -> int:
    return int(rows["batch_no"][entry >> 1])
