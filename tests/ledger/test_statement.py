"""Statements: opening, entries and closing of any period add up, tie to a signed root, and show nobody else's rows."""

import csv
import io
import json
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.ledger.books import TRACKED, TRANSIT, Books, arrive, bank, take

from anhuan import ledger
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database
from anhuan.ledger import AccountKind, statement, statement_print, store_statement
from anhuan.ledger.statement import Period, Statement

WHOLE = Period(clock.now() - timedelta(days=1), clock.now() + timedelta(days=1))


def own(person: UUID, period: Period = WHOLE) -> Statement:
    """The person's statement, through the web's login behind the wall."""
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        return statement.of_owner(db, person, period, now=clock.now())


@pytest.mark.scope("S2-36")
def test_a_persons_statement_adds_up_and_names_the_root_that_covers_it(books: Books) -> None:
    person = books.people[0]
    early = own(person)
    assert (early.root, early.root_covers) == (1, False)  # half of it is younger than the root
    root = books.sign()
    assert root is not None
    made = own(person)
    assert (made.root, made.root_hash, made.root_covers) == (2, root.hash, True)
    card, account = sorted(made.accounts, key=lambda one: -one.face.kind)
    assert (account.face.kind, account.opening, account.closing) == (AccountKind.BANK, 0, -2 * (1000 + 400 + 150))
    assert (card.opening, card.closing, card.came_in, card.went_out) == (0, 2 * 1400, 4800, 2000)
    assert [line.seq for line in account.lines] == list(range(1, len(account.lines) + 1))
    text = statement_print.as_text(made, "en")
    assert f"signed root 2, {root.hash[:16]}, which covers every entry above" in text
    assert "31.00" in text  # what was given stands negative in the books, and is shown turned
    assert "签名根第 2 号" in statement_print.as_text(made, "zh")


def test_any_cut_of_the_time_adds_up_with_the_next(books: Books) -> None:
    person = books.people[1]
    moments = sorted({line.ts for part in own(person).accounts for line in part.lines})
    whole = {part.face.account: part.lines for part in own(person).accounts}
    for cut in (*moments[::3], moments[0] - timedelta(microseconds=1), moments[-1] + timedelta(microseconds=1)):
        before, after = own(person, Period(WHOLE.since, cut)), own(person, Period(cut, WHOLE.until))
        earlier = {part.face.account: part for part in before.accounts}  # those opened by then
        for second in after.accounts:
            first = earlier.get(second.face.account)
            assert second.opening == (0 if first is None else first.closing)
            assert (*(first.lines if first else ()), *second.lines) == whole[second.face.account]
            assert first is None or all(line.ts < cut for line in first.lines)


def test_nobody_sees_anothers_account(books: Books) -> None:
    mine, other, _ = books.people
    with database.transaction() as db:
        wall.enter(db, party=mine, person=mine)
        assert statement.of_owner(db, other, WHOLE, now=clock.now()).accounts == ()
        theirs = books.sql("SELECT id FROM ledger.account WHERE owner = %s LIMIT 1", other)[0]
        with pytest.raises(statement.NoSuchAccount):
            statement.of_account(db, 3, theirs, WHOLE, now=clock.now())


@pytest.mark.scope("S2-36", "S0-39")
def test_the_houses_statement_comes_to_zero_shard_by_shard(books: Books) -> None:
    with database.sessions("audit").begin() as db:
        made = statement.of_house(db, TRACKED, WHOLE, now=clock.now())
        assert [(one.shard, one.accounts, one.total) for one in made.sums] == [(3, 5, 0), (7, 3, 0)]
        assert {part.face.kind for part in made.accounts} == {AccountKind.TRANSIT}
        middle = made.accounts[0].lines[7].ts
        cut = statement.of_house(db, TRACKED, Period(WHOLE.since, middle), now=clock.now())
        assert all(one.total == 0 for one in cut.sums)
        with pytest.raises(statement.NoSuchAccount):
            statement.of_house(db, "CNY/elsewhere", WHOLE, now=clock.now())
    text = statement_print.as_text(made, "en")
    assert "the 5 accounts of CNY/tracked in shard 3 come to 0" in text
    assert "accounts of the house" in text


def test_a_statement_that_does_not_add_up_is_not_handed_out(books: Books) -> None:
    person = books.people[2]
    books.sql("UPDATE ledger.posting SET amount = amount + 1 WHERE shard = 7 AND batch_no = 2 AND kind = 3")
    with pytest.raises(statement.DoesNotAddUp):
        own(person)
    with pytest.raises(statement.BadPeriod):
        own(person, Period(WHOLE.until, WHOLE.since))
    with pytest.raises(statement.BadPeriod):
        statement.days(date(2026, 11, 2), date(2026, 11, 1))


def test_bank_days_are_days_of_beijing() -> None:
    period = statement.days(date(2026, 11, 1), date(2026, 11, 30))
    assert (period.since.isoformat(), period.until.isoformat()) == (
        "2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00",
    )  # fmt: skip


def test_the_three_forms_say_the_same(books: Books) -> None:
    made = own(books.people[0])
    rows = list(csv.DictReader(io.StringIO(statement_print.as_csv(made, "en").decode("utf-8-sig"))))
    said = json.loads(statement_print.as_json(made))
    assert rows[-1]["account"] == "root"
    for part, told in zip(made.accounts, said["accounts"], strict=True):
        own_rows = [row for row in rows if row["account"] == f"{part.face.shard}/{part.face.account}"]
        assert [row["act"] for row in own_rows[:1] + own_rows[-1:]] == ["opening", "closing"]
        sign = -1 if part.turned else 1
        cells = [round(float(row["balance"]) * 100) * sign for row in own_rows]
        assert cells == [part.opening, *(line.balance for line in part.lines), part.closing]
        assert [entry["balance"] for entry in told["entries"]] == [line.balance for line in part.lines]
        assert (told["opening"], told["closing"]) == (part.opening, part.closing)
    assert said["root"]["no"] == 1


def test_amounts_are_written_as_people_do() -> None:
    assert [statement_print.amount(*one) for one in ((123456, 2), (-5, 2), (1234, 0), (0, 2))] == [
        "1,234.56", "-0.05", "1,234", "0.00",
    ]  # fmt: skip


def test_as_of_agrees_with_the_database_at_every_moment(db: Session, user_id: UUID) -> None:
    """The statement's halving in Python and `ledger.as_of` in SQL, on both sides of each entry."""
    for amount in (5, 7, 11):
        ledger.post(db, [take(user_id, amount), arrive(user_id, 2)]).insist()
    (face, _) = sorted(store_statement.accounts_of(db, user_id), key=lambda one: one.kind)
    moments = [line.ts for line in store_statement.lines(db, face, after=0, through=face.seq)]
    assert len(moments) == 3
    for moment in moments:
        for at in (moment - timedelta(microseconds=1), moment, moment + timedelta(microseconds=1)):
            ((_, here),) = statement.balances_at(db, [face], at)
            assert here == ledger.as_of(db, bank(user_id), at)
    assert ids.derive(user_id, "x") != user_id
    assert TRANSIT.owner is None


def test_entries_come_page_by_page(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = own(books.people[0])
    monkeypatch.setattr(store_statement, "PAGE", 2)
    monkeypatch.setattr(statement, "PAGE", 1)
    assert own(books.people[0]).accounts == whole.accounts
    with database.sessions("audit").begin() as db:
        assert len(statement.of_house(db, TRACKED, WHOLE, now=clock.now()).accounts) == 2
