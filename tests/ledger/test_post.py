"""Posting: one call, one batch; the acts of the front door; what the chart allows; months, ids and lanes."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import ledger
from anhuan.kit import ids
from anhuan.ledger import AccountKind, AccountName, Code, Kind, Line, Result
from anhuan.ledger.rules import CHART, book_of

SQL = Path(__file__).resolve().parents[2] / "migrations" / "ledger"
TRACKED = "CNY/tracked"
TRANSIT = AccountName(TRACKED, AccountKind.TRANSIT, None, "simbank")


def bank(owner: UUID) -> AccountName:
    """The person's own account."""
    return AccountName(TRACKED, AccountKind.BANK, owner, "debit")


def card(owner: UUID) -> AccountName:
    """The person's own card."""
    return AccountName(TRACKED, AccountKind.CARD, owner, "cmb")


def take(owner: UUID, amount: int, *, id: UUID | None = None) -> Line:
    """A repayment taken from the bank."""
    return Line(Kind.POST, id=id or ids.new_id(), src=bank(owner), dst=TRANSIT, amount=amount, code=Code.REPAY_TAKEN)


def posted(db: Session, name: AccountName) -> int:
    """The balance of an account that the transaction may see."""
    found = ledger.balance(db, name)
    return 0 if found is None else found.posted


def test_a_repayment_is_held_taken_and_arrives(db: Session, user_id: UUID) -> None:
    order = ids.new_id()
    ledger.hold(db, id=ids.derive(order, "take"), src=bank(user_id), dst=TRANSIT, amount=50000, code=Code.REPAY_TAKEN,
                ref=order)  # fmt: skip
    before = ledger.balance(db, bank(user_id))
    assert before is not None
    assert (before.posted, before.held, before.available) == (0, 50000, -50000)
    ledger.capture(db, ids.derive(order, "take"))
    ledger.transfer(db, id=ids.derive(order, "arrive"), src=TRANSIT, dst=card(user_id), amount=50000,
                    code=Code.REPAY_ARRIVED, ref=order)  # fmt: skip
    assert (posted(db, bank(user_id)), posted(db, card(user_id))) == (-50000, 50000)
    assert [(one.delta, one.balance, one.kind, one.ref) for one in ledger.entries(db, bank(user_id), at_most=9)] == [
        (0, 0, Kind.HOLD, order), (-50000, -50000, Kind.CAPTURE, order),
    ]  # fmt: skip


def test_the_same_id_does_it_once_and_another_body_is_refused(db: Session, user_id: UUID) -> None:
    line = take(user_id, 700)
    assert ledger.post(db, [line, line, take(user_id, 700)]).codes == (Result.OK, Result.EXISTS, Result.OK)
    assert ledger.post(db, [line]).codes == (Result.EXISTS,)
    with pytest.raises(ledger.IdReused):
        ledger.post(db, [take(user_id, 701, id=line.id)]).insist()
    assert posted(db, bank(user_id)) == -1400


def test_a_hold_is_resolved_once_by_the_key_itself(db: Session, user_id: UUID) -> None:
    hold = ids.new_id()
    ledger.hold(db, id=hold, src=bank(user_id), dst=TRANSIT, amount=100, code=Code.REPAY_TAKEN)
    with pytest.raises(ledger.OverHold):
        ledger.capture(db, hold, 101)
    assert ledger.capture(db, hold, 60) is Result.OK
    assert ledger.capture(db, hold, 60) is Result.EXISTS
    with pytest.raises(ledger.AlreadyResolved):
        ledger.void(db, hold)
    after = ledger.balance(db, bank(user_id))
    assert after is not None
    assert (after.posted, after.held) == (-60, 0)


def test_a_hold_that_a_channel_may_have_seen_never_expires(db: Session, user_id: UUID) -> None:
    hold = ids.new_id()
    ledger.hold(db, id=hold, src=bank(user_id), dst=TRANSIT, amount=100, code=Code.REPAY_TAKEN)
    with pytest.raises(ledger.BadLine, match="never_expires"):
        ledger.expire(db, hold)


