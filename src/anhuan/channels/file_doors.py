"""Files in and out with plain arguments, for the command line and pages: each opens its own short transaction.

They run by the worker's login: what a file says of a payment moves its state and is learned of the channel, which the
web's own login may not write. A party's rows are opened for that party's own request alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import answers_acts, export_acts, export_pain, file_taking
from anhuan.channels.export_words import Exported
from anhuan.channels.file_export import NAME
from anhuan.channels.service import WORKER
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import jobs


def export_batch(
    party: UUID, *, now: datetime, initiator: str, form: str = export_pain.USUAL, day: date | None = None,
    own_bank: str = "", channel: str = NAME,
) -> tuple[Exported, ...]:  # fmt: skip
    """The files of everything that waits, one for each account that pays; raises NotExportable, and nothing has left.

    `form` is a version of pain.001 or the bank of a CSV layout, `own_bank` the bank that pays, by our id.
    """
    with _rows(party, now) as db:
        return export_acts.export_batch(
            db, party, form=form, initiator=initiator, now=now, day=day, own_bank=own_bank, channel=channel
        )


def export_again(party: UUID, message_id: str, *, now: datetime, channel: str = NAME) -> Exported:
    """A file that left before, byte for byte; raises NotExportable for one that did not."""
    with _rows(party, now) as db:
        return export_acts.export_again(db, party, message_id, channel=channel)


def exports(party: UUID, *, now: datetime, channel: str = NAME) -> list[export_acts.Left]:
    """The files that left, newest first."""
    with _rows(party, now) as db:
        return export_acts.exports(db, party, channel=channel)


def take_answers(party: UUID, content: bytes, *, now: datetime, channel: str = NAME) -> answers_acts.Taken:
    """What a pain.002 or camt file says of the party's exported payments; a damaged one raises, and nothing counts."""
    with _rows(party, now) as db:
        return answers_acts.take_answers(db, party, content, now=now, channel=channel)


def take_file(
    content: bytes, *, channel: str, kind: str, day: date, name: str, now: datetime, sha256: str = ""
) -> file_taking.Taken:
    """Keep and read one reconciliation file; a damaged one is told in `damaged`, and only its bytes are kept."""
    with jobs.transaction() as db:
        return file_taking.take_file(
            db, content, channel=channel, kind=kind, day=day, name=name, now=now, sha256=sha256
        )


@contextmanager
def _rows(party: UUID, now: datetime) -> Iterator[Session]:
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=WORKER, now=now)
        yield db
