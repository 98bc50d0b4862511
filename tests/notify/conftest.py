"""What tests of messages share: a mail server on a real port, a database for all logins, somebody with an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.channels.conftest import clean, house
from tests.notify.mailserver import MailServer, mail_server
from tests.people import sign_in

from anhuan import notify
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.notify import mailbox, mailing, store
from anhuan.notify.tables import MessageRow

__all__ = ["clean", "house"]
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # ten o'clock in China
ADDRESS = "lin@example.com"
KIND = "repay_in_doubt"
FACTS: dict[str, str | int | None] = {
    "card_zh": "招商银行 尾号 6214", "card_en": "CMB 6214", "amount": 123_456, "until": "2026-11-23T09:00:00+00:00",
}  # fmt: skip


@dataclass
class Reader:
    """Somebody who is told things."""

    party: UUID

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """The reader's rows, by the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            yield db

    def tell(self, key: str = "one", *, urgent: bool = False, now: datetime = NOW) -> bool:
        """One message to this reader."""
        with self.rows() as db:
            return notify.tell(db, self.party, KIND, key=key, facts=FACTS, now=now, link="/me", urgent=urgent)

    def mail(self, key: str = "one", *, now: datetime = NOW) -> notify.MailState | None:
        """What the worker does with the mail of a message."""
        return notify.mailing.deliver(self.party, self.message(key).id, now=now)

    def message(self, key: str = "one") -> MessageRow:
        """The message of this key as it stands in the database."""
        with self.rows() as db:
            found = [row for row in store.messages(db, self.party, at_most=100) if row.key == key]
        assert len(found) == 1
        return found[0]


def has_address(db: Session, party: UUID, address: str = ADDRESS, lang: str = "zh") -> None:
    """This party proved an address."""
    mailbox.ask(db, party, address, lang=lang, now=NOW)
    row = store.address(db, party)
    assert row is not None
    assert row.asked_id is not None
    assert mailbox.prove(db, mailing.WORKER, party, mailbox.code_of(party, row.asked_id, address), now=NOW)


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server, and the settings that name it."""
    with mail_server() as running:
        monkeypatch.setenv("ANHUAN_SMTP_URL", running.url)
        monkeypatch.setenv("ANHUAN_MAIL_FROM", "anhuan@example.org")
        yield running


@pytest.fixture
def reader(clean: Engine, smtp: MailServer) -> Reader:
    """Somebody with an address that was proved."""
    made = Reader(ids.new_id())
    sign_in(clean, made.party)
    with database.transaction() as db:
        wall.enter(db, party=made.party, person=made.party)
        has_address(db, made.party)
    return made
