"""Every question that a town asks of its two databases, as their administrator: jobs to bring forward, and at the end
all rows that a law speaks of. The rooms' own acts and views are not asked here: a judge does not take their word.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from anhuan.kit import vault
from anhuan.kit.clock import CHINA

Row = Mapping[str, Any]
BINARY: Final = frozenset({"alipay", "camt053"})  # day files that say their own code


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits: what is being done, what may be done now, and whether somebody died over his."""

    doing: int
    waiting: int
    orphaned: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything the laws look at, as it stands in both databases; sealed values opened."""

    orders: Sequence[Row]
    events: Sequence[Row]
    groups: Sequence[Row]
    proofs: Sequence[Row]  # of persons, used
    instructions: Sequence[Row]
    contradictions: Sequence[Row]
    evidence: Sequence[Row]
    messages: int
    bad_messages: Sequence[Row]
    bills: Sequence[Row]
    payments: Sequence[Row]  # at the bank
    movements: Sequence[Row]  # at the bank, with a key
    stood: Sequence[Row]  # what the bank has on each card by key, fen
    meetings: Sequence[Row]
    statements: Sequence[Row]  # of the bank: what it printed
    posted: Sequence[Row]  # of the bank: what was paid on each card
    moved: Sequence[Row]  # of the ledger: by order, what was taken, what is in transit, what is on the card; fen
    holds: Sequence[Row]  # of the ledger: open ones, by order
    lame: Sequence[Row]  # what breaks a law of any ledger
    told: Sequence[Row]  # messages to people
    mandates: Sequence[Row]
    blocked: Sequence[Row]  # runs of mandates that something forbade to the end
    stops: Sequence[Row]  # of cards at channels
    day_files: Sequence[Row]  # of the bank: every edition, with the hash that its bytes have
    kept_files: Sequence[Row]  # of ours


def connect(url: str, database: str | None = None) -> psycopg.Connection[Row]:
    """A connection of the town's own administrator; each statement stands for itself."""
    more = {"dbname": database} if database else {}
    return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=10, **more)  # type: ignore[arg-type]


# --- jobs ---


def bring_forward(db: psycopg.Connection[Row], moment: datetime) -> int:
    """Let jobs that were promised for a moment that has come in the town be done now; tells how many."""
    done = db.execute(
        "UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 second'"
        " WHERE status = 'todo' AND scheduled_at > now() AND scheduled_at <= %s",
        (moment,),
    )
    if done.rowcount:
        wake(db)
    return done.rowcount


def wake(db: psycopg.Connection[Row]) -> None:
    """Tell the workers to look; they are told of new jobs alone."""
    db.execute("""SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}'),
                         pg_notify('procrastinate_queue_v1#anhuan', '{"type": "job_inserted", "job_id": 0}')""")


def backlog(db: psycopg.Connection[Row], *, dead_after: float) -> Backlog:
    """What is not done yet of what may be done now."""
    row = db.execute(
        """SELECT count(*) FILTER (WHERE j.status = 'doing') AS doing,
                  count(*) FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at <= now(), true)) AS waiting,
                  count(*) FILTER (WHERE j.status = 'doing' AND (w.id IS NULL
                      OR w.last_heartbeat < now() - make_interval(secs => %s))) AS orphaned
             FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
            WHERE j.status IN ('todo', 'doing')""",
        (dead_after,),
    ).fetchone()
    assert row is not None
    return Backlog(**row)


def next_job(db: psycopg.Connection[Row]) -> datetime | None:
    """The moment of the first job that is promised for later."""
    row = db.execute(
        "SELECT min(scheduled_at) AS at FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at > now()"
    ).fetchone()
    return None if row is None else row["at"]


def next_look(db: psycopg.Connection[Row]) -> datetime | None:
    """When an order or an instruction wants to be looked at next, whatever became of its job."""
    row = db.execute(
        """SELECT min(at) AS at FROM (SELECT min(next_at) AS at FROM repay_orders WHERE next_at IS NOT NULL
           UNION ALL SELECT min(next_ask_at) FROM channel_instructions WHERE next_ask_at IS NOT NULL
           UNION ALL SELECT min(next_at) FROM mandates WHERE next_at IS NOT NULL
           UNION ALL SELECT min(next_at) FROM mandate_runs WHERE next_at IS NOT NULL
           UNION ALL SELECT min(least(safe_by_at, by_hand_at)) FROM repay_orders
             WHERE alerted_at IS NULL AND closed_at IS NULL) found"""
    ).fetchone()
    return None if row is None else row["at"]


