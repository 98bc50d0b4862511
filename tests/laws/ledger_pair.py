"""The true ledger and the plain one side by side: each step goes to both, and whatever differs is a law broken."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from tests.laws import ledger_doors as doors
from tests.laws.ledger_lines import DAY, Cook, Recipe, Road
from tests.laws.plain_ledger import Account, Ask, PlainLedger

from anhuan.kit import ids
from anhuan.ledger.model import LIMIT, AccountKind, Kind, Result
from anhuan.ledger.rules import CHART

LANES: Final = (3, 5)
Named = tuple[str, AccountKind, UUID | None, str]

_BALANCES: Final = """SELECT id, posted, held, held_in, seq, over FROM ledger.account
                      WHERE shard = %s AND id = ANY (%s::bigint[]) ORDER BY id"""
_ROWS: Final = """SELECT kind, id, src, dst, amount, code, parent_id, group_id, ref, event_at,
                         src_seq, dst_seq, src_bal, dst_bal FROM ledger.posting
                  WHERE shard = %s AND batch_no > %s ORDER BY batch_no, line"""
_HEAD: Final = "SELECT batch_no FROM ledger.shard_head WHERE shard = %s"
_WINDOW: Final = "SELECT from_id, to_id, (extract(epoch FROM now()) * 1000)::bigint FROM ledger.span"


@dataclass(frozen=True, slots=True)
class World:
    """Accounts of one lane: numbers by name, whose they are, and whose they are not."""

    lane: int
    party: UUID
    numbers: dict[Named, int]
    strangers: tuple[int, ...]


def person(lane: int, name: str) -> UUID:
    """The id of a person of this lane (the last byte of an id decides where a new owner goes)."""
    return UUID(bytes=ids.derive(ids.LOCAL_USER, name).bytes[:15] + bytes([lane]))


def build_world(admin: psycopg.Connection[Any], lane: int) -> World:
    """A person's cards, points, quota and line of credit, with the bounds of the chart; as the owner, committed."""
    party, other = person(lane, "lin"), person(lane, "zhao")
    lender = UUID(int=77)
    admin.execute(
        "INSERT INTO ledger.unit (code, book, scale, issuer) VALUES (%s, 'credit', 2, %s) ON CONFLICT DO NOTHING",
        (f"CNY/credit/{lender}", lender),
    )
    for code, scale in (("points/lawful", 0), ("quota", 2)):
        admin.execute("SELECT ledger.open_unit(%s, %s::smallint, NULL)", (code, scale))
    kind = AccountKind
    names: list[Named] = [
        *(("CNY/tracked", one, party, sub) for one in (kind.BANK, kind.CARD) for sub in ("1", "2")),
        *(("CNY/tracked", one, None, "C") for one in (kind.TRANSIT, kind.SUSPENSE)),
        ("CNY/tracked", kind.OUTSIDE_FEE, party, "C"),
        *(("CNY/house", one, None, "C") for one in (kind.CHANNEL_DUE, kind.FEE_INCOME, kind.CHANNEL_COST)),
        ("points/lawful", kind.ISSUER, None, ""),
        *(("points/lawful", kind.POINTS, party, month) for month in ("2027-11", "2027-12")),
        *(("points/lawful", one, None, "") for one in (kind.EXPIRED, kind.POINTS_EXCHANGE)),
        *(("quota", one, None, "") for one in (kind.QUOTA_SOURCE, kind.QUOTA_USED)),
        ("quota", kind.QUOTA, party, "2026-11"),
        (f"CNY/credit/{lender}", kind.LINE_PRINCIPAL, party, "l"),
        *((f"CNY/credit/{lender}", one, party, "l") for one in (kind.LOAN_INTEREST, kind.LOAN_FEE)),
        *((f"CNY/credit/{lender}", one, None, "") for one in (kind.LENDER_BANK, kind.INTEREST_INCOME)),
    ]
    numbers = dict(zip(names, doors.open_accounts(admin, lane, names), strict=True))
    strange = doors.open_accounts(
        admin, lane, [("CNY/tracked", kind.BANK, other, "1"), ("quota", kind.QUOTA, other, "")]
    )
    return World(lane, party, numbers, tuple(strange))