def test_a_reversal_is_the_whole_mirror_once_and_can_itself_be_reversed(db: Session, user_id: UUID) -> None:
    line = take(user_id, 300)
    ledger.post(db, [line]).insist()
    assert line.id is not None
    assert ledger.reverse(db, line.id) is Result.OK
    assert posted(db, bank(user_id)) == 0
    assert ledger.reverse(db, line.id) is Result.EXISTS
    assert ledger.reverse(db, ids.derive(line.id, "reverse")) is Result.OK
    assert posted(db, bank(user_id)) == -300


def test_no_line_passes_a_floor_even_inside_a_batch(db: Session, user_id: UUID) -> None:
    quota = AccountName("quota", AccountKind.QUOTA, user_id, "2026-11")
    source = AccountName("quota", AccountKind.QUOTA_SOURCE)
    used = AccountName("quota", AccountKind.QUOTA_USED)
    ledger.open_account(db, quota, floor=0, ceil=None, decision_id=ids.new_id(), approver=ids.new_id())
    grant = Line(Kind.POST, id=ids.new_id(), src=source, dst=quota, amount=500000, code=Code.QUOTA_GRANTED)
    spend = [Line(Kind.POST, id=ids.new_id(), src=quota, dst=used, amount=amount, code=Code.QUOTA_SPENT)
             for amount in (300000, 200001, 200000)]  # fmt: skip
    assert ledger.post(db, [spend[0], grant, *spend[1:]]).codes == (
        Result.BELOW_FLOOR, Result.OK, Result.OK, Result.OK,
    )  # fmt: skip
    assert ledger.post(db, [spend[0]]).codes == (Result.BELOW_FLOOR,)
    with pytest.raises(ledger.BelowFloor):
        ledger.post(db, [spend[0]]).insist()
    assert posted(db, quota) == 99999


def test_a_group_stands_or_falls_together(db: Session, user_id: UUID) -> None:
    group = ids.new_id()
    lines = [take(user_id, amount) for amount in (100, 0, 100)]
    grouped = [Line(Kind.POST, id=one.id, src=one.src, dst=one.dst, amount=one.amount, code=one.code, group=group)
               for one in lines]  # fmt: skip
    assert ledger.post(db, [take(user_id, 5), *grouped]).codes == (
        Result.OK, Result.LINKED, Result.BAD_AMOUNT, Result.LINKED,
    )  # fmt: skip
    assert posted(db, bank(user_id)) == -5


def test_a_limit_may_fall_below_what_is_drawn_and_then_nothing_more_goes_out(db: Session, user_id: UUID) -> None:
    ledger.post(db, [take(user_id, 800)]).insist()
    bounds = {"reason": "limit cut", "decision_id": ids.new_id(), "approver": ids.new_id()}
    ledger.set_bounds(db, bank(user_id), floor=-500, ceil=None, **bounds)  # type: ignore[arg-type]
    state = ledger.balance(db, bank(user_id))
    assert state is not None
    assert state.over
    with pytest.raises(ledger.BelowFloor):
        ledger.post(db, [take(user_id, 1)]).insist()
    ledger.transfer(db, id=ids.new_id(), src=TRANSIT, dst=bank(user_id), amount=300, code=Code.REPAY_GIVEN_BACK)
    state = ledger.balance(db, bank(user_id))
    assert state is not None
    assert not state.over


def test_a_frozen_side_refuses(db: Session, user_id: UUID) -> None:
    ledger.post(db, [take(user_id, 1)]).insist()
    ledger.set_bounds(db, bank(user_id), floor=None, ceil=None, frozen_out=True, reason="court order",
                      decision_id=ids.new_id(), approver=ids.new_id())  # fmt: skip
    with pytest.raises(ledger.FrozenAccount):
        ledger.post(db, [take(user_id, 1)]).insist()