def failed_jobs(db: psycopg.Connection[Row]) -> Sequence[Row]:
    """Work that was given up, by kind."""
    return db.execute(
        "SELECT task_name, count(*) AS many FROM procrastinate_jobs WHERE status = 'failed' GROUP BY 1 ORDER BY 1"
    ).fetchall()


# --- what the laws look at ---


def rows(ours: psycopg.Connection[Row], bank: psycopg.Connection[Row]) -> Rows:
    """Read both houses once, when everything is at rest."""
    messages = ours.execute("SELECT count(*) AS many FROM channel_messages").fetchone()
    assert messages is not None
    return Rows(
        orders=_opened(ours, _ORDERS, "repay_orders", "amount_minor", "fee_minor", "arrived_minor"),
        events=_all(ours, "SELECT user_id, order_id, id, at, kind, code FROM repay_events ORDER BY order_id, at, id"),
        groups=_all(ours, _GROUPS),
        proofs=_all(ours, "SELECT person_id, id, kind, used_at FROM step_ups WHERE used_at IS NOT NULL ORDER BY id"),
        instructions=_opened(ours, _INSTRUCTIONS, "channel_instructions", "amount_minor"),
        contradictions=_all(ours, "SELECT user_id, key, kind, cleared_at FROM channel_contradictions ORDER BY seen_at"),
        evidence=_all(ours, "SELECT user_id, id, key, kind, posted_on, about_id, given_at FROM channel_evidence"),
        messages=int(messages["many"]),
        bad_messages=_bad_messages(ours),
        bills=_all(ours, _BILLS),
        payments=_all(bank, _PAYMENTS),
        movements=_all(bank, _MOVEMENTS),
        stood=_all(bank, "SELECT key, sum(amount)::bigint AS amount, min(posted_on) AS first_on FROM bank.posting"
                         " WHERE key IS NOT NULL GROUP BY key"),
        meetings=_all(bank, "SELECT key, scenarios FROM bank.meeting"),
        statements=_all(bank, _STATEMENTS),
        posted=_all(bank, _POSTED),
        moved=_all(ours, _MOVED),
        holds=_all(ours, _HOLDS),
        lame=_all(ours, _LAME),
        told=_all(ours, "SELECT user_id, kind, key, link, urgent, made_at FROM notify_messages ORDER BY made_at, id"),
        mandates=_all(ours, "SELECT * FROM mandates"),
        blocked=_all(ours, "SELECT user_id, account_id, statement_on, blocked, closed_at FROM mandate_runs"
                           " WHERE why = 'blocked' AND blocked IS NOT NULL"),
        stops=_all(ours, "SELECT user_id, channel, code, since_at, until_at FROM channel_card_stops"),
        day_files=_all(bank, _DAY_FILES),
        kept_files=_kept_files(ours),
    )  # fmt: skip


def met_by_bills(bank: psycopg.Connection[Row]) -> Mapping[int, int]:
    """How often scenarios of bills happened: refunds after the bill, changed layouts."""
    row = bank.execute(
        """SELECT (SELECT count(*) FROM bank.agenda WHERE kind = 'charge' AND facts ->> 'ref' LIKE '31:%%') AS refunds,
                  (SELECT count(*) FROM bank.statement WHERE facts ->> 'layout' = 'changed') AS layouts"""
    ).fetchone()
    assert row is not None
    return {31: row["refunds"], 35: row["layouts"]}


def met_by_files(bank: psycopg.Connection[Row]) -> int:
    """How many days' files met scenario 27: late, issued anew, other bytes than announced, or in another code."""
    days: dict[date, list[Row]] = defaultdict(list)
    for one in _all(bank, "SELECT day, kind, edition, sha256, ready_at, content FROM bank.day_file"):
        days[one["day"]].append(one)
    usual = min((one["ready_at"].astimezone(CHINA).time() for row in days.values() for one in row), default=time())
    return sum(any(one["ready_at"].astimezone(CHINA).time() > usual or _spoiled(one) for one in row)
               for row in days.values())  # fmt: skip


