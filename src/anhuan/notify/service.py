"""The acts of notify."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session


def tell(
    db: Session, party: UUID, kind: str, *, key: str, facts: Mapping[str, str | int | None], now: datetime,
    link: str = "", urgent: bool = False,
) -> bool:  # fmt: skip
    """Keep one message for a party and promise its sending; the same kind and key twice is one. Tells whether new.

    `kind` names its sentences in `notify/texts/*.toml`; `facts` fill them. An urgent one does not wait for the morning.
    """
    return False