@pytest.mark.scope("S0-39")
def test_nobody_posts_on_the_accounts_of_a_party_that_is_not_open(db: Session, user_id: UUID) -> None:
    stranger = ids.new_id()
    assert ledger.post(db, [take(stranger, 100)]).codes == (Result.BEHIND_THE_WALL,)
    db.info.clear()  # as in a new transaction
    ledger.post(db, [mine := take(user_id, 100)]).insist()
    as_party(db, stranger)
    db.info.clear()
    assert ledger.balance(db, bank(user_id)) is None
    assert ledger.entries(db, bank(user_id), at_most=9) == []
    assert mine.id is not None
    with pytest.raises(ledger.NoSuchHold):
        ledger.reverse(db, mine.id)
    with pytest.raises(ledger.BadLine):
        ledger.set_bounds(db, bank(user_id), floor=0, ceil=None, reason="x", decision_id=stranger, approver=stranger)


def test_lines_outside_the_chart_are_no_lines(db: Session, user_id: UUID) -> None:
    with pytest.raises(ledger.BadLine, match="lane"):
        ledger.transfer(db, id=ids.new_id(), amount=1, code=Code.SERVICE_FEE,
                        src=AccountName("CNY/house", AccountKind.CHANNEL_DUE, None, "c"),
                        dst=AccountName("CNY/house", AccountKind.FEE_INCOME))  # fmt: skip
    for wrong in (
        Line(Kind.POST, id=ids.new_id(), src=card(user_id), dst=bank(user_id), amount=1, code=Code.REPAY_TAKEN),
        Line(Kind.POST, id=ids.new_id(), src=bank(user_id), dst=TRANSIT, amount=1, code=999),
        Line(Kind.POST, id=ids.new_id(), src=bank(user_id), dst=TRANSIT, amount=1),
        Line(Kind.CAPTURE, id=ids.new_id()),
        Line(Kind.POST, src=bank(user_id), dst=TRANSIT, amount=1, code=Code.REPAY_TAKEN),
    ):
        with pytest.raises(ledger.BadLine):
            ledger.post(db, [wrong])
    with pytest.raises(ledger.BadLine, match="1,000"):
        ledger.post(db, [take(user_id, 1)] * 1001)


def test_a_second_lane_in_one_transaction_is_refused(own_database: Engine) -> None:
    with Session(own_database) as db, db.begin():
        first = ids.new_id()
        as_party(db, first)
        ledger.post(db, [take(first, 1)]).insist()
        here = ledger.lane_of(db, first)
        with pytest.raises(ledger.BadLine, match="lane"):
            ledger.post(db, [Line(Kind.VOID, parent=ids.new_id())], shard=(here + 1) % 16)
    with Session(own_database) as db, db.begin():
        as_party(db, first)
        ledger.post(db, [Line(Kind.VOID, parent=ids.new_id())], shard=(here + 1) % 16)


def test_the_chart_keeps_every_book_to_itself_and_pools_nothing() -> None:
    assert set(CHART) == set(Code)
    ways = {(way.book, way.src, way.dst) for way in CHART.values()}
    assert len({(way.book, way.src, way.dst, code) for code, way in CHART.items()}) == len(CHART)
    tracked = {kind for book, *kinds in ways if book is ledger.Book.TRACKED for kind in kinds}
    others = {kind for book, *kinds in ways if book is not ledger.Book.TRACKED for kind in kinds}
    assert tracked & others == set(), "a kind of the user's own money stands in no other book"
    assert [code for code, way in CHART.items() if way.src is AccountKind.CARD] == [], "nothing is taken from a card"
    assert book_of("CNY/credit/0190") is ledger.Book.CREDIT


