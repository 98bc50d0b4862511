"""The two doors of the ledger: what the service lets through is the chart, what the function takes is a whole batch."""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import URL
from tests.laws import ledger_doors as doors
from tests.laws.book import Book
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_lines import DAY
from tests.laws.ledger_pair import World, build_world, roads_of
from tests.laws.plain_ledger import Ask

from anhuan import ledger
from anhuan.kit import ids
from anhuan.ledger import CHART, AccountKind, AccountName, BadLine, Code, Kind, Line, Result, rules
from anhuan.ledger import Book as Books
from anhuan.ledger.model import LINES, MOST
from anhuan.ledger.rules import OF_THE_HOUSE

UNITS = {
    Books.TRACKED: "CNY/tracked", Books.HOUSE: "CNY/house", Books.BENEFIT: "points/mall", Books.CREDIT: "CNY/credit/7",
    Books.CUSTODY: "CNY/custody/7",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(lawful: URL) -> World:
    """One lane and its person."""
    with psycopg.connect(lawful.render_as_string(hide_password=False)) as owner:
        return build_world(owner, 3)


@pytest.fixture
def owner(lawful: URL, world: World) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in the database of this file; what a test does is rolled back."""
    with psycopg.connect(lawful.render_as_string(hide_password=False)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def line(world: World) -> Ask:
    """A posting that would be accepted."""
    road = roads_of(world)[0]
    return Ask(Kind.POST, id=ids.new_id(), src=road.sources[0], dst=road.targets[0], amount=1, code=road.code)


def test_a_code_joins_the_two_kinds_of_its_row_in_the_chart_and_no_others() -> None:
    assert set(CHART) == set(Code)
    for code, way in CHART.items():
        allowed = set()
        for src, dst in itertools.product(AccountKind, repeat=2):
            with contextlib.suppress(BadLine):
                allowed.add((src, dst, rules.check(Kind.POST, code, UNITS[way.book], src, dst)))
        assert allowed == {(way.src, way.dst, code)}


def test_every_way_of_the_chart_can_be_gone_and_its_opposite_only_where_a_code_says_so(book: Book) -> None:
    there = {(way.book, way.src, way.dst) for way in CHART.values()}
    for code, way in CHART.items():
        unit = UNITS[way.book]
        open_unit(book, unit, way.book)
        src, dst = named(book, unit, way.src), named(book, unit, way.dst)
        go, back = (
            Line(Kind.POST, id=ids.new_id(), src=one, dst=other, amount=1, code=code)
            for one, other in ((src, dst), (dst, src))
        )
        ledger.post(book.db, [go], shard=book.shard).insist()
        with pytest.raises(BadLine):
            ledger.post(book.db, [back], shard=book.shard)
        assert ledger.reverse(book.db, go.id or UUID(int=0), shard=book.shard) == Result.OK
    assert len(there) == len(CHART), "two codes for one way: say which in the notation of journals"
    assert laws_hold(book.db) == 2 * len(CHART)


def test_a_code_is_of_its_own_book_and_no_posting_joins_two_units(book: Book) -> None:
    """No pooling: what we watch, what is ours, a lender's, points and client money never meet in one posting."""
    open_unit(book, "points/mall", "benefit")
    open_unit(book, "points/other", "benefit")
    for unit in ("CNY/house", "points/mall"):
        src, dst = named(book, unit, AccountKind.BANK), named(book, unit, AccountKind.TRANSIT)
        with pytest.raises(BadLine):
            ledger.transfer(
                book.db, id=ids.new_id(), src=src, dst=dst, amount=1, code=Code.REPAY_TAKEN, shard=book.shard
            )
    src = named(book, "points/mall", AccountKind.ISSUER)
    dst = named(book, "points/other", AccountKind.POINTS)
    ask = Line(Kind.POST, id=ids.new_id(), src=src, dst=dst, amount=1, code=Code.POINTS_AWARDED)
    assert list(ledger.post(book.db, [ask], shard=book.shard)) == [Result.UNIT_DIFFERS]


@pytest.mark.scope("S0-39", "S2-24")
def test_without_a_licence_there_is_no_unit_for_client_money(book: Book) -> None:
    wallet = named(book, "CNY/custody", AccountKind.WALLET)
    bank = named(book, "CNY/custody", AccountKind.CUSTODY_BANK)
    with pytest.raises(Exception, match="no unit CNY/custody"), book.db.begin_nested():
        ledger.transfer(
            book.db, id=ids.new_id(), src=bank, dst=wallet, amount=1, code=Code.CUSTODY_PAID_IN, shard=book.shard
        )
    with pytest.raises(Exception, match="custody_needs_a_licence"), book.db.begin_nested():
        doors.driver(book.db).execute(
            "INSERT INTO ledger.unit (code, book, scale) VALUES ('CNY/custody', 'custody', 2)"
        )
    ledger.open_unit(book.db, "CNY/custody/mine")  # the only book that this door opens is `benefit`
    [(opened,)] = doors.driver(book.db).execute("SELECT book FROM ledger.unit WHERE code = 'CNY/custody/mine'")
    assert opened == "benefit"


@pytest.mark.parametrize("amount", [0, -1, MOST + 1, 2**62, 2**63, -(2**63), 2**200])
def test_an_amount_outside_what_a_browser_can_count_gets_an_answer(book: Book, amount: int) -> None:
    src, dst = book.account("bank:lin"), book.account("transit:C")
    ask = Line(Kind.POST, id=ids.new_id(), src=src, dst=dst, amount=amount, code=Code.REPAY_TAKEN)
    assert list(ledger.post(book.db, [ask], shard=book.shard)) == [Result.BAD_AMOUNT]


def test_an_id_is_derived_alike_in_the_database_and_in_python(owner: psycopg.Connection[Any]) -> None:
    dice = random.Random(8)
    parents = [UUID(int=dice.getrandbits(128)) for _ in range(300)]
    for step in ("resolve", "reverse", "", "第一步"):
        [(made,)] = owner.execute(
            "SELECT array_agg(ledger.derive(p, %s) ORDER BY o) FROM unnest(%s::uuid[]) WITH ORDINALITY AS u (p, o)",
            (step.encode(), parents),
        ).fetchall()
        assert made == [ids.derive(parent, step) for parent in parents]
        assert {one.version for one in made} == {8}
        assert [one.int >> 80 for one in made] == [parent.int >> 80 for parent in parents]


BAD_BATCHES: dict[str, Callable[[Ask], list[Ask]]] = {
    "no line": lambda line: [],
    "a thousand and one lines": lambda line: [replace(line, id=ids.new_id()) for _ in range(LINES + 1)],
    "a group that comes back after a gap": lambda line: [
        replace(line, id=ids.new_id(), group=group) for group in (ids.derive(ids.LOCAL_USER, "g"), None) * 2
    ],
    "the nil id": lambda line: [replace(line, id=UUID(int=0))],
    "a nil group": lambda line: [replace(line, group=UUID(int=0))],
    "a nil ref": lambda line: [replace(line, ref=UUID(int=0))],
    "a nil parent": lambda line: [Ask(Kind.VOID, parent=UUID(int=0))],
    "a posting without an id": lambda line: [replace(line, id=None)],
    "a posting with a parent": lambda line: [replace(line, parent=ids.new_id())],
    "a capture without a parent": lambda line: [Ask(Kind.CAPTURE, id=ids.new_id())],
    "a kind that is none": lambda line: [replace(line, kind=7)],  # type: ignore[arg-type]
    "no kind": lambda line: [replace(line, kind=None)],  # type: ignore[arg-type]
}


@pytest.mark.parametrize("what", BAD_BATCHES)
@pytest.mark.parametrize("after_a_good_line", [False, True])
def test_a_bad_batch_is_refused_whole(
    owner: psycopg.Connection[Any], world: World, line: Ask, what: str, after_a_good_line: bool
) -> None:
    bad = BAD_BATCHES[what](line)
    lines = [replace(line, id=ids.new_id()), *bad] if after_a_good_line and bad else bad
    with pytest.raises(psycopg.errors.InvalidParameterValue), owner.transaction():
        doors.post(owner, world.lane, lines)
    assert laws_hold(owner) == 0


def test_arrays_of_unequal_length_are_refused(owner: psycopg.Connection[Any], world: World, line: Ask) -> None:
    whole = doors.arrays([line, replace(line, id=ids.new_id())])
    for place in range(len(whole)):
        short = [column[:1] if n == place else column for n, column in enumerate(whole)]
        with pytest.raises(psycopg.errors.InvalidParameterValue), owner.transaction():
            owner.execute(doors.POST, (world.lane, *short))


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_another_isolation_than_read_committed_is_refused(
    owner: psycopg.Connection[Any], world: World, line: Ask, level: str
) -> None:
    owner.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        doors.post(owner, world.lane, [line])


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (-62, Result.ID_OUT_OF_WINDOW),  # two months back: no month is open there
        (0, Result.OK),
        (0.9, Result.OK),  # clocks may differ by less than a day
        (1.1, Result.ID_OUT_OF_WINDOW),
        (40, Result.ID_OUT_OF_WINDOW),  # an open month, but no honest clock says so
        (4000, Result.ID_OUT_OF_WINDOW),
    ],
)
def test_an_id_falls_in_an_open_month_and_hardly_ahead(
    owner: psycopg.Connection[Any], world: World, line: Ask, days: float, code: Result
) -> None:
    made = UUID(int=ids.new_id().int + (int(days * DAY) << 80))
    assert doors.post(owner, world.lane, [replace(line, id=made)]) == [code]
    assert doors.post(owner, world.lane, [replace(line, id=ids.new_id()), replace(line, id=made)])[1] == (
        Result.EXISTS if code == Result.OK else code
    )


