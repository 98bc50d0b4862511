"""Laws 9 and 10 on books that live: what random schedules leave verifies in SQL, in plain Python and by `verify`, which
were written apart; a chain rebuilt from its first byte deceives all but the signed root.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Engine
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_lines import BOUNDS, random_recipes
from tests.laws.ledger_pair import Pair, build_world
from tests.ledger.books import Books

BATCHES: Final = 60
LANES: Final = (3, 7)

# The chain once more, in SQL: each seal's hash from the one before and the bytes of its rows.
IN_SQL: Final = """
    SELECT s.shard, s.batch_no FROM ledger.seal s
    LEFT JOIN ledger.seal b ON (b.shard, b.batch_no) = (s.shard, s.batch_no - 1)
    CROSS JOIN LATERAL (
        SELECT string_agg(ledger.row_bytes(p.shard, p.batch_no, p.line, p.id, p.kind, p.code, p.unit, p.src, p.dst,
            p.amount, p.src_seq, p.dst_seq, p.src_bal, p.dst_bal, p.ts, p.event_at, p.parent_id, p.group_id, p.ref),
            ''::bytea ORDER BY p.line) AS bytes
        FROM ledger.posting p WHERE (p.shard, p.batch_no) = (s.shard, s.batch_no)) r
    WHERE s.hash <> sha256(coalesce(b.hash, decode(repeat('00', 32), 'hex')) || r.bytes)"""
REBUILD: Final = """DO $$
    DECLARE s record; last bytea := decode(repeat('00', 32), 'hex');
    BEGIN
      FOR s IN SELECT * FROM ledger.seal WHERE shard = 3 ORDER BY batch_no LOOP
        UPDATE ledger.seal SET prev = last, hash = sha256(last || (
          SELECT string_agg(ledger.row_bytes(p.shard, p.batch_no, p.line, p.id, p.kind, p.code, p.unit, p.src, p.dst,
            p.amount, p.src_seq, p.dst_seq, p.src_bal, p.dst_bal, p.ts, p.event_at, p.parent_id, p.group_id, p.ref),
            ''::bytea ORDER BY p.line)
          FROM ledger.posting p WHERE (p.shard, p.batch_no) = (s.shard, s.batch_no)))
          WHERE (shard, batch_no) = (s.shard, s.batch_no) RETURNING hash INTO last;
      END LOOP;
      UPDATE ledger.shard_head SET hash = last WHERE shard = 3;
    END $$"""


@pytest.fixture
def books(own_database: Engine, owner_connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Books]:
    """Two lanes after many random batches, compared with the plain ledger all the way; a root is signed half-way."""
    books = Books(owner_connection, tmp_path)
    worlds = [build_world(owner_connection, lane) for lane in LANES]
    pairs = [Pair(owner_connection, world) for world in worlds]
    owner_connection.commit()
    for half in range(2):
        dice = random.Random(half)
        for step in range(BATCHES):
            pair = pairs[step % 2]
            if dice.random() < 0.15:
                floor, room = dice.choice(BOUNDS), dice.choice(BOUNDS)
                ceil = None if room is None else max(abs(room), floor or 0)
                pair.bound(pair.account(dice.randrange(24)), floor, ceil, out=dice.random() < 0.2)
            pair.send(random_recipes(dice, most=15), apart=dice.random() < 0.2)
            owner_connection.commit()
        if half == 0:
            owner_connection.execute("RESET SESSION AUTHORIZATION")
            owner_connection.commit()
            assert books.sign() is not None
    for pair in pairs:
        pair.check_as_of()
    owner_connection.execute("RESET SESSION AUTHORIZATION")
    owner_connection.commit()
    yield books
    owner_connection.rollback()


@pytest.mark.scope("S2-36", "S1-32")
def test_what_lived_verifies_three_ways_and_a_rebuilt_chain_deceives_all_but_the_root(books: Books) -> None:
    owner = books.admin
    postings = laws_hold(owner)
    assert postings > 200
    assert faults(owner) == []
    assert owner.execute(IN_SQL).fetchall() == []
    owner.commit()
    report = books.verify()
    assert [f"{found.kind} {found.facts}" for found in report.findings] == []
    assert report.postings == postings

    books.sql("UPDATE ledger.posting SET event_at = '2020-02-02' WHERE shard = 3 AND batch_no = 2")
    owner.commit()
    assert {fault.batch_no for fault in faults(owner)} == {2}
    assert {tuple(row) for row in owner.execute(IN_SQL).fetchall()} == {(3, 2)}
    owner.commit()
    assert "batch_changed" in books.kinds()

    books.sql(REBUILD)
    owner.commit()
    assert faults(owner) == []
    assert owner.execute(IN_SQL).fetchall() == []
    assert laws_hold(owner) == postings
    owner.commit()
    assert books.kinds() == {"rewritten"}, "the signed root alone tells"
