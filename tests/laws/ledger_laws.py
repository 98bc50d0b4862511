"""The laws that hold for any ledger at any time, asked of the tables themselves: for the end of every story and race.

`laws_hold(where)` needs a reader before whom no wall stands: the auditor's login or the owner of the tables.
"""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session
from tests.laws import ledger_doors as doors

from anhuan.ledger.rules import CHART

_LEGS: Final = """
    legs AS MATERIALIZED (
        SELECT shard, src AS account, src_seq AS seq, src_bal AS balance, unit, batch_no, line, ts,
               CASE WHEN kind IN (1, 3, 6) THEN -amount ELSE 0 END AS delta FROM ledger.posting
        UNION ALL
        SELECT shard, dst, dst_seq, dst_bal, unit, batch_no, line, ts,
               CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END FROM ledger.posting)"""

_HELD: Final = """
    held AS MATERIALIZED (
        SELECT p.*, CASE p.kind WHEN 2 THEN p.amount ELSE 0 END AS up,
               CASE WHEN p.kind IN (3, 4, 5) THEN h.amount ELSE 0 END AS down
        FROM ledger.posting p LEFT JOIN ledger.posting h ON h.shard = p.shard AND h.id = p.parent_id)"""

# What no row may answer; each selects the rows that break the law.
BROKEN_BY: Final[Mapping[str, str]] = {
    "1 every unit of every shard sums to zero": """
        SELECT shard, unit, sum(posted) FROM ledger.account GROUP BY shard, unit HAVING sum(posted) <> 0""",
    "1 a posting takes from one account what it gives to another of the same unit": """
        SELECT p.shard, p.id FROM ledger.posting p
        LEFT JOIN ledger.account s ON (s.shard, s.id) = (p.shard, p.src)
        LEFT JOIN ledger.account d ON (d.shard, d.id) = (p.shard, p.dst)
        WHERE s.unit IS DISTINCT FROM p.unit OR d.unit IS DISTINCT FROM p.unit""",
    "2 posted and seq are the sum and the number of the entries": f"""
        WITH {_LEGS}, sums AS (SELECT shard, account, sum(delta) AS posted, count(*) AS n, max(seq) AS top,
                                      count(DISTINCT seq) AS apart, min(seq) AS low FROM legs GROUP BY 1, 2)
        SELECT a.shard, a.id, a.posted, a.seq, s.* FROM ledger.account a
        FULL JOIN sums s ON (s.shard, s.account) = (a.shard, a.id)
        WHERE a.posted IS DISTINCT FROM coalesce(s.posted, 0) OR a.seq IS DISTINCT FROM coalesce(s.n, 0)
           OR a.seq <> coalesce(s.top, 0) OR a.seq <> coalesce(s.apart, 0) OR s.low <> 1""",
    "2 each running balance is the one before plus the movement": f"""
        WITH {_LEGS}, run AS (SELECT *, lag(balance, 1, 0::bigint) OVER w AS before, lag(ts) OVER w AS ts_before,
                                     lag((batch_no, line)) OVER w AS place_before
                              FROM legs WINDOW w AS (PARTITION BY shard, account ORDER BY seq))
        SELECT shard, account, seq FROM run
        WHERE balance <> before + delta OR ts < ts_before OR (batch_no, line) <= place_before""",
    "2 the public view of entries says the same": f"""
        WITH {_LEGS} (SELECT shard, account, seq, delta, balance, ts FROM legs
                      EXCEPT ALL SELECT shard, account, seq, delta, balance, ts FROM ledger.entry)
        UNION ALL (SELECT shard, account, seq, delta, balance, ts FROM ledger.entry
                   EXCEPT ALL SELECT shard, account, seq, delta, balance, ts FROM legs)""",
    "3 held and held_in are the sums of the open holds": """
        SELECT a.shard, a.id, a.held, a.held_in FROM ledger.account a
        LEFT JOIN (SELECT shard, src, sum(amount) AS n FROM ledger.hold GROUP BY 1, 2) o
               ON (o.shard, o.src) = (a.shard, a.id)
        LEFT JOIN (SELECT shard, dst, sum(amount) AS n FROM ledger.hold GROUP BY 1, 2) i
               ON (i.shard, i.dst) = (a.shard, a.id)
        WHERE a.held <> coalesce(o.n, 0) OR a.held_in <> coalesce(i.n, 0)""",
    "3 a hold is exactly one of open, captured, voided, expired": """
        SELECT p.shard, p.id FROM ledger.posting p
        LEFT JOIN ledger.hold h ON (h.shard, h.id) = (p.shard, p.id)
        LEFT JOIN ledger.posting r ON r.shard = p.shard AND r.parent_id = p.id AND r.kind IN (3, 4, 5)
        WHERE p.kind = 2 GROUP BY p.shard, p.id, h.id HAVING (h.id IS NOT NULL)::int + count(r.id) <> 1""",
    "3 an open hold is the row that was posted": """
        SELECT h.shard, h.id FROM ledger.hold h LEFT JOIN ledger.posting p ON (p.shard, p.id) = (h.shard, h.id)
        WHERE (p.kind, p.src, p.dst, p.unit, p.amount) IS DISTINCT FROM (2, h.src, h.dst, h.unit, h.amount)""",
    "3 what resolves a hold moves between its accounts, no more than was held, under the derived id": """
        SELECT r.shard, r.id FROM ledger.posting r
        LEFT JOIN ledger.posting h ON (h.shard, h.id) = (r.shard, r.parent_id)
        WHERE r.kind IN (3, 4, 5) AND (h.kind IS DISTINCT FROM 2 OR (h.src, h.dst, h.unit) <> (r.src, r.dst, r.unit)
              OR r.amount > h.amount OR r.id <> ledger.derive(h.id, 'resolve'::bytea))""",
    "4 an account lies within its bounds unless marked, and the mark has a change behind it": """
        SELECT a.shard, a.id FROM ledger.account a
        WHERE NOT a.over AND (a.posted - a.held < a.floor OR a.posted + a.held_in > a.ceil)
           OR a.over AND NOT EXISTS (
               SELECT FROM ledger.account_change c WHERE (c.shard, c.account) = (a.shard, a.id))""",
    "4 no line of any batch took an account outside the bounds it had then, nor further outside": f"""
        WITH {_HELD}, legs AS (
            SELECT shard, src AS account, src_seq AS seq, src_bal AS balance, ts, up - down AS leaving, 0 AS coming
            FROM held
            UNION ALL SELECT shard, dst, dst_seq, dst_bal, ts, 0, up - down FROM held),
        sums AS (SELECT l.*, sum(leaving) OVER w AS held, sum(coming) OVER w AS held_in FROM legs l
                 JOIN ledger.account a ON (a.shard, a.id) = (l.shard, l.account) AND (num_nonnulls(a.floor, a.ceil) > 0
                      OR EXISTS (SELECT FROM ledger.account_change c WHERE (c.shard, c.account) = (a.shard, a.id)))
                 WINDOW w AS (PARTITION BY l.shard, l.account ORDER BY l.seq)),
        run AS (SELECT *, balance - held AS low, lag(balance - held, 1, 0::numeric) OVER v AS low_before,
                       balance + held_in AS high, lag(balance + held_in, 1, 0::numeric) OVER v AS high_before
                FROM sums WINDOW v AS (PARTITION BY shard, account ORDER BY seq))
        SELECT r.shard, r.account, r.seq, r.low, r.high, b.* FROM run r
        JOIN ledger.account a ON (a.shard, a.id) = (r.shard, r.account)
        CROSS JOIN LATERAL (SELECT floor, ceil FROM (
            (SELECT new_floor AS floor, new_ceil AS ceil, 1 AS choice FROM ledger.account_change c
             WHERE (c.shard, c.account) = (r.shard, r.account) AND c.at < r.ts ORDER BY no DESC LIMIT 1)
            UNION ALL (SELECT old_floor, old_ceil, 2 FROM ledger.account_change c
             WHERE (c.shard, c.account) = (r.shard, r.account) ORDER BY no LIMIT 1)
            UNION ALL SELECT a.floor, a.ceil, 3) d ORDER BY choice LIMIT 1) b
        WHERE r.low < b.floor AND r.low < r.low_before OR r.high > b.ceil AND r.high > r.high_before""",
    "7 between two lines of a group stands no other": """
        SELECT shard, batch_no, line FROM (
            SELECT shard, batch_no, line, group_id, lag(group_id) OVER w AS before,
                   min(line) OVER (PARTITION BY shard, batch_no, group_id) AS first
            FROM ledger.posting WINDOW w AS (PARTITION BY shard, batch_no ORDER BY line)) p
        WHERE group_id IS NOT NULL AND line > first AND before IS DISTINCT FROM group_id""",
    "7 a reversal is the mirror of what moved, once, under the derived id": """
        SELECT r.shard, r.id FROM ledger.posting r
        LEFT JOIN ledger.posting o ON (o.shard, o.id) = (r.shard, r.parent_id)
        WHERE r.kind = 6 AND ((o.src, o.dst, o.unit, o.amount) IS DISTINCT FROM (r.dst, r.src, r.unit, r.amount)
              OR o.kind NOT IN (1, 3, 6) OR r.id <> ledger.derive(o.id, 'reverse'::bytea))""",
    "8 batches have no gap, and each has its lines": """
        SELECT s.shard, s.batch_no FROM (SELECT *, row_number() OVER (PARTITION BY shard ORDER BY batch_no) AS place
                                         FROM ledger.seal) s
        FULL JOIN (SELECT shard, batch_no, count(*) AS n, min(ts) AS ts, max(ts) AS last FROM ledger.posting
                   GROUP BY 1, 2) p ON (p.shard, p.batch_no) = (s.shard, s.batch_no)
        WHERE s.place IS DISTINCT FROM s.batch_no OR s.n IS DISTINCT FROM p.n OR s.ts <> p.ts OR s.ts <> p.last""",
    "10 each seal follows the one before, the head is the last": """
        SELECT shard, batch_no FROM (SELECT *, lag(hash) OVER (PARTITION BY shard ORDER BY batch_no) AS before
                                     FROM ledger.seal) s WHERE prev IS DISTINCT FROM coalesce(before, prev)
        UNION ALL SELECT h.shard, h.batch_no FROM ledger.shard_head h
        WHERE h.batch_no > 0 AND NOT EXISTS (SELECT FROM ledger.seal s WHERE (s.shard, s.batch_no, s.hash)
                                             = (h.shard, h.batch_no, h.hash))""",
}

