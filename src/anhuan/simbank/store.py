"""Every question that the bank asks its own database about itself, its people, cards and payments.

Plain SQL through psycopg and no mapped rows: this is another house's database, whose tables never join Anhuan's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from importlib import resources
from typing import Any, Final

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from anhuan.simbank.model import AlreadyRuns, Card, CardPosting, NotThisDatabase, Payment, State

Db = psycopg.Connection[DictRow]
VERSION: Final = 2
# What brings tables of one version to the next.
UPGRADES: Final = {
    1: (
        "ALTER TABLE bank.payment ADD COLUMN service_fee bigint NOT NULL DEFAULT 0 CHECK (service_fee >= 0);"
        " CREATE UNIQUE INDEX one_service_fee ON bank.movement (key) WHERE code = 'service_fee';"
        " UPDATE bank.version SET version = 2"
    ),
}
_ALONE: Final = 7_402_611  # the advisory lock of the one process that keeps these books
_EMPTIED: Final = (
    "bank.leg, bank.movement, bank.posting, bank.statement, bank.day_file, bank.callback, bank.agenda, bank.payment,"
    " bank.meeting, bank.script, bank.switch, bank.nonce, bank.card, bank.account, bank.counter"
)


def connect(url: str) -> Db:
    """A connection in UTC that commits by itself outside of transactions."""
    return psycopg.connect(url, autocommit=True, row_factory=dict_row, options="-c timezone=UTC", connect_timeout=10)


def stand_alone(db: Db) -> None:
    """Be the only process on this database until the connection ends; refuses when another one is."""
    row = db.execute("SELECT pg_try_advisory_lock(%s) AS got", (_ALONE,)).fetchone()
    if not row or not row["got"]:
        raise AlreadyRuns("another simulated bank keeps the books of this database")


def prepare(db: Db) -> bool:
    """Make the tables where there are none, or add what is new; tells whether all are new; refuses other versions."""
    row = db.execute("SELECT to_regclass('bank.version') IS NOT NULL AS there").fetchone()
    if not row or not row["there"]:
        schema = resources.files("anhuan.simbank").joinpath("schema.sql").read_text("utf-8")
        with db.transaction():
            db.execute(schema.encode())
        return True
    for version, statements in UPGRADES.items():
        with db.transaction():
            if [version] == _versions(db):
                db.execute(statements.encode())
    found = _versions(db)
    if found != [VERSION]:
        raise NotThisDatabase(f"the tables have version {found}, this bank needs {VERSION}: give it a fresh database")
    return False


def _versions(db: Db) -> list[int]:
    return [each["version"] for each in db.execute("SELECT version FROM bank.version")]


# --- the house itself ---


def house(db: Db) -> DictRow | None:
    """The one row: seed, now, profile, sign_key, control_token, callback_url; None before `found`."""
    return db.execute("SELECT * FROM bank.house").fetchone()


def found(db: Db, *, seed: int, now: datetime, sign_key: bytes, control_token: str) -> None:
    """The first row of a new bank."""
    db.execute(
        "INSERT INTO bank.house (seed, now, sign_key, control_token) VALUES (%s, %s, %s, %s)",
        (seed, now, sign_key, control_token),
    )


def empty(db: Db, *, seed: int, now: datetime) -> None:
    """Forget everything but partners, the bank's key and the control token, and begin with this seed."""
    db.execute(f"TRUNCATE {_EMPTIED}".encode())
    db.execute("UPDATE bank.house SET seed = %s, now = %s, profile = '{}', callback_url = NULL", (seed, now))


def set_now(db: Db, now: datetime) -> None:
    """Move the bank's clock."""
    db.execute("UPDATE bank.house SET now = %s", (now,))


def set_profile(db: Db, changes: Mapping[str, Any]) -> None:
    """Keep these changes of the profile beside earlier ones."""
    db.execute("UPDATE bank.house SET profile = profile || %s", (Jsonb(dict(changes)),))


def set_callback_url(db: Db, url: str | None) -> None:
    """Where callbacks go from now on."""
    db.execute("UPDATE bank.house SET callback_url = %s", (url,))


def next_number(db: Db, name: str, many: int = 1) -> int:
    """The first of so many next numbers of this name; a rollback gives them back."""
    row = db.execute(
        "INSERT INTO bank.counter AS c (name, last) VALUES (%s, %s)"
        " ON CONFLICT (name) DO UPDATE SET last = c.last + %s RETURNING last",
        (name, many, many),
    ).fetchone()
    assert row is not None
    return int(row["last"]) - many + 1


# --- partners and their signatures ---


def partners(db: Db) -> dict[str, bytes]:
    """Public keys by key id."""
    return {row["key_id"]: row["public_key"] for row in db.execute("SELECT key_id, public_key FROM bank.partner")}


def trust(db: Db, key_id: str, public_key: bytes) -> None:
    """Believe this key from now on, in place of an earlier one of the same id."""
    db.execute(
        "INSERT INTO bank.partner VALUES (%s, %s) ON CONFLICT (key_id) DO UPDATE SET public_key = excluded.public_key",
        (key_id, public_key),
    )


