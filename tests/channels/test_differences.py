"""A file beside our payments of the day: every line in one place, every fen explained (scenarios 23 to 28)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels import file_bills as bills
from tests.channels.file_bills import DAY, Paid, some, taken

from anhuan.channels.differences import Comparison, Difference, Ours, SumsApart, compare, gap, insist
from anhuan.channels.file_model import FileLine, LineKind, reference_of
from anhuan.channels.file_versions import OtherFile, revise

MORE = Difference


def _ours(paid: Paid, *, day: date = DAY, amount: int | None = None, **more: object) -> Ours:
    kind = LineKind.RETURN if paid.back else LineKind.PAYMENT
    fen = paid.amount if amount is None else amount
    return Ours(paid.key, "x", day, reference_of(paid.key), fen, kind=kind, **more)  # type: ignore[arg-type]


def _compare(paid: list[Paid], ours: list[Ours], kind: str = "bank_csv", **more: object) -> Comparison:
    return compare(taken(kind, bills.KINDS[kind](paid)).lines, ours, channel="x", day=DAY, **more)  # type: ignore[arg-type]


def _kinds(result: Comparison) -> list[Difference]:
    return [one.kind for one in result.differences]


PLAIN = [Paid(one.key, one.amount, at=one.at) for one in some(3)]


@pytest.mark.parametrize("kind", sorted(bills.KINDS))
def test_a_file_that_says_what_we_know_differs_in_nothing(kind: str) -> None:
    result = _compare(PLAIN, [_ours(one) for one in PLAIN], kind)
    assert result.clean
    assert [match.ours.key for match in result.matches] == [one.key for one in PLAIN]


def test_23_a_missing_row_is_missing_at_the_bank() -> None:
    result = _compare(PLAIN[:2], [_ours(one) for one in PLAIN])
    assert _kinds(result) == [MORE.MISSING_AT_BANK]
    assert result.differences[0].ours == _ours(PLAIN[2])
    assert gap(result) == -PLAIN[2].amount


def test_24_a_row_too_many_is_unknown_even_if_its_amount_is_one_of_ours() -> None:
    stranger = Paid(UUID(int=99), PLAIN[2].amount)
    result = _compare([*PLAIN[:2], stranger], [_ours(one) for one in PLAIN])
    assert _kinds(result) == [MORE.UNKNOWN_TO_US, MORE.MISSING_AT_BANK]
    assert result.differences[0].ours is None


def test_a_row_without_a_reference_is_never_matched_by_its_amount() -> None:
    text = "交易日期,商户订单号,金额\n2026-11-20,,100.00\n"
    result = compare(taken("bank_csv", text.encode()).lines, [_ours(PLAIN[0])], channel="x", day=DAY)
    assert _kinds(result) == [MORE.UNKNOWN_TO_US, MORE.MISSING_AT_BANK]


@pytest.mark.parametrize("off", [1, -1])
def test_25_one_fen_is_a_difference(off: int) -> None:
    result = _compare(PLAIN, [_ours(PLAIN[0], amount=PLAIN[0].amount + off), *map(_ours, PLAIN[1:])])
    assert _kinds(result) == [MORE.AMOUNT]
    assert gap(result) == -off


@pytest.mark.parametrize("kind", ["trade", "alipay", "bank_csv", "camt053"])
def test_26_a_fee_kept_is_a_difference_unless_it_was_agreed(kind: str) -> None:
    paid = [Paid(UUID(int=5), 10_000, 25)]
    assert _kinds(_compare(paid, [_ours(paid[0])], kind)) == [MORE.FEE]
    assert _compare(paid, [_ours(paid[0], fee=25)], kind).clean


def test_26_a_fee_taken_out_of_the_printed_amount_is_a_difference_in_the_fee() -> None:
    net = [Paid(UUID(int=5), 9_975, 25)]
    assert _kinds(_compare(net, [_ours(net[0], amount=10_000)])) == [MORE.FEE]
    other = [Paid(UUID(int=5), 9_900, 25)]
    assert _kinds(_compare(other, [_ours(other[0], amount=10_000)])) == [MORE.AMOUNT]


def test_27_the_same_row_twice_matches_once_and_is_a_duplicate_once() -> None:
    result = _compare([PLAIN[0], PLAIN[0], PLAIN[1]], [_ours(one) for one in PLAIN[:2]])
    assert _kinds(result) == [MORE.DUPLICATE]
    assert (result.differences[0].line.copy if result.differences[0].line else 0) == 2
    assert len(result.matches) == 2


def test_28_a_reference_that_comes_back_next_year_leaves_the_old_payment_untouched() -> None:
    old = _ours(PLAIN[0], day=date(2025, 11, 20))
    result = _compare(PLAIN[:1], [old], other_days=[old.reference])
    assert _kinds(result) == [MORE.UNKNOWN_TO_US]
    assert result.differences[0].ours is None
    new = _ours(PLAIN[0])
    assert _compare(PLAIN[:1], [old, new]).matches[0].ours == new


def test_29_the_last_second_counts_for_the_day_and_the_next_one_does_not() -> None:
    last = Paid(UUID(int=7), 100, at=datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC))
    late = Paid(UUID(int=8), 100, at=datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC))
    lines = taken("bank_csv", bills.bank([last, late]).replace(b"20261120,16", b"20261121,00")).lines
    lines_at = [line.business_day for line in lines]
    assert [line.moment_text for line in lines] == ["20261120 15:59:59", "20261121 00:00:00"]
    assert lines_at == [DAY, DAY + timedelta(days=1)]
    result = compare(lines, [_ours(last)], channel="x", day=DAY)
    assert _kinds(result) == [MORE.OTHER_DAY]
    assert len(result.matches) == 1


def test_a_return_we_had_not_heard_of_is_told_as_one_and_a_known_one_matches() -> None:
    back = Paid(PLAIN[0].key, PLAIN[0].amount, back=True)
    earlier = reference_of(back.key)
    assert _kinds(_compare([back], [], other_days=[earlier])) == [MORE.RETURNED]
    assert _kinds(_compare([back], [])) == [MORE.UNKNOWN_TO_US]
    assert _compare([back], [_ours(back)]).clean
    assert _kinds(_compare([PLAIN[0], back], [_ours(PLAIN[0])])) == [MORE.RETURNED]


def test_a_payment_that_failed_for_us_and_stands_at_the_bank_is_a_difference_in_state() -> None:
    assert _kinds(_compare(PLAIN[:1], [_ours(PLAIN[0], failed=True)])) == [MORE.STATE]
    silent = _compare([], [_ours(PLAIN[0], failed=True)])
    assert silent.clean
    assert silent.silent == (_ours(PLAIN[0], failed=True),)
    text = f"日期,客户流水号,金额,处理结果\n2026-11-20,{PLAIN[0].key},100.00,失败\n"
    lines = taken("bank_csv", text.encode()).lines
    assert _kinds(compare(lines, [_ours(PLAIN[0])], channel="x", day=DAY)) == [MORE.STATE]
    assert compare(lines, [_ours(PLAIN[0], failed=True)], channel="x", day=DAY).clean


def test_other_channels_are_left_untouched() -> None:
    ours = [_ours(PLAIN[0]), Ours(UUID(int=50), "y", DAY, "50", 1)]
    assert _compare(PLAIN[:1], ours).clean


def test_fees_and_arrivals_in_rows_of_their_own_stand_beside_their_payment() -> None:
    from anhuan.simbank import files

    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    key = PLAIN[0].key.hex
    rows = (
        files.Row(files.Kind.PAID, at, "B1", key, 10_000, 25), files.Row(files.Kind.GIVEN, at, "B1", key, 9_975),
        files.Row(files.Kind.GIVEN, at, "B0", UUID(int=77).hex, 1_000),
    )  # fmt: skip
    content, _ = files.fund_flow(files.DayBook("x", DAY, "1", rows))
    lines = taken("fund_flow", content).lines
    known = [UUID(int=77).hex]
    agreed = compare(lines, [_ours(PLAIN[0], fee=25)], channel="x", day=DAY, other_days=known)
    assert agreed.clean
    assert [line.kind for line in agreed.beside] == [LineKind.FEE, LineKind.GIVEN, LineKind.GIVEN]
    assert set(_kinds(compare(lines, [_ours(PLAIN[0])], channel="x", day=DAY, other_days=known))) == {MORE.FEE}
    assert _kinds(compare(lines, [_ours(PLAIN[0], fee=25)], channel="x", day=DAY)) == [MORE.UNKNOWN_TO_US]


changes = st.sampled_from(("same", "gone", "fen", "fee", "twice", "stranger", "failed"))


@settings(max_examples=70, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50_000), changes, st.booleans()), max_size=12),
    st.sampled_from(("bank_csv", "trade", "camt053")),
)
def test_whatever_happens_lines_and_payments_add_up(world: list[tuple[int, str, bool]], kind: str) -> None:
    paid: list[Paid] = []
    ours: list[Ours] = []
    for number, (amount, change, back) in enumerate(world, start=1):
        one = Paid(UUID(int=number), amount, back=back)
        ours += [] if change == "stranger" else [_ours(one, failed=change == "failed" and not back)]
        printed = Paid(one.key, amount + (change == "fen"), int(change == "fee"), back)
        paid += [] if change == "gone" else [printed] * (2 if change == "twice" else 1)
    lines = taken(kind, bills.KINDS[kind](paid)).lines
    result = compare(lines, ours, channel="x", day=DAY)
    with_line = [one for one in result.differences if one.line]
    assert len(result.matches) + len(with_line) + len(result.beside) == len(lines)
    standing = {one.key for one in ours}
    placed = [match.ours.key for match in result.matches] + [one.key for one in result.silent]
    placed += [one.ours.key for one in result.differences if one.ours and one.kind is not MORE.DUPLICATE]
    assert sorted(placed) == sorted(standing)
    assert sum(line.amount for line in lines) == sum(one.amount for one in ours) + gap(result)
    expected = {
        "gone": MORE.MISSING_AT_BANK,
        "fen": MORE.AMOUNT,
        "twice": MORE.DUPLICATE,
        "stranger": MORE.UNKNOWN_TO_US,
    }
    for number, (_, change, back) in enumerate(world, start=1):
        kinds = [one.kind for one in result.differences if one.reference == UUID(int=number).hex]
        wanted = [expected[change]] if change in expected else [MORE.FEE] if change == "fee" and not back else []
        assert kinds == ([MORE.STATE] if change == "failed" and not back else wanted)


def test_a_comparison_that_loses_a_line_is_broken() -> None:
    lines = taken("bank_csv", bills.bank(PLAIN)).lines
    right = compare(lines, map(_ours, PLAIN), channel="x", day=DAY)
    for wrong in (
        Comparison(right.matches[1:], ()),
        Comparison((*right.matches, right.matches[0]), ()),
        Comparison(right.matches[1:], (), beside=(right.matches[0].line,)),
    ):
        with pytest.raises(SumsApart):
            insist(wrong, lines, [_ours(one) for one in PLAIN])


def test_two_payments_of_ours_with_one_reference_are_a_broken_law_of_ours() -> None:
    with pytest.raises(SumsApart):
        compare([], [_ours(PLAIN[0]), _ours(PLAIN[0])], channel="x", day=DAY)


# --- versions of one file ---


def _changed(before: list[Paid], after: list[Paid], kind: str = "bank_csv") -> tuple[list[str], list[str], list[str]]:
    said = revise(taken(kind, bills.KINDS[kind](before)), taken(kind, bills.KINDS[kind](after)))
    assert said is not None

    def names(lines: tuple[FileLine, ...]) -> list[str]:
        return [line.reference[-2:] for line in lines]

    return names(said.added), names(said.removed), [one.reference[-2:] for one in said.altered]


def test_27_the_same_bytes_again_are_no_news() -> None:
    file = taken("bank_csv", bills.bank(PLAIN))
    assert revise(file, file) is None


def test_27_a_new_version_tells_what_it_changed_and_nothing_else() -> None:
    assert _changed(PLAIN[:2], PLAIN) == (["03"], [], [])
    assert _changed(PLAIN, PLAIN[1:]) == ([], ["01"], [])
    other = [Paid(PLAIN[0].key, 1), *PLAIN[1:]]
    assert _changed(PLAIN, other) == ([], [], ["01"])
    assert _changed(PLAIN, list(reversed(PLAIN))) == ([], [], [])
    assert _changed(PLAIN, [PLAIN[0], *PLAIN]) == (["01"], [], [])


def test_versions_of_two_days_kinds_or_channels_are_not_compared() -> None:
    file = taken("bank_csv", bills.bank(PLAIN))
    for other in (
        taken("bank_csv", bills.bank(PLAIN), day=date(2026, 11, 21)), taken("trade", bills.trade(PLAIN)),
        taken("bank_csv", bills.bank(PLAIN), channel="y"),
    ):  # fmt: skip
        with pytest.raises(OtherFile):
            revise(file, other)
