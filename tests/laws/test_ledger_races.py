"""Laws 5, 11 and 13 of the ledger: many clients at once, on connections of their own."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine
from tests.laws import ledger_doors as doors
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_pair import World, build_world, roads_of
from tests.laws.plain_ledger import Ask

from anhuan.kit import db as database
from anhuan.kit import ids
from anhuan.ledger.model import LIMIT, MOST, AccountKind, Kind, Result
from anhuan.ledger.rules import Code

CLIENTS = 8
IDS = 300
SECONDS = 2.5
NO_HARM = {"40001"}  # the caller's transaction is repeated


@contextmanager
def app(engine: Engine, world: World) -> Iterator[psycopg.Connection[Any]]:
    """The web's own login with the rows of this lane's person open; each statement its own transaction."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        doors.enter(connection, world.party)
        yield connection


@contextmanager
def worker(world: World) -> Iterator[psycopg.Connection[Any]]:
    """The worker's login with the rows of this lane's person open: it may loosen bounds, which the web's may not."""
    bind = database.sessions("work").kw["bind"]
    url = bind.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        doors.enter(connection, world.party)
        yield connection


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run the jobs side by side; what each returns, or its exception."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [job.result() for job in [pool.submit(job) for job in jobs]]


@pytest.fixture
def world(own_database: Engine, owner_connection: psycopg.Connection[Any]) -> World:
    """One lane and its person."""
    made = build_world(owner_connection, 3)
    owner_connection.commit()
    return made


def number(world: World, kind: AccountKind) -> int:
    """The first account of this kind."""
    return next(number for name, number in world.numbers.items() if name[1] == kind)


def random_line(dice: random.Random, world: World, most: int = 500) -> Ask:
    """A posting on a way that the chart allows."""
    road = dice.choice(roads_of(world))
    src, dst = dice.choice(road.sources), dice.choice(road.targets)
    return Ask(Kind.POST, id=ids.new_id(), src=src, dst=dst, amount=dice.randint(1, most), code=road.code)