def roads_of(world: World) -> tuple[Road, ...]:
    """Every way of the chart that these accounts can go, inside one unit."""
    found = []
    for unit in sorted({name[0] for name in world.numbers}):
        here = [(name, number) for name, number in world.numbers.items() if name[0] == unit]
        away = tuple(number for name, number in world.numbers.items() if name[0] != unit)
        for code, way in CHART.items():
            sources = tuple(number for name, number in here if name[1] == way.src)
            targets = tuple(number for name, number in here if name[1] == way.dst)
            if sources and targets:
                found.append(Road(int(code), sources, targets, away))
    assert len(found) >= 8, "the chart has lost the roads that this world lives on"
    return tuple(found)


@dataclass(slots=True)
class Pair:
    """One lane of both ledgers; `connection` is a superuser's, inside a transaction that somebody else ends."""

    connection: psycopg.Connection[Any]
    world: World
    salt: int = 0
    plain: PlainLedger = field(init=False)
    cook: Cook = field(init=False)
    batches: list[list[Ask]] = field(default_factory=list)
    seen: int = 0  # the last batch that was compared
    rows_seen: int = 0
    said: Counter[Result] = field(default_factory=Counter)  # what became of all lines

    def __post_init__(self) -> None:
        [(first, last, now)] = self.connection.execute(_WINDOW).fetchall()
        low, high = first.int >> 80, last.int >> 80
        self.plain = PlainLedger((low, min(high, now + DAY)), self.world.party)
        strangers = {number: Account(-1, owner=UUID(int=1)) for number in self.world.strangers}
        units = {unit: place for place, unit in enumerate(sorted({name[0] for name in self.world.numbers}))}
        known = {number: Account(units[name[0]], owner=name[2]) for name, number in self.world.numbers.items()}
        self.plain.accounts = known | strangers
        self.cook = Cook(roads_of(self.world), self.world.strangers, now, self.salt)
        self.seen = self._head()
        for (_, kind, _, _), number in self.world.numbers.items():
            if kind in (AccountKind.POINTS, AccountKind.QUOTA):
                self.bound(number, 0, None)
            elif kind == AccountKind.ISSUER:
                self.bound(number, -2000, None)
            elif kind == AccountKind.LINE_PRINCIPAL:
                self.bound(number, -1000, 0)

    def send(self, recipes: Iterable[Recipe], *, apart: bool = False) -> list[Result]:
        """Cook a batch, send it to both, as one batch or (its groups whole) as batches of one; compare."""
        return self.post(self.cook.batch(recipes), apart=apart)

    def again(self, pick: int) -> list[Result]:
        """Send an earlier batch once more, as after a lost answer."""
        return self.post(self.batches[-1 - pick % len(self.batches)]) if self.batches else []

    def post(self, lines: Sequence[Ask], *, apart: bool = False) -> list[Result]:
        """Send lines to both and compare what became of them and of every account."""
        if not lines:
            return []
        self.batches.append(list(lines))
        calls = _alone(lines) if apart else [list(lines)]
        self._be("anhuan_app")
        said = [code for call in calls for code in doors.post(self.connection, self.world.lane, call)]
        wanted = self.plain.post(lines)
        assert [code.name for code in said] == [code.name for code in wanted], f"codes of {lines}"
        self.cook.settle(set(self.plain.rows))
        self.compare()
        self.said.update(said)
        return said

    def bound(
        self, account: int, floor: int | None, ceil: int | None, *, out: bool = False, into: bool = False
    ) -> None:
        """Give an account of both other bounds and freezes; the web's login may only tighten them, the worker's all."""
        self._be("anhuan_work")
        doors.bound(self.connection, self.world.lane, account, floor, ceil, out=out, into=into)
        self.plain.bound(account, floor, ceil, out=out, into=into)

    def squeeze(self, account: int, *, below: int | None, above: int | None, apart: bool) -> list[Result]:
        """Bounds so close to what stands there, or just inside it, that the next lines meet them; None: no bound."""
        now = self.plain.accounts[account]
        floor = None if below is None else now.posted - now.held - below
        ceil = None if above is None else max(now.posted + now.held_in + above, -LIMIT if floor is None else floor)
        self.bound(account, floor, ceil)
        return self.probe(account, apart=apart)

    def probe(self, account: int, *, apart: bool) -> list[Result]:
        """Set aside and post 30, into this account and out of it, where the chart knows a way."""
        ends = [(road, road.sources[0], account) for road in self.cook.roads if account in road.targets][:1]
        ends += [(road, account, road.targets[0]) for road in self.cook.roads if account in road.sources][:1]
        return self.post([
            Ask(kind, id=self.cook.new_id(), src=src, dst=dst, amount=30, code=road.code)
            for road, src, dst in ends for kind in (Kind.HOLD, Kind.POST)
        ], apart=apart)  # fmt: skip

    def account(self, which: int) -> int:
        """One of the accounts that the last lines touched, or any while there were none."""
        used = [
            end for line in self.cook.sent[-12:] for end in (line.src, line.dst) if end in self.world.numbers.values()
        ]
        known = sorted({end for end in used if end is not None} or self.world.numbers.values())
        return known[which % len(known)]

    def compare(self) -> None:
        """Balances, and the rows written since the last look, in their order."""
        self.connection.execute("RESET SESSION AUTHORIZATION")
        lane, accounts = self.world.lane, self.plain.accounts
        there = self.connection.execute(_BALANCES, (lane, sorted(accounts))).fetchall()
        here = [(n, a.posted, a.held, a.held_in, a.seq, a.over) for n, a in sorted(accounts.items())]
        assert there == here, "balances"
        rows = self.connection.execute(_ROWS, (lane, self.seen)).fetchall()
        assert rows == [_flat(row) for row in itertools.islice(self.plain.rows.values(), self.rows_seen, None)], "rows"
        self.seen, self.rows_seen = self._head(), len(self.plain.rows)

    def check_as_of(self) -> None:
        """Law 9: at the end of every batch, by search, what the entries up to then add up to; and they sum to zero."""
        self.connection.execute("RESET SESSION AUTHORIZATION")
        moments = [ts for (ts,) in self.connection.execute(
            "SELECT ts FROM ledger.seal WHERE shard = %s ORDER BY batch_no", (self.world.lane,)
        ).fetchall()]  # fmt: skip
        for ts in moments[:1] + moments[-3:]:
            for moment in (ts, ts - timedelta(microseconds=1)):
                rows = self.connection.execute(
                    """SELECT a.unit, ledger.as_of(a.shard, a.id, %(at)s),
                              coalesce((SELECT sum(delta) FROM ledger.entry e
                                        WHERE e.shard = a.shard AND e.account = a.id AND e.ts <= %(at)s), 0),
                              a.posted - coalesce((SELECT sum(delta) FROM ledger.entry e
                                        WHERE e.shard = a.shard AND e.account = a.id AND e.ts > %(at)s), 0)
                       FROM ledger.account a WHERE a.shard = %(lane)s""",
                    {"at": moment, "lane": self.world.lane},
                ).fetchall()
                assert all(searched == up_to == back for _, searched, up_to, back in rows), "as of"
                for unit in {row[0] for row in rows}:
                    assert sum(row[1] for row in rows if row[0] == unit) == 0, "a cut sums to zero"

    def _be(self, login: str) -> None:
        """Act as the web's own login, before whose function a wall stands."""
        self.connection.execute(f"SET SESSION AUTHORIZATION {login}".encode())
        doors.enter(self.connection, self.world.party)

    def _head(self) -> int:
        [(batch_no,)] = self.connection.execute(_HEAD, (self.world.lane,)).fetchall()
        return int(batch_no)


def _alone(lines: Sequence[Ask]) -> list[list[Ask]]:
    """The lines as batches of one, groups whole."""
    calls: list[list[Ask]] = []
    for group, some in itertools.groupby(lines, key=lambda line: line.group):
        members = list(some)
        calls += [members] if group else [[line] for line in members]
    return calls


def _flat(row: Any) -> tuple[Any, ...]:
    b = row.body
    return (
        b.kind,
        b.id,
        b.src,
        b.dst,
        b.amount,
        b.code,
        b.parent,
        b.group,
        b.ref,
        b.event_at,
        *row.seqs,
        *row.balances,
    )
