"""Every question about what is still to come: the agenda, callbacks to send, scripts and switches, files of days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from anhuan.simbank import store
from anhuan.simbank.store import Db

# --- the agenda ---


def plan(db: Db, due_at: datetime, kind: str, subject: str, facts: Mapping[str, Any] | None = None) -> None:
    """Put something on the agenda."""
    db.execute(
        "INSERT INTO bank.agenda (seq, due_at, kind, subject, facts) VALUES (%s, %s, %s, %s, %s)",
        (store.next_number(db, "agenda"), due_at, kind, subject, Jsonb(dict(facts or {}))),
    )


def next_due(db: Db, until: datetime) -> dict[str, Any] | None:
    """What is due first, up to this moment."""
    return db.execute(
        "SELECT * FROM bank.agenda WHERE done_at IS NULL AND due_at <= %s ORDER BY due_at, seq LIMIT 1", (until,)
    ).fetchone()


def done(db: Db, seq: int, at: datetime) -> None:
    """This was done."""
    db.execute("UPDATE bank.agenda SET done_at = %s WHERE seq = %s", (at, seq))


def drop(db: Db, kind: str, subject: str) -> None:
    """Take what is still to come of this kind and subject off the agenda."""
    db.execute("DELETE FROM bank.agenda WHERE kind = %s AND subject = %s AND done_at IS NULL", (kind, subject))


def first_time(db: Db, kind: str, subject: str, ref: str) -> bool:
    """Whether nothing of this kind and subject with this `ref` was ever planned."""
    row = db.execute(
        "SELECT 1 FROM bank.agenda WHERE kind = %s AND subject = %s AND facts ->> 'ref' = %s", (kind, subject, ref)
    ).fetchone()
    return row is None


def coming(db: Db, at_most: int) -> list[dict[str, Any]]:
    """What is due next, for people who look."""
    return db.execute(
        "SELECT due_at, kind, subject FROM bank.agenda WHERE done_at IS NULL ORDER BY due_at, seq LIMIT %s", (at_most,)
    ).fetchall()


# --- callbacks ---


def add_callback(db: Db, *, event_id: str, key: str, state: str, at: datetime, variant: str, due_at: datetime) -> None:
    """One more callback to send."""
    db.execute(
        "INSERT INTO bank.callback (seq, event_id, key, state, at, variant, due_at) VALUES (%s,%s,%s,%s,%s,%s,%s)",
        (store.next_number(db, "callback"), event_id, key, state, at, variant, due_at),
    )


def callback_due(db: Db, until: datetime) -> dict[str, Any] | None:
    """The callback that must go out first."""
    return db.execute(
        "SELECT * FROM bank.callback WHERE done_at IS NULL AND due_at <= %s ORDER BY due_at, seq LIMIT 1", (until,)
    ).fetchone()


def callback_tried(
    db: Db, seq: int, *, answered: int | None, done_at: datetime | None, again_at: datetime | None
) -> None:
    """What came of one try."""
    db.execute(
        "UPDATE bank.callback SET tries = tries + 1, answered = %s, done_at = %s, due_at = coalesce(%s, due_at)"
        " WHERE seq = %s",
        (answered, done_at, again_at, seq),
    )


def callbacks_of(db: Db, key: str) -> list[dict[str, Any]]:
    """What was said about a payment, in the order it was planned."""
    return db.execute("SELECT * FROM bank.callback WHERE key = %s ORDER BY seq", (key,)).fetchall()


# --- which scenarios meet a payment ---


def meeting(db: Db, key: str) -> dict[str, Any] | None:
    """What this key met when it was first heard of."""
    return db.execute("SELECT * FROM bank.meeting WHERE key = %s", (key,)).fetchone()


def meet(db: Db, key: str, scenarios: Sequence[int], params: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Keep what a new key meets."""
    row = db.execute(
        "INSERT INTO bank.meeting (key, scenarios, params, first_at) VALUES (%s, %s, %s, %s) RETURNING *",
        (key, list(scenarios), Jsonb(dict(params)), at),
    ).fetchone()
    assert row is not None
    return row


def heard(db: Db, key: str) -> None:
    """One more call with this key."""
    db.execute("UPDATE bank.meeting SET heard = heard + 1 WHERE key = %s", (key,))


def set_switch(db: Db, number: int, probability: str | None, params: Mapping[str, Any]) -> None:
    """Switch a scenario on for everybody, or off with no probability."""
    db.execute("DELETE FROM bank.switch WHERE number = %s", (number,))
    if probability is not None:
        db.execute("INSERT INTO bank.switch VALUES (%s, %s, %s)", (number, probability, Jsonb(dict(params))))


def switches(db: Db) -> list[dict[str, Any]]:
    """The scenarios that are on: number, probability, params."""
    return db.execute("SELECT * FROM bank.switch ORDER BY number").fetchall()


def set_script(db: Db, steps: Sequence[tuple[str | None, Sequence[int], Mapping[str, Any]]]) -> None:
    """A new script in place of what is left of the old one."""
    db.execute("DELETE FROM bank.script WHERE used_by IS NULL")
    for key, scenarios, params in steps:
        db.execute(
            "INSERT INTO bank.script (seq, key, scenarios, params) VALUES (%s, %s, %s, %s)",
            (store.next_number(db, "script"), key, list(scenarios), Jsonb(dict(params))),
        )


def take_script(db: Db, key: str) -> dict[str, Any] | None:
    """The script's step for this key, else its next one for anybody; used up with it."""
    return db.execute(
        "UPDATE bank.script SET used_by = %s WHERE seq = (SELECT seq FROM bank.script WHERE used_by IS NULL"
        " AND (key = %s OR key IS NULL) ORDER BY key IS NULL, seq LIMIT 1) RETURNING *",
        (key, key),
    ).fetchone()


def script_left(db: Db) -> list[dict[str, Any]]:
    """The steps that no payment has met yet."""
    return db.execute(
        "SELECT seq, key, scenarios, params FROM bank.script WHERE used_by IS NULL ORDER BY seq"
    ).fetchall()


# --- files and statements ---


def add_file(db: Db, day: date, edition: int, file: Mapping[str, Any], ready_at: datetime) -> None:
    """One file of a day."""
    db.execute(
        "INSERT INTO bank.day_file (day, name, edition, kind, rows, sha256, ready_at, content)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (day, file["name"], edition, file["kind"], file["rows"], file["sha256"], ready_at, file["content"]),
    )


def files_of(db: Db, day: date, now: datetime) -> list[dict[str, Any]]:
    """The newest edition of each file of the day that is out."""
    return db.execute(
        "SELECT DISTINCT ON (name) name, kind, edition, rows, sha256, ready_at, content FROM bank.day_file"
        " WHERE day = %s AND ready_at <= %s ORDER BY name, edition DESC",
        (day, now),
    ).fetchall()


def next_file_at(db: Db, day: date) -> datetime | None:
    """When the first file of a day comes out, if it is made already."""
    row = db.execute("SELECT min(ready_at) AS at FROM bank.day_file WHERE day = %s", (day,)).fetchone()
    return None if row is None else row["at"]


def add_statement(db: Db, card: str, statement_on: date, facts: Mapping[str, Any]) -> None:
    """One statement as it was printed."""
    db.execute("INSERT INTO bank.statement VALUES (%s, %s, %s)", (card, statement_on, Jsonb(dict(facts))))


def statements(db: Db, card: str) -> list[dict[str, Any]]:
    """A card's statements, oldest first."""
    return db.execute("SELECT * FROM bank.statement WHERE card = %s ORDER BY statement_on", (card,)).fetchall()
