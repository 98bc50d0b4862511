"""The audit log from the writer's side."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)


def lin() -> Actor:
    return Actor(ActorKind.PERSON, person_id=ids.new_id(), party_id=ids.new_id(), strength=Strength.PASSKEY)


@pytest.mark.scope("S1-32", "S2-13")
def test_a_record_is_written_in_the_callers_transaction_and_numbered(db: Session) -> None:
    actor = lin()
    first = audit.write(db, actor, "session.signed_in", f"person:{actor.person_id}", {"way": "passkey"}, now=NOW)
    second = audit.write(db, actor, "session.signed_out", f"person:{actor.person_id}", now=NOW)
    assert second == first + 1
