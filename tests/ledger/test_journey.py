"""What the worker does for the ledger: overdue holds expire, months are open ahead, roots are signed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs
from tests.identity.desk import acting, at_desk
from tests.ledger.books import SUSPENSE, TRANSIT, Books, bank, take

from anhuan import ledger
from anhuan.identity import Role, desk_page
from anhuan.kit import audit, clock, ids, jobs, wall
from anhuan.kit import db as database
from anhuan.ledger import Kind, Line, checking, journey, pages_health

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


def test_the_worker_knows_the_four_tasks_of_the_ledger() -> None:
    crons = {name: task.cron for name, task in jobs.TASKS.items() if name.startswith("ledger.")}
    assert crons == {
        "ledger.root": "* * * * *", "ledger.sweep": "* * * * *", "ledger.months": "20 3 * * *",
        "ledger.verify": "40 18 * * *",
    }  # fmt: skip


def test_the_minutes_job_signs_what_moved(own_books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    person = own_books.people[0]
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    own_books.post(person, take(person, 9))
    journey.sign_root()
    journey.sign_root()
    assert own_books.verify().roots == 1
    journey.sweep()
    assert (TRANSIT.sub, SUSPENSE.sub) == ("simbank", "simbank")


def test_the_minutes_job_waits_until_a_clock_that_was_set_back_has_caught_up(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, true = own_books.people[0], clock.now
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    own_books.post(person, take(person, 9))
    monkeypatch.setattr(clock, "now", lambda: true() + timedelta(minutes=4, seconds=50))
    journey.sign_root()  # by a clock that ran ahead, as far as the database believes one
    own_books.post(person, take(person, 9))
    monkeypatch.setattr(clock, "now", lambda: true() + timedelta(hours=1))
    journey.sign_root()  # later than the database's own clock: no fault, it waits
    assert own_books.verify().roots == 1
    monkeypatch.setattr(clock, "now", true)
    journey.sign_root()
    assert own_books.verify().roots == 2
    assert own_books.kinds() == set()


def checks(books: Books) -> list[tuple[int, int, str]]:
    """What the audit log says of the checks so far: from which root, how many findings, who."""
    with database.sessions("audit").begin() as db:
        found = [(one.facts, one.actor["kind"]) for one in reversed(audit.page_of(db, act="ledger.verified"))]
    return [(int(facts["from_root"]), int(facts["findings"]), str(kind)) for facts, kind in found]


def notices_of(*roles: Role) -> list[desk_page.Notice]:
    """What the books tell an operator with these roles on the desk's first page."""
    who = acting(ids.new_id(), *roles)
    with at_desk(who) as db:
        return pages_health.notices(db, who, clock.now(), clock.today())


def test_each_night_the_books_are_checked_from_the_newest_root_and_whole_each_week(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    own_books.post(own_books.people[0], take(own_books.people[0], 9))
    journey.check_books()  # before anything was signed: whole
    own_books.sign()
    journey.check_books()
    journey.check_books()
    assert checks(own_books) == [(0, 0, "worker"), (1, 0, "worker"), (1, 0, "worker")]
    monkeypatch.setattr(checking, "WEEK", timedelta())
    journey.check_books()
    assert checks(own_books)[-1] == (0, 0, "worker")


def test_a_tampered_copy_is_told_each_night_at_the_desk_until_it_is_put_right(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    own_books.post(own_books.people[0], take(own_books.people[0], 9))
    own_books.sign()
    journey.check_books()
    assert notices_of(Role.RISK) == []
    own_books.sql("UPDATE ledger.posting SET amount = amount + 1")
    journey.check_books()  # from the root on: what came before it is trusted, until a whole check comes
    assert checks(own_books)[-1] == (1, 0, "worker")
    monkeypatch.setattr(checking, "WEEK", timedelta())
    with capture_logs() as said:
        journey.check_books()
    assert [one["log_level"] for one in said if one["event"] == "the books are not whole"] == ["error"]
    monkeypatch.undo()
    monkeypatch.setenv("ANHUAN_HOME", str(own_books.home))
    journey.check_books()
    (*_, first, second) = checks(own_books)
    assert first == second
    assert (first[0], first[1] > 0) == (0, True)
    (notice,) = notices_of(Role.RISK)
    assert (notice.tone, notice.href) == ("late", "/desk/ledger/health")
    assert notice.en == f"the books were checked: {first[1]} findings"
    assert notices_of(Role.CONTENT) == []
    own_books.sql("UPDATE ledger.posting SET amount = amount - 1")
    journey.check_books()
    assert checks(own_books)[-1] == (0, 0, "worker")
    assert notices_of(Role.RISK) == []


def test_without_a_login_of_the_auditor_the_night_says_so_once_and_does_nothing(
    own_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = database.sessions

    def sessions(login: str = "app") -> sessionmaker[Session]:
        if login == "audit":
            raise database.NoLogin("ANHUAN_AUDIT_URL is not set", field="ANHUAN_AUDIT_URL")
        return true(login)

    journey._say_once.cache_clear()
    with monkeypatch.context() as without, capture_logs() as said:
        without.setattr(database, "sessions", sessions)
        journey.check_books()
        journey.check_books()
    assert [one["why"] for one in said] == ["ANHUAN_AUDIT_URL is not set"]
    assert checks(own_books) == []
