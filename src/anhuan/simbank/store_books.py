"""Every question about the bank's double-entry books: movements with two legs, balances, and the proof of both."""

from datetime import date, datetime
from typing import Any

from anhuan.simbank.model import Movement
from anhuan.simbank.store import Db


def add_movement(db: Db, one: Movement, text: str) -> None:
    """A movement with its two legs, and both balances moved with it."""
    db.execute(
        "INSERT INTO bank.movement (seq, day, at, code, key, text) VALUES (%s, %s, %s, %s, %s, %s)",
        (one.seq, one.day, one.at, one.code, one.key, text),
    )
    for account, amount in ((one.source, -one.amount), (one.target, one.amount)):
        row = db.execute(
            "UPDATE bank.account SET balance = balance + %s WHERE name = %s RETURNING balance", (amount, account)
        ).fetchone()
        assert row is not None, f"there is no account {account}"
        db.execute("INSERT INTO bank.leg VALUES (%s, %s, %s, %s)", (one.seq, account, amount, row["balance"]))


def of_day(db: Db, day: date) -> list[dict[str, Any]]:
    """The movements of a bank day with their legs as source and target, in order."""
    return db.execute(
        "SELECT m.*, s.account AS source, t.account AS target, t.amount FROM bank.movement m"
        " JOIN bank.leg s ON s.movement = m.seq AND s.amount < 0 JOIN bank.leg t ON t.movement = m.seq AND t.amount > 0"
        " WHERE m.day = %s ORDER BY m.seq",
        (day,),
    ).fetchall()


def of_key(db: Db, key: str) -> list[dict[str, Any]]:
    """The movements that one payment made, in order."""
    return db.execute(
        "SELECT m.*, s.account AS source, t.account AS target, t.amount FROM bank.movement m"
        " JOIN bank.leg s ON s.movement = m.seq AND s.amount < 0 JOIN bank.leg t ON t.movement = m.seq AND t.amount > 0"
        " WHERE m.key = %s ORDER BY m.seq",
        (key,),
    ).fetchall()


def held_before(db: Db, like: str, moment: datetime) -> int:
    """What the accounts of this pattern held together before this moment, fen."""
    row = db.execute(
        "SELECT coalesce(sum(l.amount), 0)::bigint AS held FROM bank.leg l JOIN bank.movement m ON m.seq = l.movement"
        " WHERE l.account LIKE %s AND m.at < %s",
        (like, moment),
    ).fetchone()
    assert row is not None
    return int(row["held"])


def accounts(db: Db) -> list[dict[str, Any]]:
    """Every account: its balance as kept, and as its legs add up to."""
    return db.execute(
        "SELECT a.name, a.holder, a.balance, coalesce(sum(l.amount), 0)::bigint AS legs"
        " FROM bank.account a LEFT JOIN bank.leg l ON l.account = a.name GROUP BY a.name ORDER BY a.name"
    ).fetchall()


def lame(db: Db) -> list[int]:
    """Movements that do not have two legs which sum to zero; empty in sound books."""
    rows = db.execute(
        "SELECT m.seq FROM bank.movement m LEFT JOIN bank.leg l ON l.movement = m.seq GROUP BY m.seq"
        " HAVING count(l.amount) <> 2 OR sum(l.amount) <> 0 ORDER BY m.seq"
    )
    return [row["seq"] for row in rows]


def under_way(db: Db) -> int:
    """What payments say is between the funding account and the card, fen; `transit` must hold exactly this."""
    row = db.execute(
        "SELECT coalesce(sum(amount - fee_kept), 0)::bigint AS held FROM bank.payment"
        " WHERE state <> 'failed' AND booked_on IS NULL AND event_kind IS NULL"
    ).fetchone()
    assert row is not None
    return int(row["held"])