@pytest.mark.scope("S2-24")
def test_no_stored_value_without_licence_custody_bank_and_two_approvers(own_database: Engine, db: Session) -> None:
    wallet = AccountName("CNY/custody", AccountKind.WALLET, ids.LOCAL_USER)
    pool = AccountName("CNY/custody", AccountKind.CUSTODY_BANK)
    with pytest.raises(DBAPIError, match="no unit"):
        ledger.transfer(db, id=ids.new_id(), src=pool, dst=wallet, amount=1, code=Code.CUSTODY_PAID_IN)
    with own_database.begin() as app, pytest.raises(DBAPIError, match="permission denied"):
        app.execute(text("INSERT INTO ledger.unit (code, book, scale) VALUES ('CNY/custody', 'custody', 2)"))
    with own_database.begin() as app, pytest.raises(DBAPIError, match="another one"):
        app.execute(text("SELECT ledger.open_unit('CNY/house', 2::smallint, NULL)"))


def test_an_id_far_ahead_or_of_a_month_long_gone_is_out_of_the_window(db: Session, user_id: UUID) -> None:
    early, late = UUID(int=1 << 80 | 7 << 76 | 2 << 62), at_moment(datetime.now(UTC) + timedelta(hours=25))
    assert ledger.post(db, [take(user_id, 1, id=early), take(user_id, 1, id=late)]).codes == (
        Result.ID_OUT_OF_WINDOW, Result.ID_OUT_OF_WINDOW,
    )  # fmt: skip
    soon = at_moment(datetime.now(UTC) + timedelta(hours=23))
    assert ledger.post(db, [take(user_id, 1, id=soon)]).codes == (Result.OK,)


def test_months_open_to_the_one_asked_for_without_a_gap(own_database: Engine) -> None:
    with own_database.begin() as app:
        last = app.scalar(text("SELECT max(month) FROM ledger.month"))
        assert app.scalar(text("SELECT ledger.open_month(CAST(:day AS date) + 70)"), {"day": last}) in (2, 3)
        assert app.scalar(text("SELECT ledger.open_month(CAST(:day AS date) + 70)"), {"day": last}) == 0
        gaps = "SELECT count(*) FROM (SELECT from_id, lag(to_id) OVER (ORDER BY month) AS before FROM ledger.month) m"
        assert app.scalar(text(f"{gaps} WHERE before IS NOT NULL AND before <> from_id")) == 0
        span = app.execute(text("SELECT from_id, to_id FROM ledger.span")).one()
        ends = app.execute(text("SELECT min(from_id::text)::uuid, max(to_id::text)::uuid FROM ledger.month")).one()
        assert span == ends
    with own_database.begin() as app, pytest.raises(DBAPIError, match="year ahead"):
        app.execute(text("SELECT ledger.open_month(current_date + 500)"))


@given(st.uuids(), st.text(max_size=40).filter(lambda step: "\x00" not in step))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_derived_ids_have_version_8_and_the_moment_of_their_parent(parent: UUID, step: str) -> None:
    made = ids.derive(parent, step)
    assert made.bytes[:6] == parent.bytes[:6]
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    digest = hashlib.sha256(parent.bytes + step.encode()).digest()
    assert made.bytes[7] == digest[1]
    assert made.bytes[9:] == digest[3:10]


def test_the_database_derives_the_same_ids(db: Session) -> None:
    asked = text("SELECT ledger.derive(:parent, :step)")
    for step in ("take", "resolve", "reverse", "", "到账", "x" * 300):
        for _ in range(10):
            parent = ids.new_id()
            assert db.scalar(asked, {"parent": parent, "step": step.encode()}) == ids.derive(parent, step)


def test_the_functions_that_are_installed_are_the_files(db: Session) -> None:
    asked = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace"
    installed = {name: body.strip() for name, body in db.execute(text(asked))}
    written = {}
    for file in sorted(SQL.glob("*.sql")):
        for name, body in re.findall(r"FUNCTION ledger\.(\w+)\(.*?\$\$(.*?)\$\$", file.read_text(), re.DOTALL):
            written[name] = body.strip()
    assert {"post", "row_bytes", "derive", "open_month"} <= set(written)
    assert {name: body for name, body in installed.items() if name in written} == written


def at_moment(moment: datetime) -> UUID:
    """An id of another moment."""
    fresh = ids.new_id()
    return UUID(int=int(moment.timestamp() * 1000) << 80 | fresh.int & (1 << 80) - 1)
