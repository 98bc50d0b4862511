"""The acts of the intake on a real database: preview, commit, undo, and the questions asked afterwards."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.people import as_party
from tests.statements.world import NOW, bill, export, line, on, owed, paid, read, state, take, wallet

from anhuan import cards
from anhuan.kit.ids import new_id
from anhuan.statements import service
from anhuan.statements.changes import (
    BillEffect,
    FileEffect,
    ImportState,
    LinkKind,
    NoSuchImport,
    NotCommitted,
    PreviewStale,
    Upload,
)
from anhuan.statements.mapping import BadMapping, Mapping
from anhuan.statements.model import Balance, FileKind, Line, LineKind, Reading, Source


@pytest.mark.scope("S0-10")
def test_two_equal_rides_of_one_day_are_two_and_an_overlapping_file_adds_only_what_is_new(
    db: Session, user_id: UUID
) -> None:
    assert take(db, user_id, export(line(1), line(1), line(2))).lines == 3
    assert take(db, user_id, export(line(1), line(2), line(3))).lines == 1
    assert service.lines(db, user_id).total == 4


def test_the_same_file_twice_changes_nothing_and_says_so(db: Session, user_id: UUID) -> None:
    file = read(export(line(1)), "october.csv")
    service.take_in_read(db, user_id, [file], now=NOW)
    before = state(db, user_id)
    shown = service.preview_of(db, user_id, [file, read(export(line(1), line(2)), "b"), file], now=NOW)
    assert [each.effect for each in shown.files] == [FileEffect.KNOWN, FileEffect.NEW, FileEffect.KNOWN]
    assert shown.files[0].known_from == "october.csv"
    assert service.preview_of(db, user_id, [file], now=NOW).changes_nothing
    assert state(db, user_id) == before


def test_a_copy_within_one_batch_is_known(db: Session, user_id: UUID) -> None:
    file = read(export(line(1), line(1)))
    shown = service.preview_of(db, user_id, [file, file], now=NOW)
    assert [each.effect for each in shown.files] == [FileEffect.NEW, FileEffect.KNOWN]
    assert service.commit(db, user_id, shown.id, now=NOW).lines == 2


def test_one_reference_on_three_rows_is_three_rows(db: Session, user_id: UUID) -> None:
    rows = [line(1, amount, "充电", reference="FIT-1") for amount in (100, 200, 100)]
    assert take(db, user_id, export(*rows)).lines == 3


def test_a_preview_stores_no_line_and_a_commit_stores_exactly_what_it_showed(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(bill(400, line(1), line(1), line(2)))], now=NOW)
    assert service.lines(db, user_id).total == 0
    assert owed(db, user_id) == []
    assert service.find_preview(db, user_id, shown.id) == shown
    service.commit(db, user_id, shown.id, now=NOW)
    stored = {each.id for each in service.lines(db, user_id).lines}
    assert stored == {row.line_id for file in shown.files for row in file.rows}


def test_committing_twice_is_committing_once(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(export(line(1)))], now=NOW)
    assert service.commit(db, user_id, shown.id, now=NOW) == service.commit(db, user_id, shown.id, now=NOW)
    assert service.lines(db, user_id).total == 1


def test_a_preview_is_refused_when_something_was_imported_since(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(export(line(1), line(2)))], now=NOW)
    take(db, user_id, export(line(2)))
    before = state(db, user_id)
    with pytest.raises(PreviewStale):
        service.commit(db, user_id, shown.id, now=NOW)
    assert state(db, user_id) == before


def test_a_preview_is_refused_when_a_bill_was_recorded_in_another_way_since(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(bill(400, line(1), line(1)))], now=NOW)
    other = cards.BillFacts("cmb", "CNY", 900, 100, on(8), on(26), ("3096",), level="account")
    cards.record_bill(db, user_id, other, now=NOW)
    with pytest.raises(PreviewStale):
        service.commit(db, user_id, shown.id, now=NOW)
    assert service.lines(db, user_id).total == 0
    assert owed(db, user_id) == [900]


def test_previews_and_imports_of_other_people_do_not_exist(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(export(line(1)))], now=NOW)
    with pytest.raises(NoSuchImport):
        service.commit(db, as_party(db, new_id()), shown.id, now=NOW)
    done = service.commit(db, as_party(db, user_id), shown.id, now=NOW)
    with pytest.raises(NoSuchImport):
        service.undo(db, as_party(db, new_id()), done.id, now=NOW)


@pytest.mark.scope("S0-10")
def test_a_corrected_bill_supersedes_the_first_and_keeps_it_in_history(db: Session, user_id: UUID) -> None:
    take(db, user_id, bill(400, line(1), line(1)))
    shown = service.preview_of(db, user_id, [read(bill(550, line(1), line(3, 350)))], now=NOW)
    change = shown.files[0].bills[0]
    assert (change.effect, change.replaced_total) == (BillEffect.SUPERSEDES, 400)
    service.commit(db, user_id, shown.id, now=NOW)
    assert owed(db, user_id) == [550]
    assert sorted(each.amount for each in service.lines(db, user_id).lines) == [200, 350]
    [account] = cards.accounts(db, user_id)
    [standing] = cards.bills_of(db, user_id, account.account_id)
    assert [each.total_due for each in cards.history_of(db, user_id, standing.bill_id)] == [550, 400]
    assert service.lines_of_bill(db, user_id, standing.bill_id).total == 2


def test_a_corrected_bill_in_the_same_batch_wins_over_the_first(db: Session, user_id: UUID) -> None:
    done = take(db, user_id, bill(400, line(1), line(1)), bill(200, line(1)))
    assert (done.bills_new, done.bills_superseded) == (1, 1)
    assert owed(db, user_id) == [200]
    assert service.lines(db, user_id).total == 1


def test_taking_a_corrected_bill_back_lets_the_first_stand_again(db: Session, user_id: UUID) -> None:
    take(db, user_id, bill(400, line(1), line(1)))
    before = state(db, user_id)
    done = take(db, user_id, bill(550, line(1), line(3, 350)))
    service.undo(db, user_id, done.id, now=NOW)
    assert state(db, user_id) == before
    assert owed(db, user_id) == [400]


def test_imports_may_be_taken_back_in_any_order(db: Session, user_id: UUID) -> None:
    first = take(db, user_id, bill(400, line(1), line(1)))
    second = take(db, user_id, bill(550, line(1), line(3, 350)))
    service.undo(db, user_id, first.id, now=NOW)
    assert owed(db, user_id) == [550]
    assert service.lines(db, user_id).total == 2
    service.undo(db, user_id, second.id, now=NOW)
    assert owed(db, user_id) == []
    assert state(db, user_id)["lines"] == []


def test_a_bill_that_another_import_tells_too_stays_when_the_first_is_taken_back(db: Session, user_id: UUID) -> None:
    first = take(db, user_id, bill(400, line(1), line(1)))
    take(db, user_id, replace(bill(400, line(1), line(1)), template="2020"))
    service.undo(db, user_id, first.id, now=NOW)
    assert owed(db, user_id) == [400]
    assert service.lines(db, user_id).total == 2


def test_a_file_that_a_later_batch_was_given_too_outlives_the_first(db: Session, user_id: UUID) -> None:
    file = read(bill(400, line(1), line(1), line(2, -50, "还款", kind=LineKind.REPAYMENT)), "a.eml")
    mails = read(export(line(5, 900)), "b.csv")
    balance = read(export(line(3, 70, card=None, balance=10), source=Source.ACCOUNT, account="6225****6666"), "c.csv")
    _, first = service.take_in_read(db, user_id, [file, balance], now=NOW)
    before = state(db, user_id)
    _, second = service.take_in_read(db, user_id, [mails, replace(file, name="copy.eml"), balance], now=NOW)
    _, third = service.take_in_read(db, user_id, [file], now=NOW)
    assert (second.files, second.lines, third.files) == (1, 1, 0)
    whole = state(db, user_id)
    service.undo(db, user_id, first.id, now=NOW)
    now = state(db, user_id)
    assert {what: now[what] for what in whole if what != "sightings"} == {
        what: whole[what] for what in whole if what != "sightings"
    }
    assert len(now["sightings"]) == len(whole["sightings"])
    assert owed(db, user_id) == [400]
    assert [each.balance for each in cards.own_accounts(db, user_id)] == [10]
    assert {each.id: set(each.files) for each in service.imports(db, user_id)} == {
        first.id: {"a.eml", "c.csv"}, second.id: {"b.csv", "copy.eml", "c.csv"}, third.id: {"a.eml"},
    }  # fmt: skip
    service.undo(db, user_id, second.id, now=NOW)  # the third batch still names the bill, nobody the others
    assert state(db, user_id)["owed"] == before["owed"]
    assert service.lines(db, user_id).total == 3
    assert cards.own_accounts(db, user_id) == ()
    service.undo(db, user_id, third.id, now=NOW)
    assert [what for what, rows in state(db, user_id).items() if rows] == []
    assert cards.accounts(db, user_id) == ()


def test_taking_back_a_batch_that_was_only_given_known_files_changes_nothing(db: Session, user_id: UUID) -> None:
    file = read(bill(400, line(1), line(1)))
    _, first = service.take_in_read(db, user_id, [file], now=NOW)
    _, second = service.take_in_read(db, user_id, [file], now=NOW)
    before = state(db, user_id)
    service.undo(db, user_id, second.id, now=NOW)
    assert state(db, user_id) == before
    service.undo(db, user_id, first.id, now=NOW)
    assert owed(db, user_id) == []


def test_a_handed_over_bill_keeps_its_history(db: Session, user_id: UUID) -> None:
    old = read(bill(400, line(1), line(1)), "old.eml")
    new = read(bill(550, line(1), line(3, 350)), "new.eml")
    _, first = service.take_in_read(db, user_id, [old], now=NOW)
    service.take_in_read(db, user_id, [old, new], now=NOW)
    service.undo(db, user_id, first.id, now=NOW)
    [bill_now] = cards.current_bills(db, user_id, on=on(9))
    versions = cards.history_of(db, user_id, bill_now.bill_id)
    assert [each.total_due for each in versions] in ([400, 550], [550, 400])


def test_an_undone_file_can_be_imported_again(db: Session, user_id: UUID) -> None:
    file = read(bill(400, line(1), line(1)))
    _, done = service.take_in_read(db, user_id, [file], now=NOW)
    before = state(db, user_id)
    service.undo(db, user_id, done.id, now=NOW)
    _, again = service.take_in_read(db, user_id, [file], now=NOW)
    assert again.lines == 2
    assert state(db, user_id) == before
    with pytest.raises(NotCommitted):
        service.undo(db, user_id, done.id, now=NOW)
    shown = service.imports(db, user_id)
    assert sorted(each.state for each in shown) == [ImportState.COMMITTED, ImportState.TAKEN_BACK]


def test_a_wallet_row_and_its_card_row_are_linked_and_count_once(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(line(2, 4550, "支付宝-某某餐厅"), line(2, 4550, "某某加油站")))
    take(db, user_id, wallet(paid(1, 4550)))
    lines = service.lines(db, user_id).lines
    assert len(lines) == 3
    [hidden] = [each for each in lines if not each.counts]
    assert hidden.source is Source.WALLET
    [(kind, other)] = hidden.links
    assert kind is LinkKind.SAME
    assert next(each for each in lines if each.id == other).description == "支付宝-某某餐厅"


def test_a_bill_that_says_too_little_keeps_its_rows_and_stays_off_the_board(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(bill(400, line(1), statement_on=None))], now=NOW)
    assert shown.files[0].bills[0].effect is BillEffect.OPEN
    service.commit(db, user_id, shown.id, now=NOW)
    assert owed(db, user_id) == []
    assert service.lines(db, user_id).total == 1


def test_a_bill_that_contradicts_itself_is_named_as_a_problem(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(bill(400, line(1), due_on=on(1)))], now=NOW)
    assert shown.files[0].bills[0].effect is BillEffect.OPEN
    assert shown.files[0].problems
    service.commit(db, user_id, shown.id, now=NOW)
    assert owed(db, user_id) == []


@pytest.mark.parametrize(
    ("total", "lines", "complete"),
    [
        (500, [line(1, 200), line(2, 300)], True),  # the rows are the bill
        (400, [line(1, 200), line(2, 300), line(3, -100, kind=LineKind.REFUND)], True),  # a refund of the cycle
        (500, [line(1, 200), line(2, 300), line(3, -900, kind=LineKind.REPAYMENT)], True),  # pays the bill before
        (900, [line(1, 200), line(2, 300)], False),  # something of the bill before is open: how much bears interest?
    ],
)
def test_a_bill_is_known_whole_only_where_its_rows_explain_the_total(
    db: Session, user_id: UUID, total: int, lines: list[Line], complete: bool
) -> None:
    take(db, user_id, bill(total, *lines))
    [found] = cards.current_bills(db, user_id, on=on(9))
    assert found.known_complete is complete
    if complete:
        assert sum(charge.amount for charge in found.charges) == total


def test_instalment_shares_are_marked_among_the_charges(db: Session, user_id: UUID) -> None:
    share = line(5, 300, "分期 03/12期", kind=LineKind.INSTALMENT, instalment=(3, 12))
    take(db, user_id, bill(500, line(1), share))
    [found] = cards.current_bills(db, user_id, on=on(9))
    assert [charge.instalment for charge in found.charges] == [False, True]


def test_a_repayment_in_a_daily_mail_counts_for_the_bill_and_once_only(db: Session, user_id: UUID) -> None:
    take(db, user_id, bill(500, line(1, 500)))
    repaid = line(20, -300, "还款", kind=LineKind.REPAYMENT)
    daily = Reading(FileKind.DAILY, "cmb", lines=(repaid,), reader="cmb", template="daily")
    done = take(db, user_id, daily)
    take(db, user_id, export(repaid))
    [found] = cards.current_bills(db, user_id, on=on(21))
    assert found.paid == 300
    service.undo(db, user_id, done.id, now=NOW)
    [found] = cards.current_bills(db, user_id, on=on(21))
    assert found.paid == 300  # the export still shows it


def test_an_export_with_a_running_balance_tells_what_the_account_holds(db: Session, user_id: UUID) -> None:
    rows = [
        line(2, 1000, "超市", card=None, balance=9000),
        line(1, -500, "转账", card=None, balance=10000, kind=LineKind.TRANSFER),
    ]
    done = take(db, user_id, export(*rows, source=Source.ACCOUNT, account="6225****6666"))
    [account] = cards.own_accounts(db, user_id)
    assert (account.last_digits, account.balance, account.balance_on) == ("6666", 9000, on(2))
    service.undo(db, user_id, done.id, now=NOW)
    assert cards.own_accounts(db, user_id) == ()


def test_a_balance_goes_back_to_the_figure_before_when_the_newer_one_is_taken_back(db: Session, user_id: UUID) -> None:
    def told(day: int, balance: int) -> Reading:
        row = line(day, 1000, "超市", card=None, balance=balance)
        return export(row, source=Source.ACCOUNT, account="6225****6666")

    def held() -> list[tuple[int, date | None]]:
        return [(each.balance, each.balance_on) for each in cards.own_accounts(db, user_id)]

    first = take(db, user_id, told(2, 9000))
    second = take(db, user_id, told(12, 5000))
    third = take(db, user_id, told(20, 3000))
    service.undo(db, user_id, second.id, now=NOW)
    assert held() == [(3000, on(20))]  # a later figure stays
    service.undo(db, user_id, third.id, now=NOW)
    assert held() == [(9000, on(2))]  # not the second one's: that was taken back before
    service.undo(db, user_id, first.id, now=NOW)
    assert held() == []


def test_a_balance_that_the_person_typed_comes_back(db: Session, user_id: UUID) -> None:
    mine = cards.set_account(db, user_id, "cmb", "6666")
    cards.record_balance(db, user_id, mine.account_id, 7000, balance_on=on(1))
    row = line(12, 1000, "超市", card=None, balance=5000)
    done = take(db, user_id, export(row, source=Source.ACCOUNT, account="6225****6666"))
    service.undo(db, user_id, done.id, now=NOW)
    [account] = cards.own_accounts(db, user_id)
    assert (account.balance, account.balance_on) == (7000, on(1))


def test_a_printed_closing_balance_is_taken_as_it_stands(db: Session, user_id: UUID) -> None:
    printed = (Balance("closing", 7700, "CNY", on(31)),)
    rows = (line(2, 1000, "超市", card=None),)
    take(db, user_id, export(*rows, source=Source.ACCOUNT, account="尾号6666", balances=printed))
    assert [each.balance for each in cards.own_accounts(db, user_id)] == [7700]


def test_whole_card_numbers_are_cut_down_before_anything_is_kept(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(line(1, -500, "还款 4111 1111 1111 1111 张三", kind=LineKind.REPAYMENT)))
    [kept] = service.lines(db, user_id).lines
    assert kept.description == "还款 ****1111 张三"


def test_files_of_one_batch_are_stored_all_or_none(db: Session, user_id: UUID) -> None:
    shown = service.preview_of(db, user_id, [read(export(line(1))), read(bill(400, line(1), line(1)))], now=NOW)
    cards.record_bill(db, user_id, cards.BillFacts("cmb", "CNY", 1, 1, on(8), on(26), ("3096",)), now=NOW)
    with pytest.raises(PreviewStale):
        service.commit(db, user_id, shown.id, now=NOW)
    assert state(db, user_id)["lines"] == []


def test_bad_files_are_answers_and_the_good_ones_are_stored(db: Session, user_id: UUID) -> None:
    table = "交易日,记账日,交易摘要,人民币金额,卡号末四位,交易地金额\n10/01,10/02,地铁,2.00,3096,2.00\n"
    title = "招商银行信用卡对账单（个人消费卡账户 2026年10月）\n"
    files = [Upload("empty.csv", b""), Upload("card.csv", (title + table).encode()), Upload("x.png", b"\x89PNG....")]
    shown = service.preview(db, user_id, files, now=NOW)
    assert [each.effect for each in shown.files] == [FileEffect.REFUSED, FileEffect.NEW, FileEffect.REFUSED]
    assert shown.files[0].problems[0].code == "file.unreadable"
    assert service.commit(db, user_id, shown.id, now=NOW).files == 1
    assert service.lines(db, user_id).total == 1


def test_columns_named_once_are_known_the_next_time(db: Session, user_id: UUID) -> None:
    table = b"Wann,Was,Wieviel\n2026-10-01,Bahn,2.00\n2026-10-02,Brot,3.50\n"
    shown = service.preview(db, user_id, [Upload("konto.csv", table)], now=NOW)
    if shown.files[0].effect is FileEffect.ASKS_MAPPING:
        headings = shown.files[0].headings
        columns = Mapping({"traded_on": "Wann", "description": "Was", "amount": "Wieviel"}, spending="positive")
        with pytest.raises(BadMapping):
            service.save_mapping(db, user_id, headings, Mapping({"traded_on": "Never"}), now=NOW)
        service.save_mapping(db, user_id, headings, columns, now=NOW)
        service.save_mapping(db, user_id, headings, columns, now=NOW)
        shown = service.preview(db, user_id, [Upload("konto.csv", table)], now=NOW)
    assert [row.line.amount for row in shown.files[0].rows] == [200, 350]


def test_lines_can_be_asked_by_card_by_day_and_by_import(db: Session, user_id: UUID) -> None:
    done = take(db, user_id, export(line(1), line(5, card="7190"), line(9)))
    take(db, user_id, export(line(1, 700), bank="icbc"))
    assert service.lines_of_card(db, user_id, bank="cmb").total == 3
    assert service.lines_of_card(db, user_id, bank="cmb", card="7190").total == 1
    assert service.lines_of_card(db, user_id, bank="cmb", since=on(5), until=on(9)).total == 2
    page = service.lines_of_import(db, user_id, done.id, offset=1, at_most=1)
    assert (page.total, [each.posted_on for each in page.lines]) == (3, [on(5)])
