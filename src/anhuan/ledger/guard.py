"""The guard of the books 账本防护: no login may change them, and the triggers against the owner stand."""

from collections.abc import Iterable
from typing import Any

import psycopg

from anhuan.ledger import store_guard


def complaints(logins: Iterable[psycopg.Connection[Any]]) -> list[str]:
    """What is wrong with the guard, as sentences; money may not move while this list is not empty."""
    said = []
    for login in logins:
        if found := store_guard.may_change(login):
            said.append(f"{login.info.user} could change {', '.join(found)}")
        if not said and (bare := store_guard.unguarded(login)):
            said.append(f"no trigger guards {', '.join(bare)}")
    return said
