"""What the worker does for the ledger: overdue holds expire, months are open ahead, roots are signed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.ledger.books import SUSPENSE, TRANSIT, Books, bank, take

from anhuan import ledger
from anhuan.kit import clock, ids, jobs, wall
from anhuan.kit import db as database
from anhuan.ledger import Kind, Line, journey

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_overdue_holds_expire_once_in_every_lane_and_others_stay(own_books: Books) -> None:
    for person in own_books.people:
        for hours in (-2, -1, 1, None):
            until = None if hours is None else NOW + timedelta(hours=hours)
            own_books.post(person, take(person, 100, kind=Kind.HOLD, expires_at=until))
    assert journey.sweep_all(NOW - timedelta(hours=3)) == 0
    assert journey.sweep_all(NOW) == 4
    assert journey.sweep_all(NOW) == 0
    for person in own_books.people:
        with database.transaction() as db:
            wall.enter(db, party=person, person=person)
            found = ledger.balance(db, bank(person))
            assert found is not None
            assert (found.posted, found.held) == (0, 200)
    assert own_books.kinds() == set()


def test_a_hold_taken_before_the_sweeper_came_does_not_stop_it(own_books: Books) -> None:
    person = own_books.people[0]
    taken, left = ids.new_id(), ids.new_id()
    own_books.post(person, *(take(person, 9, id=one, kind=Kind.HOLD, expires_at=NOW) for one in (taken, left)))
    own_books.post(person, Line(Kind.CAPTURE, parent=taken))
    assert journey.sweep_all(NOW) == 1


def test_many_overdue_holds_expire_in_batches(own_books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    person = own_books.people[0]
    monkeypatch.setattr(journey, "LINES", 3)
    own_books.post(person, *(take(person, 9, kind=Kind.HOLD, expires_at=NOW) for _ in range(7)))
    assert journey.sweep_all(NOW) == 7


def test_months_are_open_three_months_ahead_and_once(own_books: Books) -> None:
    def months() -> list[date]:
        return [row[0] for row in own_books.admin.execute("SELECT month FROM ledger.month ORDER BY 1").fetchall()]

    journey.open_months()
    before = months()
    ahead = journey.months_later(clock.today(), journey.MONTHS_AHEAD)
    assert ahead in before
    assert before == [journey.months_later(before[0], at) for at in range(len(before))]  # without a gap
    journey.open_months()
    assert months() == before


def test_months_are_counted_over_the_end_of_the_year() -> None:
    assert journey.months_later(date(2026, 11, 22), 3) == date(2027, 2, 1)
    assert journey.months_later(date(2026, 12, 31), 0) == date(2026, 12, 1)
    assert journey.months_later(date(2026, 12, 31), 1) == date(2027, 1, 1)


def test_the_worker_knows_the_three_tasks_of_the_ledger() -> None:
    crons = {name: task.cron for name, task in jobs.TASKS.items() if name.startswith("ledger.")}
    assert crons == {"ledger.root": "* * * * *", "ledger.sweep": "* * * * *", "ledger.months": "20 3 * * *"}


def test_the_minutes_job_signs_what_moved(own_books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    person = own_books.people[0]
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    own_books.post(person, take(person, 9))
    journey.sign_root()
    journey.sign_root()
    assert own_books.verify().roots == 1
    journey.sweep()
    assert (TRANSIT.sub, SUSPENSE.sub) == ("simbank", "simbank")
