"""The partner register: two people, a day from and a day to, and nothing that closes a channel has to run."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from tests.channels.bank import NAME, RECORD
from tests.channels.conftest import ENTRY, NOW, TODAY, WHY, licensed
from tests.identity.desk import acting, at_desk

from anhuan.channels import register
from anhuan.channels.model import BadEntry, Licence, NotLive, OwnEntry, UnknownEntry
from anhuan.channels.register import Status
from anhuan.channels.tables_house import EntryRow, WordRow
from anhuan.identity import Role, demonstration
from anhuan.identity.changes import NotAsShown
from anhuan.kit import db as database
from anhuan.kit import ids

pytestmark = pytest.mark.scope("S0-37")

ONE, OTHER = acting(ids.new_id(), Role.OPERATIONS), acting(ids.new_id(), Role.RISK)


def on(day: date, channel: str = NAME, verb: str = "pay") -> bool:
    with database.transaction() as db:
        return register.valid(db, channel, day, verb=verb) is not None


def status(number: UUID, day: date = TODAY) -> Status:
    with database.transaction() as db:
        return register.find(db, number, on=day).status


def test_an_entry_opens_nothing_until_somebody_else_has_approved_it(clean: Engine) -> None:
    made = licensed(approved=False)
    assert (on(TODAY), status(made)) == (False, Status.WAITING)
    with at_desk(OTHER) as db:
        register.approve(db, OTHER, made, shown=register.find(db, made, on=TODAY).shown, now=NOW)
    assert (on(TODAY), status(made)) == (True, Status.VALID)


def test_nobody_approves_the_own_entry_neither_in_the_program_nor_in_the_database(clean: Engine) -> None:
    with at_desk(ONE) as db:
        made = register.enter(db, ONE, ENTRY, now=NOW)
        shown = register.find(db, made, on=TODAY).shown
    with at_desk(ONE) as db, pytest.raises(OwnEntry):
        register.approve(db, ONE, made, shown=shown, now=NOW)
    with pytest.raises(IntegrityError):
        word_past_the_program(made, said_by=ONE.person_id)


def test_a_word_is_said_in_the_own_name_alone(clean: Engine) -> None:
    made = licensed(approved=False)
    with pytest.raises(DBAPIError, match="row-level security"):
        word_past_the_program(made, said_by=ids.new_id())


def word_past_the_program(made: UUID, *, said_by: UUID | None) -> None:
    """An approval that the program would refuse, written by the desk's login."""
    with at_desk(ONE) as db:
        row = db.get_one(EntryRow, made)
        db.add(
            WordRow(
                entry_id=made, kind="approved", entered_by=row.entered_by, shown_hash=row.shown_hash, from_day=TODAY,
                reason="", said_by=said_by, said_at=NOW,
            )
        )  # fmt: skip
        db.flush()


def test_what_was_not_shown_cannot_be_approved(clean: Engine) -> None:
    made = licensed(approved=False)
    with at_desk(OTHER) as db, pytest.raises(NotAsShown):
        register.approve(db, OTHER, made, shown="00" * 32, now=NOW)


@pytest.mark.parametrize(("day", "open_"), [
    (date(2025, 12, 31), False),  # before the licence
    (date(2026, 1, 1), False),  # valid by its own days, but approved only later
    (TODAY, True),
    (date(2026, 12, 31), True),
    (date(2027, 1, 1), False),  # expired: by the day alone
])  # fmt: skip
def test_the_day_alone_opens_and_closes_a_channel(clean: Engine, day: date, open_: bool) -> None:
    licensed()
    assert on(day) is open_


def test_the_scope_names_channels_and_verbs(clean: Engine) -> None:
    licensed(replace(ENTRY, verbs=("statement",)))
    assert (on(TODAY), on(TODAY, verb="statement"), on(TODAY, channel="another")) == (False, True, False)


def test_a_suspension_is_one_more_row_with_its_day_and_closes_from_then_on(clean: Engine) -> None:
    made = licensed()
    tomorrow = TODAY + timedelta(days=1)
    with at_desk(ONE) as db:
        register.suspend(db, ONE, made, from_day=tomorrow, reason=WHY, now=NOW)
    assert (on(TODAY), on(tomorrow), status(made, tomorrow)) == (True, False, Status.SUSPENDED)
    with at_desk(ONE) as db, pytest.raises(UnknownEntry):
        register.suspend(db, ONE, made, from_day=tomorrow, reason=WHY, now=NOW)
    licensed()  # a new entry, signed by two, opens it again
    assert on(tomorrow)


def test_a_refused_entry_stays_refused(clean: Engine) -> None:
    made = licensed(approved=False)
    with at_desk(OTHER) as db:
        shown = register.find(db, made, on=TODAY).shown
        register.refuse(db, OTHER, made, shown=shown, reason=WHY, now=NOW)
    with at_desk(OTHER) as db, pytest.raises(UnknownEntry):
        register.approve(db, OTHER, made, shown=shown, now=NOW)
    assert status(made) is Status.REFUSED


@pytest.mark.parametrize("login", ["app", "desk", "work"])
@pytest.mark.parametrize("statement", [
    "DELETE FROM partner_entries", "DELETE FROM partner_words", "UPDATE partner_entries SET valid_to = '2099-01-01'",
    "UPDATE partner_words SET kind = 'refused'",
])  # fmt: skip
def test_nobody_deletes_or_edits_an_entry(clean: Engine, login: str, statement: str) -> None:
    licensed()
    with pytest.raises(DBAPIError, match="permission denied"):
        run_as(login, statement)


def run_as(login: str, statement: str) -> None:
    with database.sessions(login).begin() as db:
        db.execute(text(statement))


@pytest.mark.parametrize("wrong", [
    {"licence_number": " "}, {"holder": ""}, {"custody_bank": ""}, {"verbs": ()}, {"verbs": ("charge",)},
    {"channels": ()}, {"valid_to": date(2026, 1, 1)}, {"document_sha256": "ab"}, {"document_sha256": "x" * 64},
])  # fmt: skip
def test_an_entry_without_all_it_needs_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEntry):
        register.checked(replace(ENTRY, **wrong), now=NOW)


@pytest.mark.parametrize(("licence", "mode", "open_"), [
    (Licence.OWN_HAND, None, True),  # the user pays in the own bank's app
    (Licence.OWN_FILE, None, True),
    (Licence.DEMONSTRATION, None, False),  # the simulated bank in a house that nobody has called a demonstration
    (Licence.DEMONSTRATION, "real", False),
    (Licence.DEMONSTRATION, "demonstration", True),
    (Licence.NEEDED, "demonstration", False),
])  # fmt: skip
def test_who_needs_no_licence_says_why_and_the_simulated_bank_is_never_real(
    db: Session, licence: Licence, mode: str | None, open_: bool
) -> None:
    if mode is not None:
        demonstration.declare(db, mode, now=NOW)
    record = replace(RECORD, licence=licence, partner="")
    assert register.is_live(db, record, TODAY) is open_
    if not open_:
        with pytest.raises(NotLive):
            register.require_live(db, record, TODAY)
