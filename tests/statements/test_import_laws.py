"""Laws of the intake, for any exports and bills: nothing lost, nothing doubled, every step can be taken back."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.people import as_party
from tests.statements.world import NOW, bill, export, line, owed, paid, read, state, take, wallet

from anhuan.kit.ids import new_id
from anhuan.statements import service
from anhuan.statements.changes import FileEffect
from anhuan.statements.model import Line, LineKind, Reading

few = settings(max_examples=8, deadline=timedelta(seconds=20), suppress_health_check=list(HealthCheck))

RIDES = st.lists(
    st.builds(line, st.integers(1, 4), st.sampled_from([200, 300]), st.sampled_from(["地铁", "支付宝-某某餐厅"])),
    min_size=1, max_size=12,
)  # fmt: skip
PAID = st.lists(st.builds(paid, st.integers(1, 4), st.sampled_from([200, 300])), max_size=6)


def by_days(rows: Sequence[Line], first: int, last: int) -> Reading:
    """The export of these days, whole days as banks export them."""
    return export(*(each for each in rows if each.posted_on and first <= each.posted_on.day <= last))


@pytest.mark.scope("S0-10")
@few
@given(rows=RIDES, periods=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4))
def test_any_overlapping_exports_in_any_order_give_the_rows_of_one_long_export(
    db: Session, rows: list[Line], periods: list[tuple[int, int]]
) -> None:
    user, other = new_id(), new_id()
    covered = {day for a, b in periods for day in range(min(a, b), max(a, b) + 1)}
    for a, b in periods:
        take(db, user, by_days(rows, min(a, b), max(a, b)))
    take(db, other, export(*(each for each in rows if each.posted_on and each.posted_on.day in covered)))
    assert counted(db, user) == counted(db, other)


@few
@given(rows=RIDES, wallet_rows=PAID, turn=st.booleans())
def test_links_do_not_depend_on_which_file_came_first(
    db: Session, rows: list[Line], wallet_rows: list[Line], turn: bool
) -> None:
    user, other = new_id(), new_id()
    readings = [export(*rows), wallet(*wallet_rows), bill(500, *rows)]
    for reading in readings[::-1] if turn else readings[1:] + readings[:1]:
        take(db, user, reading)
    take(db, other, *readings)
    assert linked(db, user) == linked(db, other)


@few
@given(first=RIDES, second=RIDES, wallet_rows=PAID, total=st.sampled_from([400, 500]))
def test_taking_a_batch_back_restores_exactly_what_was_before(
    db: Session, first: list[Line], second: list[Line], wallet_rows: list[Line], total: int
) -> None:
    user = new_id()
    take(db, user, export(*first), bill(400, *first))
    before = state(db, user)
    done = take(db, user, export(*second), wallet(*wallet_rows), bill(total, *second))
    service.undo(db, user, done.id, now=NOW)
    assert state(db, user) == before
    assert owed(db, user) == [400]


@few
@given(first=RIDES, second=RIDES, wallet_rows=PAID)
def test_batches_taken_back_in_any_order_leave_what_the_others_show(
    db: Session, first: list[Line], second: list[Line], wallet_rows: list[Line]
) -> None:
    user, other = new_id(), new_id()
    gone = take(db, user, export(*first), wallet(*wallet_rows))
    take(db, user, export(*second), bill(400, *second), name="later")  # other bytes: a known file is no second import
    service.undo(db, user, gone.id, now=NOW)
    take(db, other, export(*second), bill(400, *second), name="later")
    assert state(db, user) == state(db, other)


@few
@given(rows=RIDES, wallet_rows=PAID)
def test_importing_twice_changes_nothing(db: Session, rows: list[Line], wallet_rows: list[Line]) -> None:
    user = as_party(db, new_id())
    files = [read(export(*rows), "a"), read(wallet(*wallet_rows), "b"), read(bill(400, *rows), "c")]
    service.take_in_read(db, user, files, now=NOW)
    before = state(db, user)
    shown, done = service.take_in_read(db, user, files, now=NOW)
    assert {each.effect for each in shown.files} == {FileEffect.KNOWN}
    assert (done.files, done.lines) == (0, 0)
    assert state(db, user) == before


@few
@given(known=RIDES, rows=RIDES, wallet_rows=PAID, total=st.sampled_from([400, 500]))
def test_the_commit_does_exactly_what_the_preview_showed(
    db: Session, known: list[Line], rows: list[Line], wallet_rows: list[Line], total: int
) -> None:
    user = new_id()
    take(db, user, export(*known), bill(400, *known))
    lines_before, links_before = ids_of(db, user, "lines"), ids_of(db, user, "links")
    files = [read(export(*rows), "x"), read(wallet(*wallet_rows), "y"), read(bill(total, *rows), "z")]
    shown = service.preview_of(db, user, files, now=NOW)
    assert ids_of(db, user, "lines") == lines_before
    done = service.commit(db, user, shown.id, now=NOW)
    new = {row.line_id for file in shown.files for row in file.rows if row.new}
    assert ids_of(db, user, "lines") == lines_before | new
    assert ids_of(db, user, "links") == (links_before | {link.id for link in shown.links}) - set(shown.unlinked)
    assert (done.lines, done.links) == (len(new), len(shown.links))


@few
@given(rows=RIDES, corrected=RIDES)
def test_a_line_stands_exactly_while_a_standing_file_shows_it(
    db: Session, rows: list[Line], corrected: list[Line]
) -> None:
    user = new_id()
    take(db, user, bill(400, *rows))
    take(db, user, bill(500, *corrected))
    wrong = db.scalar(
        text(
            "select count(*) from statement_lines l where l.user_id = :u and l.standing is distinct from exists"
            " (select from statement_sightings s where s.user_id = :u and s.line_id = l.id and s.standing)"
        ),
        {"u": user},
    )
    orphans = db.scalar(
        text(
            "select count(*) from statement_sightings s where s.user_id = :u and not exists"
            " (select from statement_lines l where l.user_id = :u and l.id = s.line_id)"
        ),
        {"u": user},
    )
    assert (wrong, orphans) == (0, 0)
    assert counted(db, user) == Counter((each.posted_on, each.amount, each.description) for each in corrected)


def test_a_repayment_is_never_spending_nor_income(db: Session, user_id: UUID) -> None:
    from anhuan import statements

    repaid = line(3, -900, "还款", kind=LineKind.REPAYMENT)
    moved = line(4, 900, "转账", kind=LineKind.TRANSFER)
    take(db, user_id, export(repaid, moved))
    assert statements.months(db, user_id).months == ()


def counted(db: Session, user: UUID) -> Counter[tuple[object, ...]]:
    """The standing lines by day, amount and words."""
    as_party(db, user)
    found = service.lines(db, user, at_most=500).lines
    return Counter((each.posted_on, each.amount, each.description) for each in found)


def linked(db: Session, user: UUID) -> list[tuple[object, ...]]:
    """The links by what they say."""
    return state(db, user)["links"]


def ids_of(db: Session, user: UUID, what: str) -> set[UUID]:
    """The ids of all rows of one of our tables."""
    return set(db.scalars(text(f"select id from statement_{what} where user_id = :u"), {"u": user}))