def hear_nonce(db: Db, key_id: str, nonce: str, at: datetime, *, forget_before: datetime) -> bool:
    """Remember a nonce; False when it was heard before. Those signed before `forget_before` are too old to matter."""
    db.execute("DELETE FROM bank.nonce WHERE at < %s", (forget_before,))
    done = db.execute("INSERT INTO bank.nonce VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (key_id, nonce, at))
    return done.rowcount == 1


# --- accounts and cards ---


def add_account(db: Db, name: str, holder: str = "") -> None:
    """Open an account; nothing happens if it is there."""
    db.execute("INSERT INTO bank.account (name, holder) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, holder))


def balance(db: Db, name: str) -> int | None:
    """What an account holds, fen; None where there is none."""
    row = db.execute("SELECT balance FROM bank.account WHERE name = %s", (name,)).fetchone()
    return None if row is None else int(row["balance"])


def holder(db: Db, name: str) -> str | None:
    """Whose account this is; None where there is none."""
    row = db.execute("SELECT holder FROM bank.account WHERE name = %s", (name,)).fetchone()
    return None if row is None else str(row["holder"])


def add_card(db: Db, card: Card) -> None:
    """A new card, or the same card with new facts."""
    db.execute(
        "INSERT INTO bank.card (card, bank, name, frozen, statement_day, marks, facts) VALUES (%s,%s,%s,%s,%s,%s,%s)"
        " ON CONFLICT (card) DO UPDATE SET bank = excluded.bank, name = excluded.name, frozen = excluded.frozen,"
        " statement_day = excluded.statement_day, marks = excluded.marks, facts = excluded.facts",
        (card.card, card.bank, card.name, card.frozen, card.statement_day, list(card.marks), Jsonb(dict(card.facts))),
    )


def card(db: Db, number: str) -> Card | None:
    """The card of this number."""
    row = db.execute("SELECT * FROM bank.card WHERE card = %s", (number,)).fetchone()
    return None if row is None else Card(**{**row, "marks": tuple(row["marks"])})


def cards(db: Db) -> list[Card]:
    """All cards, by number."""
    rows = db.execute("SELECT * FROM bank.card ORDER BY card")
    return [Card(**{**row, "marks": tuple(row["marks"])}) for row in rows]


# --- payments ---

_PAYMENT: Final = tuple(field.name for field in fields(Payment))


def payment(db: Db, key: str, *, lock: bool = False) -> Payment | None:
    """What the bank knows under this key."""
    asked = "SELECT * FROM bank.payment WHERE key = %s" + (" FOR UPDATE" if lock else "")
    row = db.execute(asked.encode(), (key,)).fetchone()
    return None if row is None else _payment(row)


def add_payment(db: Db, one: Payment) -> None:
    """Keep a new payment; the primary key refuses a second one under the same key."""
    values = {name: getattr(one, name) for name in _PAYMENT}
    values |= {"course": Jsonb(dict(one.course)), "scenarios": list(one.scenarios)}
    names, places = ", ".join(_PAYMENT), ", ".join(f"%({name})s" for name in _PAYMENT)
    db.execute(f"INSERT INTO bank.payment ({names}) VALUES ({places})".encode(), values)


def change_payment(db: Db, key: str, **changes: Any) -> None:
    """Set these columns of a payment."""
    assert set(changes) <= set(_PAYMENT)
    places = ", ".join(f"{name} = %({name})s" for name in changes)
    db.execute(f"UPDATE bank.payment SET {places} WHERE key = %(of)s".encode(), {**changes, "of": key})


def spent_between(db: Db, funding: str, starts: datetime, ends: datetime) -> int:
    """What left this account by payments that were taken in this time and did not fail, fen."""
    row = db.execute(
        "SELECT coalesce(sum(amount), 0)::bigint AS spent FROM bank.payment"
        " WHERE funding = %s AND taken_at >= %s AND taken_at < %s AND state <> 'failed'",
        (funding, starts, ends),
    ).fetchone()
    assert row is not None
    return int(row["spent"])


def oldest_reference(db: Db, before: datetime) -> str | None:
    """The reference of the oldest success taken before this moment."""
    row = db.execute(
        "SELECT reference FROM bank.payment WHERE state = 'success' AND taken_at < %s ORDER BY taken_at, key LIMIT 1",
        (before,),
    ).fetchone()
    return None if row is None else str(row["reference"])


def payments_between(db: Db, starts: datetime, ends: datetime) -> list[Payment]:
    """Payments taken in this time, in order."""
    rows = db.execute(
        "SELECT * FROM bank.payment WHERE taken_at >= %s AND taken_at < %s ORDER BY taken_at, key", (starts, ends)
    )
    return [_payment(row) for row in rows]


def calls_since(db: Db, since: datetime) -> int:
    """Requests whose signature was believed since this moment."""
    row = db.execute("SELECT count(*) AS many FROM bank.nonce WHERE at >= %s", (since,)).fetchone()
    assert row is not None
    return int(row["many"])


def _payment(row: DictRow) -> Payment:
    return Payment(**{**row, "state": State(row["state"]), "scenarios": tuple(row["scenarios"])})


# --- what stands on cards ---


def add_posting(db: Db, one: CardPosting) -> None:
    """One more line on a card's account."""
    db.execute(
        "INSERT INTO bank.posting (seq, card, posted_on, at, kind, amount, text, key, reference)"
        " VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (one.seq, one.card, one.posted_on, one.at, one.kind, one.amount, one.text, one.key, one.reference),
    )


def postings(db: Db, card: str, *, first: date, last: date) -> Sequence[CardPosting]:
    """A card's lines from the first day to the last, both included, in order."""
    rows = db.execute(
        "SELECT * FROM bank.posting WHERE card = %s AND posted_on BETWEEN %s AND %s ORDER BY posted_on, seq",
        (card, first, last),
    )
    return [CardPosting(**row) for row in rows]
