"""No bytes may trip a reader: broken, cut and mixed files end in a reading or in a clear refusal."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.statements import seeds

from anhuan.kit.errors import Bad
from anhuan.statements import cells, files, mapping
from anhuan.statements.files import read_file
from anhuan.statements.model import NeedsMapping, Reading, Unreadable

pytestmark = pytest.mark.scope("S0-10")

TEXTS = tuple(seeds.texts())
PACKED = tuple(seeds.packed())
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
FEW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)


def outcome(data: bytes) -> Reading | Bad:
    """A reading or a refusal of the contract; anything else fails the test."""
    try:
        return read_file(data, "x.csv", password="1")
    except (Unreadable, NeedsMapping) as error:
        refused = error
    if files.STUMBLED in refused.message:
        raise AssertionError(refused.message) from refused.__cause__
    return refused


def mixed(seed: bytes, at: int, drop: int, put: bytes) -> bytes:
    """The seed with some bytes dropped at a place and others put there."""
    at %= len(seed)
    return seed[:at] + put + seed[at + drop :]


@SLOW
@given(some.sampled_from(TEXTS), some.integers(0, 5000), some.integers(0, 400), some.binary(max_size=40))
def test_changed_text_files_are_read_or_refused(seed: bytes, at: int, drop: int, put: bytes) -> None:
    outcome(mixed(seed, at, drop, put))


@FEW
@given(some.sampled_from(PACKED), some.integers(0, 5000), some.integers(0, 400), some.binary(max_size=40))
def test_changed_packed_files_are_read_or_refused(seed: bytes, at: int, drop: int, put: bytes) -> None:
    outcome(mixed(seed, at, drop, put))


@SLOW
@given(some.binary(max_size=600))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    outcome(data)


@SLOW
@given(
    some.lists(
        some.lists(some.one_of(some.text(max_size=12), some.sampled_from(["日期", "金额", "2025-01-02", "1.00", "-3,5", "余额"])),  # noqa: E501
                   min_size=1, max_size=6),
        max_size=12,
    )
)  # fmt: skip
def test_any_table_is_read_or_asked_about(rows: list[list[str]]) -> None:
    outcome("\n".join(",".join(row) for row in rows).encode("utf-8", errors="replace"))


@SLOW
@given(some.text(max_size=30))
def test_any_cell_is_an_amount_or_none(text: str) -> None:
    try:
        found = cells.amount_of(text)
    except Bad:
        return
    assert found is None or isinstance(found.minor, int)


@SLOW
@given(some.integers(-(10**9), 10**9), some.sampled_from(["{:.2f}", "¥{:,.2f}", "CNY {:.2f}", "{:,.2f}\t"]))
def test_written_amounts_come_back(minor: int, form: str) -> None:
    found = cells.amount_of(form.format(Decimal(minor) / 100))
    assert found is not None
    assert found.minor == minor


@SLOW
@given(
    some.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)),
    some.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%Y年%m月%d日"]),
)
def test_written_dates_come_back(day: date, form: str) -> None:
    written = day.strftime(form)
    assert cells.read_dates([written]).dates[written] == day


@SLOW
@given(some.lists(some.text(max_size=8), max_size=8))
def test_a_fingerprint_does_not_see_padding(headings: list[str]) -> None:
    assert mapping.fingerprint(headings) == mapping.fingerprint([f"  {one} \t" for one in headings] + ["", " "])


@SLOW
@given(some.lists(some.tuples(some.integers(1, 10**7), some.booleans()), min_size=1, max_size=30))
def test_no_fen_of_a_table_is_lost(rows: list[tuple[int, bool]]) -> None:
    body = "\n".join(
        f"2025-01-02,x,{'' if out else f'{n / 100:.2f}'},{f'{n / 100:.2f}' if out else ''}" for n, out in rows
    )
    reading = read_file(f"日期,摘要,收入金额,支出金额\n{body}\n".encode(), "x")
    assert [one.amount for one in reading.lines] == [n if out else -n for n, out in rows]
