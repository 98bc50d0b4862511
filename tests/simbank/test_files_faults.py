"""Faults of end-of-day files: each breaks what it says, nothing else, and the same thing for the same seed."""

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest

from anhuan.kit.clock import CHINA
from anhuan.simbank import file_faults
from anhuan.simbank.file_faults import FileFault, break_day
from anhuan.simbank.files import DayBook, Kind, Row, print_day

DAY = date(2026, 11, 20)
START = datetime(2026, 11, 20, 9, tzinfo=CHINA)
BOOK = DayBook("simbank", DAY, "2088", tuple(
    Row(kind, START + timedelta(minutes=2 * number + later), f"S{number:06d}", f"{number:032x}", 10_000 + number)
    for number in range(6) for later, kind in enumerate((Kind.PAID, Kind.GIVEN))
), funds_opening=10_000_000)  # fmt: skip
SEEDS = range(25)


def paid(book: DayBook) -> dict[str, Row]:
    return {row.reference: row for row in book.rows if row.kind is Kind.PAID}


@pytest.mark.parametrize("seed", SEEDS)
def test_23_one_payment_is_missing_and_the_sums_are_those_of_the_rest(seed: int) -> None:
    broken = file_faults.row_missing(BOOK, Random(seed))
    assert len(paid(broken)) == 5
    assert paid(broken).items() <= paid(BOOK).items()
    assert print_day(broken, ["trade"])[0].rows == 5


@pytest.mark.parametrize("seed", SEEDS)
def test_24_a_row_too_many_has_the_amount_of_another_and_neither_its_key_nor_its_reference(seed: int) -> None:
    broken = file_faults.row_too_many(BOOK, Random(seed))
    [strange] = [row for row in broken.rows if row not in BOOK.rows]
    assert strange.amount in {row.amount for row in paid(BOOK).values()}
    assert strange.key not in {row.key for row in BOOK.rows}
    assert strange.reference not in paid(BOOK)


@pytest.mark.parametrize("seed", SEEDS)
def test_25_one_amount_is_off_by_one_fen(seed: int) -> None:
    broken = paid(file_faults.amount_off(BOOK, Random(seed)))
    off = [broken[name].amount - row.amount for name, row in paid(BOOK).items() if broken[name] != row]
    assert off in ([1], [-1])


@pytest.mark.parametrize("seed", SEEDS)
def test_26_the_fee_is_shown_and_that_much_less_is_given_to_the_card(seed: int) -> None:
    broken = file_faults.fee_shown(BOOK, Random(seed))
    [row] = [row for row in paid(broken).values() if row.fee]
    [given] = [one.amount for one in broken.rows if one.kind is Kind.GIVEN and one.reference == row.reference]
    assert given == row.amount - row.fee
    assert paid(broken).keys() == paid(BOOK).keys()


def test_26_a_fee_that_the_books_hold_is_left_as_it_is() -> None:
    book = file_faults.fee_kept(BOOK, "S000001", 30)
    assert file_faults.fee_shown(book, Random(1)) == book


def test_27_late_gives_the_right_files_later() -> None:
    broken = break_day(BOOK, {27}, Random(1), face=FileFault.LATE)
    assert (broken.first, broken.late_by) == (print_day(BOOK), file_faults.LATE)


@pytest.mark.parametrize("seed", SEEDS)
def test_27_reissued_is_wrong_first_and_right_later_under_the_same_names(seed: int) -> None:
    broken = break_day(BOOK, {27}, Random(seed), face=FileFault.REISSUED)
    assert broken.later == print_day(BOOK)
    for first, later in zip(broken.first, broken.later, strict=True):
        assert first.name == later.name
        assert first.content != later.content
        assert first.sha256 == hashlib.sha256(first.content).hexdigest()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("face", [FileFault.TRUNCATED, FileFault.WRONG_CHECKSUM])
def test_27_truncated_bytes_and_wrong_checksums_never_fit_each_other(seed: int, face: FileFault) -> None:
    for one in break_day(BOOK, {27}, Random(seed), face=face).first:
        assert one.sha256 != hashlib.sha256(one.content).hexdigest()


def test_27_in_gbk_is_the_same_text_with_a_checksum_that_fits() -> None:
    whole = {one.kind: one for one in print_day(BOOK)}
    for one in break_day(BOOK, {27}, Random(1), face=FileFault.IN_GBK).first:
        assert one.sha256 == hashlib.sha256(one.content).hexdigest()
        if one.kind in ("trade", "fund_flow", "bank_csv"):
            assert one.content.decode("gb18030") == whole[one.kind].content.decode("utf-8-sig")
            with pytest.raises(UnicodeDecodeError):
                one.content.decode("utf-8")


def test_27_every_face_comes_up() -> None:
    seen = set()
    for seed in range(60):
        broken = break_day(BOOK, {27}, Random(seed), kinds=["trade"])
        seen.add((broken.late_by > timedelta(0), broken.first != broken.later, broken.first[0].content[:3]))
    assert len(seen) >= 4


def test_28_a_reference_of_an_earlier_year_returns_on_one_payment_of_another_key() -> None:
    broken = break_day(BOOK, {28}, Random(3), kinds=["trade"], earlier_reference="S-OLD")
    assert broken.first[0].content.count(b"`S-OLD,") == 1
    assert file_faults.reference_again(BOOK, Random(3), "S-OLD").rows != BOOK.rows


@pytest.mark.parametrize("number", [23, 24, 25, 26, 28])
def test_a_day_without_payments_has_nothing_to_break(number: int) -> None:
    empty = replace(BOOK, rows=())
    assert break_day(empty, {number}, Random(1), earlier_reference="S1").first == print_day(empty)


def test_the_same_seed_breaks_the_same_thing() -> None:
    numbers = {23, 24, 25, 26, 27, 28}
    assert break_day(BOOK, numbers, Random(5), earlier_reference="X") == break_day(
        BOOK, numbers, Random(5), earlier_reference="X"
    )
    assert break_day(BOOK, numbers, Random(5)) != break_day(BOOK, numbers, Random(6))
