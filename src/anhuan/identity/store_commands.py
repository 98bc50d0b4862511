"""What the command line asks of the database before it knows whom it acts for."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_INHABITANTS = text("SELECT * FROM anhuan_inhabitants()")


class Inhabitants(NamedTuple):
    """What kind of installation this is (None: not said yet), how many people it knows (2: or more), the only one."""

    mode: str | None
    people: int
    only_one: UUID | None


def inhabitants(db: Session) -> Inhabitants:
    """Who lives here, as far as a command may know."""
    return Inhabitants(*db.execute(_INHABITANTS).one())