def test_eight_clients_with_the_same_300_lines_have_one_effect(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    dice = random.Random(5)
    lines = [random_line(dice, world) for _ in range(IDS)]
    begin = threading.Barrier(CLIENTS)

    def send_all(seed: int) -> Counter[Result]:
        mine, own = list(lines), random.Random(seed)
        own.shuffle(mine)
        said: Counter[Result] = Counter()
        with app(own_database, world) as connection:
            begin.wait()
            while mine:
                n = own.choice((1, 1, 2, 30))
                said.update(doors.post(connection, world.lane, mine[:n]))
                del mine[:n]
        return said

    said: Counter[Any] = sum(at_once([partial(send_all, seed) for seed in range(CLIENTS)]), Counter())
    assert said == {Result.OK: IDS, Result.EXISTS: IDS * (CLIENTS - 1)}
    assert laws_hold(owner_connection) == IDS
    with app(own_database, world) as connection:
        again = doors.post(connection, world.lane, [replace(line, amount=(line.amount or 0) + 1) for line in lines])
    assert set(again) == {Result.ID_REUSED}
    assert laws_hold(owner_connection) == IDS, "a refused line left a row"
    assert faults(owner_connection) == []


def test_a_hold_that_eight_clients_resolve_is_resolved_once(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    bank, transit = number(world, AccountKind.BANK), number(world, AccountKind.TRANSIT)
    holds = [
        Ask(Kind.HOLD, id=ids.new_id(), src=bank, dst=transit, amount=100, code=Code.REPAY_TAKEN) for _ in range(60)
    ]
    with app(own_database, world) as connection:
        assert set(doors.post(connection, world.lane, holds)) == {Result.OK}

    def resolve(client: int) -> Counter[Result]:
        said: Counter[Result] = Counter()
        with app(own_database, world) as connection:
            for hold in holds:
                kind, amount = (Kind.VOID, None) if client % 2 else (Kind.CAPTURE, client + 1)
                said.update(doors.post(connection, world.lane, [Ask(kind, parent=hold.id, amount=amount)]))
        return said

    said: Counter[Any] = sum(at_once([partial(resolve, client) for client in range(CLIENTS)]), Counter())
    assert said[Result.OK] == len(holds)
    assert set(said) <= {Result.OK, Result.EXISTS, Result.ALREADY_RESOLVED}
    laws_hold(owner_connection)
    assert owner_connection.execute("SELECT count(*) FROM ledger.hold").fetchall() == [(0,)]


def test_two_writers_of_one_lane_without_its_lock_never_give_a_wrong_balance(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    [(body,)] = owner_connection.execute(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'post'"
    ).fetchall()
    unlocked = body.replace("FUNCTION ledger.post(", "FUNCTION ledger.post_unlocked(")
    unlocked = unlocked.replace("pg_advisory_xact_lock(1818584167, lane)", "clock_timestamp()")
    assert unlocked.count("advisory") == body.count("advisory") - 1, "the lock is not where this test looks for it"
    owner_connection.execute(unlocked.encode())
    owner_connection.execute("ALTER FUNCTION ledger.post_unlocked OWNER TO anhuan_owner")
    owner_connection.execute("GRANT EXECUTE ON FUNCTION ledger.post_unlocked TO anhuan_app")
    owner_connection.commit()
    question = doors.POST.replace("ledger.post(", "ledger.post_unlocked(")

    def write(seed: int) -> tuple[int, Counter[str]]:
        dice, written, lost = random.Random(seed), 0, Counter[str]()
        end = time.monotonic() + SECONDS / 2
        with app(own_database, world) as connection:
            while time.monotonic() < end:
                lines = [random_line(dice, world) for _ in range(dice.choice((1, 5, 20)))]
                try:
                    [(codes,)] = connection.execute(question, (world.lane, *doors.arrays(lines))).fetchall()
                    written += codes.count(Result.OK)
                except psycopg.Error as error:
                    lost[str(error.sqlstate)] += 1
        return written, lost

    done = at_once([partial(write, seed) for seed in range(4)])
    lost: Counter[str] = sum((some for _, some in done), Counter())
    assert set(lost) <= NO_HARM | {"23505", "40P01"}, "two batches cannot both have the next number"
    assert lost, "they never met: this test shows nothing"
    assert laws_hold(owner_connection) == sum(written for written, _ in done)
    assert faults(owner_connection) == []


def test_random_writers_with_two_calls_a_transaction_never_wait_for_each_other_for_ever(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    other = build_world(owner_connection, 5)
    owner_connection.commit()

    def write(seed: int) -> Counter[str]:
        dice, said = random.Random(seed), Counter[str]()
        end = time.monotonic() + SECONDS
        here = (world, other)[seed % 2]
        with worker(here) as connection:
            while time.monotonic() < end:
                try:
                    with connection.transaction():
                        for _ in range(2):
                            lines = [random_line(dice, here) for _ in range(dice.choice((1, 3, 10)))]
                            doors.post(connection, here.lane, lines)
                            if dice.random() < 0.1:
                                which = dice.choice(list(here.numbers.values()))
                                doors.bound(connection, here.lane, which, None, None, out=dice.random() < 0.2)
                    said["committed"] += 1
                except psycopg.Error as error:
                    said[str(error.sqlstate)] += 1
        return said

    said: Counter[Any] = sum(at_once([partial(write, seed) for seed in range(CLIENTS)]), Counter())
    assert said["committed"] > CLIENTS
    assert set(said) == {"committed"}, said
    laws_hold(owner_connection)
    assert faults(owner_connection) == []


def test_a_freeze_and_a_posting_at_once_are_one_after_the_other(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    bank, transit = number(world, AccountKind.BANK), number(world, AccountKind.TRANSIT)
    line = Ask(Kind.POST, id=ids.new_id(), src=bank, dst=transit, amount=1, code=Code.REPAY_TAKEN)
    with app(own_database, world) as freezer, app(own_database, world) as writer:
        freezer.autocommit = False
        doors.bound(freezer, world.lane, bank, None, None, out=True)
        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(doors.post, writer, world.lane, [line])
            time.sleep(0.2)
            assert not posting.done(), "the posting did not wait for the freeze"
            freezer.commit()
            assert posting.result(timeout=20) == [Result.FROZEN]
    laws_hold(owner_connection)


def test_no_amount_and_no_balance_is_too_large_for_an_answer(
    own_database: Engine, owner_connection: psycopg.Connection[Any], world: World
) -> None:
    bank, transit = number(world, AccountKind.BANK), number(world, AccountKind.TRANSIT)

    def line(amount: int, kind: Kind = Kind.POST, *, back: bool = False) -> Ask:
        src, dst, code = (transit, bank, Code.REPAY_GIVEN_BACK) if back else (bank, transit, Code.REPAY_TAKEN)
        return Ask(kind, id=ids.new_id(), src=src, dst=dst, amount=amount, code=code)

    with app(own_database, world) as connection:
        ask = partial(doors.post, connection, world.lane)
        assert ask([line(amount) for amount in (0, -1, MOST + 1, LIMIT, 2**63 - 1)]) == [Result.BAD_AMOUNT] * 5
        assert [ask([line(amount)])[0] for amount in (0, -1, MOST + 1, LIMIT, 2**63 - 1)] == [Result.BAD_AMOUNT] * 5
        assert set(ask([line(MOST) for _ in range(512)])) == {Result.OK}  # 512 short of 2^62
        assert ask([line(MOST)]) == ask([line(512)]) == [Result.OVERFLOW]
        assert ask([line(512), line(511), line(1)]) == [Result.OVERFLOW, Result.OK, Result.OVERFLOW]
        assert ask([line(MOST, back=True)]) == [Result.OK]
        hold = line(MOST, Kind.HOLD)
        assert ask([hold, line(1), line(1, Kind.HOLD)]) == [Result.OK, Result.OVERFLOW, Result.OVERFLOW]
        assert ask([Ask(Kind.CAPTURE, parent=hold.id)]) == [Result.OK], "what was held can always be taken"
        assert ask([line(1)]) == [Result.OVERFLOW]
    [(most,)] = owner_connection.execute("SELECT max(abs(posted)) FROM ledger.account").fetchall()
    assert most < LIMIT
    laws_hold(owner_connection)
