"""A person with something in every room, for the tests of exports and erasures. Everybody is invented."""

from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from anhuan import cards, channels, ledger, planning, statements
from anhuan.cli import demo_mail
from anhuan.identity import consent, holdings, sessions
from anhuan.identity.consent_words import Purpose
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
SPEAKING = "=SUM(A1)买菜"  # a label that a sheet program would run


def house_is_known() -> None:
    """What the application and the worker say at their start."""
    holdings.know(planning=planning, statements=statements, cards=cards, channels=channels, ledger=ledger)


def settle(engine: Engine, name: str = "林一") -> Actor:
    """A person with a session, a consent, a card, a bill, an import, a balance and a plan setting."""
    house_is_known()
    person = ids.new_id()
    lin = Actor(ActorKind.PERSON, person_id=person, party_id=person)
    with Session(engine) as db, db.begin():
        sessions.add_person(db, now=NOW, person_id=person, name=name)
        sessions.open_session(db, person, strength=Strength.PASSKEY, now=NOW, device="a phone")
        consent.give(db, person, Purpose.BILL_READING, actor=lin, now=NOW)
        bill = list(demo_mail.bills_until(demo_mail.ACCOUNTS[0], date(2026, 11, 22)))[-1]
        upload = statements.Upload("bill.eml", demo_mail.mail(bill))
        statements.take_in(db, person, [upload], now=NOW)
        account = cards.set_account(db, person, "ccb", "0099", label=SPEAKING)
        cards.record_balance(db, person, account.account_id, 10_000, balance_on=date(2026, 11, 22))
        planning.set_flow(db, person, account.account_id, -5_000, label="房租", day_of_month=3)
    return lin


def rows_of(engine: Engine, party: UUID) -> dict[str, int]:
    """How many rows of each table of every room the person has, as the person's own wall shows them."""
    with Session(engine) as db, db.begin():
        wall.enter(db, party=party, person=party)
        found: dict[str, int] = {}
        for room in holdings.all_rooms().values():
            found.update(room.held(db, party))
        return found