def _spoiled(one: Row) -> bool:
    if one["edition"] > 1 or sha256(one["content"]).hexdigest() != one["sha256"]:
        return True
    try:
        return one["kind"] not in BINARY and not one["content"].decode("utf-8-sig")
    except UnicodeDecodeError:
        return True


def body_of(ours: psycopg.Connection[Row], key: UUID) -> bytes:
    """The frozen bytes of one instruction, for whoever sends them a second time."""
    row = ours.execute("SELECT body FROM channel_instructions WHERE key = %s", (key,)).fetchone()
    assert row is not None
    found: bytes = vault.open_("channel_instructions.body", row["body"])
    return found


def sent_lately(ours: psycopg.Connection[Row], since: datetime) -> Sequence[Row]:
    """Instructions that went out since a moment and that the bank has told us it has."""
    return _all(
        ours,
        "SELECT user_id, key FROM channel_instructions WHERE channel = 'simbank' AND sent_at >= %s"
        " AND state IN ('accepted', 'processing', 'success') ORDER BY sent_at",
        since,
    )


def _all(db: psycopg.Connection[Row], sql: LiteralString, *values: Any) -> Sequence[Row]:
    return db.execute(sql, values).fetchall() if values else db.execute(sql).fetchall()


def _opened(db: psycopg.Connection[Row], sql: LiteralString, table: str, *sealed: str) -> Sequence[Row]:
    return [_open(row, table, sealed) for row in _all(db, sql)]


def _open(row: Row, table: str, sealed: Sequence[str]) -> Row:
    opened = {name: None if row[name] is None else vault.open_(f"{table}.{name}", bytes(row[name])) for name in sealed}
    return {**row, **opened}


def _bad_messages(db: psycopg.Connection[Row]) -> Sequence[Row]:
    """Messages of the outside world whose kept bytes are not those of their kept hash."""
    bad = []
    for row in _all(db, "SELECT user_id, id, key, content, sha256 FROM channel_messages"):
        content = vault.open_("channel_messages.content", bytes(row["content"]))
        if sha256(content).hexdigest() != vault.open_("channel_messages.sha256", bytes(row["sha256"])):
            bad.append({"id": row["id"], "key": row["key"]})
    return bad


def _kept_files(db: psycopg.Connection[Row]) -> Sequence[Row]:
    """The reconciliation files of the town's bank as they are kept, with the hash that their bytes have."""
    found = []
    for row in _all(db, "SELECT day, name, version, sha256, content FROM channel_files WHERE channel = 'simbank'"):
        content = vault.open_("channel_files.content", bytes(row["content"]))
        found.append({**row, "content": None, "found": sha256(content).hexdigest()})
    return found