def test_no_line_of_a_lane_reaches_an_account_of_another(
    owner: psycopg.Connection[Any], world: World, line: Ask
) -> None:
    other = build_world(owner, 5)
    abroad = roads_of(other)[0].targets[0]
    assert doors.post(owner, world.lane, [replace(line, dst=abroad)]) == [Result.NO_ACCOUNT]
    assert doors.post(owner, other.lane, [line]) == [Result.NO_ACCOUNT]


def open_unit(book: Book, code: str, of: str) -> None:
    """A unit of any book, as the owner opens it; one of client money with a licence and two who approved it."""
    owner, licence = doors.driver(book.db), None
    if of == Books.CUSTODY:
        [(licence,)] = owner.execute(
            """INSERT INTO ledger.licence (number, bank, valid_to, first_approver, second_approver)
               VALUES (%s, 'a bank', '2030-01-01', %s, %s) ON CONFLICT (number) DO UPDATE SET bank = excluded.bank
               RETURNING id""",
            (code, book.person("wang"), book.person("zhao")),
        ).fetchall()
    owner.execute(
        "INSERT INTO ledger.unit (code, book, scale, licence_id) VALUES (%s, %s, 0, %s) ON CONFLICT DO NOTHING",
        (code, of, licence),
    )


def named(book: Book, unit: str, kind: AccountKind) -> AccountName:
    """The account of this kind, of the house or of the book's person."""
    return AccountName(unit, kind, None if kind in OF_THE_HOUSE else book.person("lin"), "x")