_CHART: Final = """
    SELECT p.shard, p.id, p.code, s.kind, d.kind FROM ledger.posting p
    JOIN ledger.account s ON (s.shard, s.id) = (p.shard, p.src)
    JOIN ledger.account d ON (d.shard, d.id) = (p.shard, p.dst)
    WHERE NOT EXISTS (
        SELECT FROM unnest(%s::int[], %s::int[], %s::int[]) AS c (code, a, b)
        WHERE (c.code, c.a, c.b) = (p.code, s.kind, d.kind)
           OR p.kind = 6 AND (c.code, c.a, c.b) = (p.code, d.kind, s.kind))"""  # a reversal goes the same road back


Reader = Session | Connection | Engine | psycopg.Connection[Any]


def laws_hold(where: Reader) -> int:
    """Assert laws 1 to 4, 7, the chart, and that batches and seals have no gap; returns the number of postings seen.

    `where` must see every row: the auditor (`kit.db.sessions("audit")`) or the owner, no party's own session.
    """
    if isinstance(where, Engine):
        with where.connect() as connection:
            return laws_hold(connection)
    reader = where if isinstance(where, psycopg.Connection) else doors.driver(where)
    for law, question in BROKEN_BY.items():
        found = reader.execute(question.encode()).fetchone()
        assert found is None, f"law {law}: broken by {found}"
    roads = [(int(code), int(way.src), int(way.dst)) for code, way in CHART.items()]
    codes, sources, targets = (list(column) for column in zip(*roads, strict=True))
    found = reader.execute(_CHART, (codes, sources, targets)).fetchone()
    assert found is None, f"a posting outside the chart: {found}"
    counted = reader.execute("SELECT count(*) FROM ledger.posting").fetchone()
    return int(counted[0]) if counted else 0
