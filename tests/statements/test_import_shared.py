"""The exports of others, where they lie beside the tree: read, stored once, stored again without change, taken back."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from tests.people import as_party
from tests.statements.world import NOW, state

from anhuan import statements
from anhuan.kit.ids import new_id
from anhuan.statements.changes import FileEffect, Upload
from anhuan.statements.service import lines, take_in, undo


@pytest.mark.scope("S0-10")
def test_exports_of_banks_and_wallets_are_stored_whole_and_once(db: Session, shared_data: Path) -> None:
    user = as_party(db, new_id())
    places = sorted((shared_data / "statements-cn").iterdir())
    files = [Upload(place.name, place.read_bytes()) for place in places if place.suffix in (".csv", ".xls")]
    shown, done = take_in(db, user, files, now=NOW)
    assert {each.effect for each in shown.files} == {FileEffect.NEW}
    assert done.lines == sum(len(each.rows) for each in shown.files)
    assert lines(db, user).total == done.lines
    before = state(db, user)
    _, again = take_in(db, user, files[::-1], now=NOW + timedelta(days=1))
    assert again.lines == 0
    assert state(db, user) == before
    assert statements.months(db, user).months
    undo(db, user, done.id, now=NOW)
    assert state(db, user)["lines"] == before["lines"]  # the later import named the same files
    undo(db, user, again.id, now=NOW)
    assert state(db, user)["lines"] == []