def as_text_all(value: Any) -> Any:
    """A finding as JSON can say it: ids, days and moments as text."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False))


_GROUPS: LiteralString = """
    SELECT user_id, id, key, kind, mandate_id, confirmed_by, step_up_id, made_at
      FROM repay_groups ORDER BY made_at, id"""

_ORDERS: LiteralString = """
    SELECT user_id, id, group_id, number, account_id, source_id, bill_id, bank, channel, rule, amount_minor, fee_minor,
           status, wait, due_on, start_at, expected_at, safe_by_at, by_hand_at, placed_at, key, sent_at, taken_at,
           arrived_on, arrived_minor, closed_at, final_code, retry_of, mandate_id, run_id, next_at, alerted_at
      FROM repay_orders ORDER BY placed_at, id"""
_INSTRUCTIONS: LiteralString = """
    SELECT user_id, key, order_id, channel, state, stands, sends, asks, amount_minor, sent_at, next_ask_at, expires_at,
           final_at, final_code, stopped_at FROM channel_instructions ORDER BY made_at, key"""
_PAYMENTS: LiteralString = """
    SELECT key, amount, partner, funding, card, state, code, scenarios, taken_at, final_at, booked_on, fee_kept,
           event_kind, event_at FROM bank.payment ORDER BY taken_at, key"""
_MOVEMENTS: LiteralString = """
    SELECT m.seq, m.key, m.code, m.at, s.account AS source, t.amount FROM bank.movement m
      JOIN bank.leg s ON s.movement = m.seq AND s.amount < 0 JOIN bank.leg t ON t.movement = m.seq AND t.amount > 0
     WHERE m.key IS NOT NULL ORDER BY m.seq"""
_BILLS: LiteralString = """
    SELECT b.user_id, b.id, b.account_id, b.statement_on, b.due_on, b.known_at, b.total_minor AS sealed_total,
           a.bank, (SELECT array_agg(c.last_digits) FROM cards c
                     WHERE c.user_id = b.user_id AND c.account_id = b.account_id) AS tails
      FROM bills b JOIN card_accounts a ON a.user_id = b.user_id AND a.id = b.account_id
     WHERE b.superseded_by IS NULL AND b.taken_back_at IS NULL ORDER BY b.known_at, b.id"""
_DAY_FILES: LiteralString = """
    SELECT day, name, kind, edition, ready_at, sha256, encode(sha256(content), 'hex') AS found FROM bank.day_file
     ORDER BY day, name, edition"""
_STATEMENTS: LiteralString = """
    SELECT card, statement_on, facts -> 'statement' ->> 'due_on' AS due_on, facts ->> 'layout' AS layout,
           (facts -> 'statement' ->> 'balance')::bigint AS balance,
           (facts -> 'statement' ->> 'minimum')::bigint AS minimum
      FROM bank.statement ORDER BY card, statement_on"""
_POSTED: LiteralString = """
    SELECT card, posted_on, kind, amount, key FROM bank.posting
     WHERE kind IN ('payment', 'withdrawn', 'corrected', 'late_fee') ORDER BY seq"""
# What orders moved in the books, by the order that each posting names, or that its hold named.
_MOVED: LiteralString = """
    SELECT coalesce(p.ref, h.ref, o.ref) AS order_id,
           sum(p.amount * ((d.kind = 3)::int - (s.kind = 3)::int))::bigint AS in_transit,
           sum(p.amount * ((s.kind = 1 AND d.kind = 3)::int - (s.kind = 3 AND d.kind = 1)::int))::bigint AS taken,
           sum(p.amount * ((d.kind = 2)::int - (s.kind = 2)::int))::bigint AS on_card
      FROM ledger.posting p
      JOIN ledger.account s ON (s.shard, s.id) = (p.shard, p.src)
      JOIN ledger.account d ON (d.shard, d.id) = (p.shard, p.dst)
      JOIN ledger.unit u ON u.id = p.unit AND u.book = 'tracked'
      LEFT JOIN ledger.posting h ON h.shard = p.shard AND h.id = p.parent_id
      LEFT JOIN ledger.posting o ON o.shard = p.shard AND o.id = h.parent_id
     WHERE p.kind IN (1, 3, 6) AND coalesce(p.ref, h.ref, o.ref) IS NOT NULL GROUP BY 1"""
_HOLDS: LiteralString = """
    SELECT p.ref AS order_id, h.id, h.amount FROM ledger.hold h
      JOIN ledger.posting p ON (p.shard, p.id) = (h.shard, h.id) WHERE p.ref IS NOT NULL"""
# Laws of any ledger, as questions that no row may answer (ledger.md, section 10).
_LAME: LiteralString = """
    WITH legs AS (
      SELECT shard, src AS account, CASE WHEN kind IN (1, 3, 6) THEN -amount ELSE 0 END AS delta FROM ledger.posting
      UNION ALL SELECT shard, dst, CASE WHEN kind IN (1, 3, 6) THEN amount ELSE 0 END FROM ledger.posting)
    SELECT 'balance' AS what, a.shard::text || '/' || a.id AS which FROM ledger.account a
      LEFT JOIN (SELECT shard, account, sum(delta) AS posted, count(*) AS n FROM legs GROUP BY 1, 2) l
             ON (l.shard, l.account) = (a.shard, a.id)
     WHERE a.posted <> coalesce(l.posted, 0) OR a.seq <> coalesce(l.n, 0)
    UNION ALL SELECT 'unit', shard::text || '/' || unit FROM ledger.account GROUP BY shard, unit HAVING sum(posted) <> 0
    UNION ALL SELECT 'held', a.shard::text || '/' || a.id FROM ledger.account a
      LEFT JOIN (SELECT shard, src, sum(amount) AS n FROM ledger.hold GROUP BY 1, 2) o
             ON (o.shard, o.src) = (a.shard, a.id) WHERE a.held <> coalesce(o.n, 0)"""
