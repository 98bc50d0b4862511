"""The laws of a town can fail: a sound town breaks none, and each mutant is caught by the law that it breaks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from tests.simulation.town_case import (
    ACCOUNT,
    AMOUNT,
    BILL,
    DAY,
    HOUR,
    NOW,
    OTHER_DAY,
    PARTY,
    changed,
    edition,
    kept,
    key_of,
    order_of,
    sound,
    with_order,
    with_row,
    without,
)

from anhuan.kit import ids
from anhuan.simulation import judging, laws
from anhuan.simulation.laws import Case, LateBill
from anhuan.simulation.model import Fate, Tap
from anhuan.simulation.store import Row


def broken(case: Case) -> set[str]:
    return {found.law for found in laws.broken(case)}


def is_of(case: Case, status: str) -> Callable[[object], bool]:
    order = order_of(case, status)["id"]
    return lambda one: order in (one.get("id"), one.get("order_id"))  # type: ignore[attr-defined]


def of_key(case: Case, status: str) -> Callable[[object], bool]:
    key = str(key_of(case, status))
    return lambda one: str(one["key"]) == key  # type: ignore[index]


def test_a_sound_town_breaks_no_law() -> None:
    assert laws.broken(sound()) == []


def test_a_doubled_debit_is_seen() -> None:
    case = sound()
    again = next(one for one in case.movements if of_key(case, "arrived")(one) and one["code"] == "debit")
    assert {"one_debit", "sums"} <= broken(with_row(case, "movements", again))


def test_a_debit_of_nobodys_order_is_seen() -> None:
    stranger = {"key": str(ids.new_id()), "amount": AMOUNT, "state": "success"}
    assert broken(with_row(sound(), "payments", stranger)) == {"debit_without_order"}


def test_a_lost_order_row_is_seen() -> None:
    case = sound()
    lost = without(case, "orders", is_of(case, "arrived"))
    assert {"debit_without_order", "tap_lost", "posting_without_order"} <= broken(lost)


def test_an_order_that_says_promised_without_a_debit_is_seen() -> None:
    case = sound()
    assert {"promised_without_debit", "sums"} <= broken(without(case, "movements", of_key(case, "promised")))


def test_a_failed_order_whose_money_is_gone_is_seen() -> None:
    case = sound()
    debit = {"seq": 99, "key": str(key_of(case, "failed")), "code": "debit", "amount": AMOUNT, "at": NOW}
    assert broken(with_row(case, "movements", debit)) == {"failed_with_a_debit", "sums"}


def test_money_given_back_that_we_call_arrived_is_seen() -> None:
    case = sound()
    back = {"seq": 99, "key": str(key_of(case, "arrived")), "code": "give_back", "amount": AMOUNT, "at": NOW}
    assert {"promised_without_debit", "sums"} <= broken(with_row(case, "movements", back))


def test_one_fen_of_difference_is_seen() -> None:
    case = sound()
    assert "sums" in broken(changed(case, "orders", is_of(case, "arrived"), fee_minor=1))


def test_an_instruction_over_another_amount_than_its_order_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "instructions", is_of(case, "sent"), amount_minor=1)) == {
        "order_and_instruction_differ"
    }


def test_a_bank_whose_own_books_do_not_hold_proves_nothing() -> None:
    assert broken(replace(sound(), books_sound=False)) == {"bank_books"}


def test_an_acknowledged_tap_that_left_nothing_is_seen() -> None:
    tap = Tap(ids.new_id(), PARTY, ACCOUNT, AMOUNT, NOW, 1, Fate.TAKEN, groups={str(ids.new_id())})
    assert broken(with_row(sound(), "taps", tap)) == {"tap_lost"}


def test_a_tap_with_two_groups_is_seen() -> None:
    case = sound()
    first = case.groups[0]
    assert broken(with_row(case, "groups", {**first, "id": ids.new_id()})) == {"tap_lost", "proof_used_again"}


def test_a_tap_that_was_told_another_number_is_seen() -> None:
    case = sound()
    case.taps[0].groups.add(str(ids.new_id()))
    assert broken(case) == {"tap_told_otherwise"}


def test_a_refused_tap_that_left_an_order_is_seen() -> None:
    case = sound()
    case.taps[0].fate, case.taps[0].why = Fate.REFUSED, "422 没有扣款。"
    assert broken(case) == {"refused_tap_left_orders"}


def test_two_successors_of_one_order_are_seen() -> None:
    case = with_order(with_order(sound(), "arrived"), "promised")
    first, later = order_of(case, "failed")["id"], {one["id"] for one in case.orders[-2:]}
    assert broken(changed(case, "orders", lambda one: one["id"] in later, retry_of=first)) == {"successor"}


def test_a_successor_of_an_order_that_still_may_arrive_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "orders", is_of(case, "cancelled"), retry_of=order_of(case, "sent")["id"])) == {
        "successor"
    }


def test_two_orders_of_one_key_are_seen() -> None:
    case = sound()
    assert "key_of_two_orders" in broken(changed(case, "orders", is_of(case, "sent"), key=key_of(case, "promised")))


def test_more_paid_than_the_bill_asks_for_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "bills", lambda one: one["id"] == BILL, total=2 * AMOUNT)) == {"more_than_the_bill"}


def test_an_open_order_that_nobody_asks_about_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "instructions", is_of(case, "sent"), next_ask_at=None)) == {"open_unexplained"}


def test_a_question_that_should_have_been_asked_is_no_explanation() -> None:
    case = sound()
    assert broken(changed(case, "instructions", is_of(case, "sent"), next_ask_at=NOW - HOUR)) == {"open_unexplained"}


def test_a_doubt_that_nobody_has_to_clear_is_seen() -> None:
    case = sound()
    doubtful = changed(case, "orders", is_of(case, "promised"), status="in_doubt")
    line = {"order_id": order_of(case, "promised")["id"], "id": ids.new_id(), "at": NOW, "kind": "in_doubt", "code": ""}
    doubtful = with_row(doubtful, "events", line)
    assert broken(doubtful) == {"open_unexplained"}
    known = {"key": key_of(case, "promised"), "kind": "paid_after_no", "cleared_at": None}
    assert broken(with_row(doubtful, "contradictions", known)) == set()


def test_a_step_that_the_table_does_not_know_is_seen() -> None:
    case = sound()
    line = {
        "order_id": order_of(case, "given_back")["id"],
        "id": ids.new_id(),
        "at": NOW,
        "kind": "arrived",
        "code": "",
    }
    assert {"step"} <= broken(with_row(case, "events", line))


def test_a_status_that_its_timeline_does_not_tell_is_seen() -> None:
    case = sound()
    assert broken(without(case, "events", lambda one: one["kind"] == "cancelled")) == {"timeline_ends_elsewhere"}


def test_arrived_without_bank_data_is_seen() -> None:
    case = sound()
    assert broken(without(case, "evidence", of_key(case, "arrived"))) == {"arrived_without_bank_data"}


def test_a_persons_word_proves_no_arrival() -> None:
    case = sound()
    assert broken(changed(case, "evidence", of_key(case, "arrived"), kind="marked")) == {"arrived_without_bank_data"}


def test_arrived_where_the_bank_shows_nothing_on_the_card_is_seen() -> None:
    case = sound()
    assert {"arrived_nowhere", "arrived_otherwise"} <= broken(without(case, "stood", of_key(case, "arrived")))


def test_less_on_the_card_than_we_say_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "stood", of_key(case, "arrived"), amount=AMOUNT - 200)) == {"arrived_otherwise"}


def test_a_payer_who_was_not_alerted_is_seen() -> None:
    case = sound()
    due = changed(case, "orders", is_of(case, "sent"), by_hand_at=NOW - DAY)
    assert broken(due) == {"no_alert"}
    assert broken(changed(due, "orders", is_of(case, "sent"), alerted_at=NOW - DAY + HOUR)) == set()


def test_an_alert_that_comes_a_day_late_is_seen() -> None:
    case = sound()
    late = changed(case, "orders", is_of(case, "sent"), by_hand_at=NOW - 3 * DAY, alerted_at=NOW - DAY)
    assert broken(late) == {"no_alert"}


@pytest.mark.parametrize(
    "last_safe", [NOW - 2 * DAY, NOW - 20 * DAY + 2 * HOUR, NOW - DAY - 5 * HOUR],
    ids=["proved before", "proved soon after", "doubted soon after"],
)  # fmt: skip
def test_who_was_proved_paid_is_alerted_once_that_is_doubted(last_safe: datetime) -> None:
    case = sound()
    arrived = is_of(case, "arrived")
    line = next(one for one in case.events if arrived(one))
    doubted = with_row(case, "events", {**line, "kind": "in_doubt", "at": NOW - DAY})
    again = with_row(doubted, "events", {**line, "kind": "arrived", "at": NOW - HOUR})
    late = changed(again, "orders", arrived, by_hand_at=last_safe, closed_at=NOW - HOUR)
    assert broken(changed(late, "orders", arrived, alerted_at=NOW - DAY + 7 * HOUR)) == set()
    assert broken(late) == {"no_alert"}


def test_a_refusal_without_a_reason_is_seen() -> None:
    tap = Tap(ids.new_id(), PARTY, ACCOUNT, AMOUNT, NOW, 1, Fate.REFUSED, "422 请先勾选已看到这笔费用。")
    assert broken(with_row(sound(), "taps", tap)) == set()
    assert broken(with_row(sound(), "taps", replace(tap, why="422 "))) == {"refused_without_reason"}


@pytest.mark.parametrize(
    ("reasons", "told", "law"),
    [
        ((), True, "late_unexplained"),  # nobody knows why
        (("habit: forgetful",), False, "late_untold"),  # known, but the payer was never told
        (("habit: forgetful",), True, ""),
    ],
)
def test_a_late_bill_wants_a_reason_and_a_warning(reasons: tuple[str, ...], told: bool, law: str) -> None:
    bill = LateBill(
        "card", date(2027, 1, 1), date(2027, 1, 18), 100, 0, PARTY, reasons, NOW - 3 * DAY if told else None
    )
    assert broken(replace(sound(), late=(bill,))) == ({law} if law else set())


@pytest.mark.parametrize(
    ("booked_on", "card", "found"),
    [
        (date(2027, 2, 15), "card", ["paid at the bank on 2027-02-12, booked there on 2027-02-15"]),
        (date(2027, 2, 14), "card", []),  # in time
        (date(2027, 2, 15), "other", []),
    ],
)
def test_what_was_paid_in_time_and_booked_late_by_the_bank_explains_a_late_bill(
    booked_on: date, card: str, found: list[str]
) -> None:
    key, taken_at = ids.new_id(), datetime(2027, 2, 12, 3, tzinfo=UTC)
    posted = [{"card": "card", "posted_on": booked_on, "key": key}, {"card": "card", "posted_on": booked_on,
               "key": ids.new_id()}]  # fmt: skip
    payments: list[Row] = [{"key": key, "taken_at": taken_at}, {"key": ids.new_id(), "taken_at": None}]
    said = judging.booked_late(payments, posted, card, since=date(2027, 1, 25), due_on=date(2027, 2, 14))
    assert said == found


def test_what_the_house_forbade_or_refused_explains_a_late_bill_with_its_reason() -> None:
    account, other, since = ids.new_id(), ids.new_id(), date(2027, 1, 25)
    blocked = [{"account_id": account, "statement_on": since, "blocked": "repay.binding_in_doubt"},
               {"account_id": other, "statement_on": since, "blocked": "repay.no_channel"}]  # fmt: skip

    def tap(number: UUID, day: int, fate: Fate, why: str) -> Tap:
        return Tap(ids.new_id(), PARTY, number, None, datetime(2027, 2, day, 4, tzinfo=UTC), fate=fate, why=why)

    taps = [
        tap(account, 10, Fate.REFUSED, "422 too little"), tap(account, 20, Fate.REFUSED, "after it was due"),
        tap(account, 11, Fate.TAKEN, ""), tap(account, 12, Fate.REFUSED, ""), tap(other, 10, Fate.REFUSED, "no"),
    ]  # fmt: skip
    said = judging.refused(blocked, taps, account, since=since, due_on=date(2027, 2, 14))
    assert said == [
        "autopay was forbidden to its end: repay.binding_in_doubt",
        "a tap was refused on 2027-02-10: 422 too little",
    ]


def test_a_process_that_ends_though_nobody_touched_it_is_seen() -> None:
    assert broken(replace(sound(), ended_unasked={"web, exit 1": 1})) == {"ended_unasked"}


def test_money_left_in_transit_by_a_closed_order_is_seen() -> None:
    case = sound()
    assert broken(changed(case, "moved", is_of(case, "given_back"), in_transit=1)) == {"transit_not_empty"}


def test_books_that_show_another_arrival_are_seen() -> None:
    case = sound()
    assert broken(changed(case, "moved", is_of(case, "arrived"), on_card=AMOUNT - 1)) == {"books_of_arrived"}


def test_taken_money_without_a_posting_is_seen() -> None:
    case = sound()
    assert broken(without(case, "moved", is_of(case, "promised"))) == {"taken_without_posting"}


def test_a_hold_of_a_closed_order_is_seen() -> None:
    case = sound()
    hold = {"order_id": order_of(case, "failed")["id"], "id": ids.new_id(), "amount": AMOUNT}
    assert broken(with_row(case, "holds", hold)) == {"hold_of_closed"}


def test_books_that_do_not_verify_are_seen() -> None:
    assert broken(replace(sound(), verify_exit=1, verify_said="a chain is cut")) == {"ledger_verify"}


def test_a_balance_that_is_not_its_postings_is_seen() -> None:
    assert broken(replace(sound(), lame=({"what": "balance", "which": "0/7"},))) == {"ledger_law"}


def test_a_message_that_was_altered_is_seen() -> None:
    assert broken(replace(sound(), bad_messages=({"id": ids.new_id(), "key": ids.new_id()},))) == {"message_hash"}


def test_a_file_that_was_not_taken_as_the_bank_gave_it_out_is_seen() -> None:
    case = sound()
    assert broken(without(case, "kept_files", lambda one: one["version"] == 2)) == {"file_not_taken"}
    assert broken(changed(case, "kept_files", lambda one: one["version"] == 2, found="other bytes")) == {
        "file_not_as_published"
    }
    assert broken(with_row(case, "kept_files", kept(3, "nobody's"))) == {"file_not_as_published"}
    assert broken(with_row(case, "kept_files", kept(1, "half of c", day=OTHER_DAY))) == {"file_not_as_published"}
    assert broken(replace(case, unread={"2027-01-14 trade.csv": "a sum disagrees"})) == {"file_unread"}


def test_a_file_that_has_only_just_come_out_is_waited_for() -> None:
    case = sound()
    assert broken(with_row(case, "day_files", {**edition(3, "d"), "ready_at": NOW - DAY})) == set()


def test_a_confirmation_without_the_proof_of_who_confirmed_it_is_seen() -> None:
    case = sound()
    first, second, *_ = case.groups
    none = changed(case, "groups", lambda one: one is first, step_up_id=None)
    unused = without(case, "proofs", lambda one: one["id"] == first["step_up_id"])
    others = changed(case, "proofs", lambda one: one["id"] == first["step_up_id"], person_id=ids.new_id())
    for_other = changed(case, "proofs", lambda one: one["id"] == first["step_up_id"], kind="pause_lift")
    for mutant in (none, unused, others, for_other):
        assert broken(mutant) == {"confirmed_without_proof"}
    again = changed(case, "groups", lambda one: one is first, step_up_id=second["step_up_id"])
    assert broken(again) == {"proof_used_again"}


def test_a_debit_of_a_mandate_rests_on_the_proof_of_who_gave_it() -> None:
    case, proof, mandate = sound(), ids.new_id(), ids.new_id()
    first = case.groups[0]
    stands = {"user_id": PARTY, "id": mandate, "given_by": PARTY, "step_up_id": proof}
    debit = changed(case, "groups", lambda one: one is first, kind="autopay", mandate_id=mandate, confirmed_by=None,
                    step_up_id=None)  # fmt: skip
    given = with_row(debit, "mandates", stands)
    proved = with_row(given, "proofs", {"person_id": PARTY, "id": proof, "kind": "mandate", "used_at": NOW})
    assert broken(proved) == set()
    assert broken(given) == {"confirmed_without_proof"}
    assert broken(debit) == {"confirmed_without_proof"}


def test_every_law_has_a_mutant_here() -> None:
    """A law without a mutant may be one that cannot fail."""
    caught = {
        "one_debit", "every_debit_is_an_order", "every_order_is_at_the_bank", "sums_agree", "bank_books_sound",
        "no_tap_is_lost", "every_group_is_proved", "one_successor", "never_more_than_the_bill", "open_is_explained",
        "statuses_follow_the_table", "arrived_by_bank_data", "alerted_in_time", "late_is_explained", "refusals_say_why",
        "nobody_ends_alone", "books_hold", "books_follow_orders", "only_what_is_open_is_held",
        "messages_keep_their_hash", "files_are_whole",
    }  # fmt: skip
    assert {law.__name__ for law in laws.LAWS} == caught
