"""The simulated bank's files, printed by its own code, read by ours and compared: nothing lost, every fault found."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels.file_bills import DAY

from anhuan.channels.differences import Comparison, Difference, Ours, compare
from anhuan.channels.file_model import ChannelFile, LineKind
from anhuan.channels.file_reading import read
from anhuan.channels.model import DayFile, FileDamaged
from anhuan.simbank.file_faults import FileFault, break_day
from anhuan.simbank.files import DayBook, Kind, Printed, Row, print_day

START = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # midnight at the bank
moments = st.integers(0, 86_399).map(lambda second: START + timedelta(seconds=second))
NAMES = ("林*", "O'Neil, 王*", "", '引"号*')


@st.composite
def books(draw: st.DrawFn) -> DayBook:
    """A bank day: payments, some with fees, some given to the card, some back on the same day."""
    rows: list[Row] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        amount = draw(st.integers(2, 10**9))
        fee = draw(st.integers(0, min(amount - 1, 10_000)))
        key, at, name = f"{number:032x}", draw(moments), draw(st.sampled_from(NAMES))
        rows.append(Row(Kind.PAID, at, f"P{number}", key, amount, fee, "6225 **** 1234", name))
        if draw(st.booleans()):
            rows.append(Row(Kind.GIVEN, at, f"P{number}", key, amount - fee))
            rows += [Row(Kind.BOUNCED, at, f"P{number}", key, amount - fee)] * draw(st.integers(0, 1))
        if draw(st.integers(0, 4)) == 0:
            kind = draw(st.sampled_from((Kind.RETURNED, Kind.REVERSED)))
            rows.append(
                Row(kind, at, f"P{number}", key, amount, fee, back_reference=f"B{number}", reason="户名不符, 退")
            )
    rows.sort(key=lambda row: (row.at, row.reference))
    return DayBook("simbank", DAY, "2088000001", tuple(rows), 10**12, 10**13)


def _read(printed: Printed) -> ChannelFile:
    return read(DayFile("simbank", DAY, printed.kind, printed.name, printed.sha256, printed.content))


def _ours(book: DayBook) -> list[Ours]:
    kinds = {Kind.PAID: LineKind.PAYMENT, Kind.RETURNED: LineKind.RETURN, Kind.REVERSED: LineKind.RETURN}
    return [
        Ours(UUID(row.key), "simbank", DAY, row.key, row.amount, row.fee, kinds[row.kind])
        for row in book.rows if row.kind in kinds
    ]  # fmt: skip


def _compare(printed: Printed, ours: Sequence[Ours]) -> Comparison:
    return compare(_read(printed).lines, ours, channel="simbank", day=DAY)


@settings(max_examples=30, deadline=None)
@given(books())
def test_what_the_bank_prints_in_five_kinds_is_what_we_read(book: DayBook) -> None:
    for printed in print_day(book):
        file = _read(printed)
        assert (len(file.lines), file.strange_headings, file.unchecked) == (printed.rows, (), ())
        assert file.proved
        result = compare(file.lines, _ours(book), channel="simbank", day=DAY)
        assert result.clean, (printed.kind, result.differences)
        assert {line.business_day for line in file.lines} <= {DAY}


PLAIN = DayBook("simbank", DAY, "2088000001", tuple(
    row
    for n in range(1, 6)
    for row in (
        Row(Kind.PAID, START + timedelta(hours=n), f"P{n}", f"{n:032x}", 10_000 + n, 0, "6225 **** 1234", "林*"),
        Row(Kind.GIVEN, START + timedelta(hours=n, minutes=1), f"P{n}", f"{n:032x}", 10_000 + n),
    )
), 10**9, 10**10)  # fmt: skip
FOUND = {
    23: {Difference.MISSING_AT_BANK}, 24: {Difference.UNKNOWN_TO_US}, 25: {Difference.AMOUNT}, 26: {Difference.FEE},
}  # fmt: skip


@pytest.mark.parametrize("number", sorted(FOUND))
@pytest.mark.parametrize("seed", range(4))
def test_every_fault_of_rows_is_found_in_every_kind(number: int, seed: int) -> None:
    broken = break_day(PLAIN, [number], random.Random(seed))
    for printed in broken.first:
        result = _compare(printed, _ours(PLAIN))
        assert {one.kind for one in result.differences} == FOUND[number], printed.kind
        assert not any(one.ours and one.line and one.ours.reference != one.line.reference for one in result.differences)


@pytest.mark.parametrize("face", [FileFault.TRUNCATED, FileFault.WRONG_CHECKSUM])
@pytest.mark.parametrize("seed", range(4))
def test_27_damaged_files_are_refused_whole_in_every_kind(face: FileFault, seed: int) -> None:
    for printed in break_day(PLAIN, [27], random.Random(seed), face=face).first:
        with pytest.raises(FileDamaged):
            _read(printed)


def test_27_in_gbk_reads_the_same() -> None:
    for printed in break_day(PLAIN, [27], random.Random(1), face=FileFault.IN_GBK).first:
        assert _compare(printed, _ours(PLAIN)).clean


def test_28_a_reference_of_an_earlier_year_belongs_to_this_years_payment_by_its_key_and_day() -> None:
    old = Ours(UUID(int=77), "simbank", date(2025, 11, 20), UUID(int=77).hex, 10_001)
    broken = break_day(PLAIN, [28], random.Random(3), earlier_reference="P1-2025")
    for printed in broken.first:
        assert _compare(printed, [*_ours(PLAIN), old]).clean
