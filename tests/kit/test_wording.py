"""How amounts and days are written for people."""

from datetime import UTC, date, datetime

import pytest

from anhuan.kit import wording


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (1_286_050, "CNY", "¥12,860.50"),
        (0, "CNY", "¥0.00"),
        (-5, "CNY", "−¥0.05"),  # the minus stands before the sign
        (1_234_567, "JPY", "JP¥1,234,567"),  # no fen in yen
        (100, "CHF", "CHF 1.00"),
    ],
)
def test_an_amount_is_written_in_full(minor: int, currency: str, said: str) -> None:
    assert wording.amount(minor, currency) == said
    assert "".join(wording.amount_parts(minor, currency)) == said


@pytest.mark.parametrize(
    ("on", "zh", "en"),
    [
        (date(2026, 11, 24), "11月24日 周二", "Tue 24 Nov"),
        (date(2027, 1, 5), "2027年1月5日 周二", "Tue 5 Jan 2027"),  # the year only when it is not this one
    ],
)
def test_a_day_names_its_weekday(on: date, zh: str, en: str) -> None:
    assert wording.day(on, this_year=2026) == zh
    assert wording.day(on, lang="en", this_year=2026) == en


def test_a_moment_always_says_its_day_by_the_clock_of_china() -> None:
    late = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # already the 23rd in China
    assert wording.moment(late, today=date(2026, 11, 23)) == "今天 01:30"
    assert wording.moment(late, today=date(2026, 11, 22)) == "11月23日 周一 01:30"
    assert wording.moment(late, lang="en", today=date(2026, 11, 23)) == "Today 01:30"
