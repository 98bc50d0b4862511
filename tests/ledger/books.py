"""Books to check: some people's postings in a database of their own, a superuser who tampers, what verify says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from anhuan import ledger
from anhuan.kit import audit_key, clock, ids, wall
from anhuan.kit import db as database
from anhuan.ledger import AccountKind, AccountName, Code, Kind, Line, roots, verify
from anhuan.ledger.root_bytes import Root
from anhuan.ledger.verify_words import Report

TRACKED: Final = "CNY/tracked"
TRANSIT: Final = AccountName(TRACKED, AccountKind.TRANSIT, None, "simbank")
SUSPENSE: Final = AccountName(TRACKED, AccountKind.SUSPENSE, None, "simbank")
KEPT: Final = ("posting", "seal", "shard_head", "account", "hold", "account_change", "root", "unit", "licence")


@dataclass
class Books:
    """A ledger under test."""

    admin: psycopg.Connection[Any]
    home: Path
    people: list[UUID] = field(default_factory=list)
    _said: bytes = b""

    def post(self, person: UUID, *lines: Line) -> None:
        """One batch of a person, as the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=person, person=person)
            ledger.post(db, lines).insist()

    def live(self, person: UUID) -> None:
        """Some of everything: holds captured, in part too, voided and open, posts, a group, a reversal and its own."""
        holds = [ids.new_id() for _ in range(4)]
        self.post(person, *(take(person, 1000 + at, id=hold, kind=Kind.HOLD) for at, hold in enumerate(holds)))
        self.post(person, Line(Kind.CAPTURE, parent=holds[0]), Line(Kind.CAPTURE, parent=holds[1], amount=400))
        self.post(person, Line(Kind.VOID, parent=holds[2]))
        arrived, group = ids.new_id(), ids.new_id()
        self.post(person, arrive(person, 1000, id=arrived), arrive(person, 400))
        self.post(person, Line(Kind.REVERSE, parent=arrived))
        self.post(person, Line(Kind.REVERSE, parent=ids.derive(arrived, "reverse")))
        self.post(person, take(person, 70, group=group), take(person, 80, group=group))

    def sign(self) -> Root | None:
        """Sign a root, if one is due."""
        return roots.seal_due(now=clock.now(), home=self.home)

    def verify(self, **how: Any) -> Report:
        """What verify says, as the auditor's login."""
        with database.sessions("audit").begin() as session:
            how.setdefault("file_roots", roots.in_file(roots.roots_file(self.home)))
            return verify.verify(session, **{"keys": audit_key.known_keys(self.home)} | how)

    def kinds(self, **how: Any) -> set[str]:
        """The kinds of what verify finds."""
        return {one.kind for one in self.verify(**how).findings}

    def sql(self, statement: str | sql.Composed, *values: Any) -> Any:
        """Do as the superuser, before whom neither triggers nor foreign keys stand; the first row, if there is one."""
        self.admin.execute("SET session_replication_role = replica")
        asked = statement.encode() if isinstance(statement, str) else statement
        found = self.admin.execute(asked, values or None)
        return found.fetchone() if found.description else None

    def keep(self) -> None:
        """Remember the books as they are now."""
        self.sql("CREATE SCHEMA kept")
        for table in KEPT:
            self.sql(f"CREATE TABLE kept.{table} AS TABLE ledger.{table}")
        self._said = roots.roots_file(self.home).read_bytes()

    def put_back(self) -> None:
        """Put the books back as they were kept."""
        roots.roots_file(self.home).write_bytes(self._said)
        for table in KEPT:
            name = sql.Identifier(table)
            self.sql(sql.SQL("DELETE FROM ledger.{}").format(name))
            self.sql(sql.SQL("INSERT INTO ledger.{0} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{0}").format(name))


def bank(person: UUID) -> AccountName:
    """The person's own account."""
    return AccountName(TRACKED, AccountKind.BANK, person, "debit")


def card(person: UUID) -> AccountName:
    """The person's own card."""
    return AccountName(TRACKED, AccountKind.CARD, person, "cmb")


def take(person: UUID, amount: int, *, id: UUID | None = None, kind: Kind = Kind.POST, **more: Any) -> Line:
    """A repayment taken, or held, from the bank."""
    return Line(
        kind, id=id or ids.new_id(), src=bank(person), dst=TRANSIT, amount=amount, code=Code.REPAY_TAKEN, **more
    )


def arrive(person: UUID, amount: int, *, id: UUID | None = None) -> Line:
    """A repayment that arrived on the card."""
    name = card(person)
    return Line(Kind.POST, id=id or ids.new_id(), src=TRANSIT, dst=name, amount=amount, code=Code.REPAY_ARRIVED)


def in_lane(engine: Engine, number: int) -> UUID:
    """A person whose lane this is."""
    with Session(engine) as db, db.begin():
        while True:
            person = ids.new_id()
            wall.enter(db, party=person, person=person)
            if ledger.lane_of(db, person) == number:
                return person
