"""南京银行: one bill for the account; until 2025 a poster without labels."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, problems, read
from tests.statements.shapes_mail import Para, rows


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_labels_may_have_blanks_between_their_characters(shape: str) -> None:
    reading = read(letters.njcb_2026(), shape)
    assert bills(reading) == ["CNY 105.00 5.00 2026-08-12 2026-09-06 2039 account -"]
    assert lines(reading) == [
        "2026-07-20 2026-07-21 205.00 CNY 2039 purchase 示例书店",
        "2026-08-01 2026-08-01 -100.00 CNY 2039 repayment 还款",
    ]
    assert (reading.template, problems(reading)) == ("2026", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_the_poster_is_read_by_its_order_and_less_surely(shape: str) -> None:
    reading = read(letters.njcb_2023(), shape)
    assert bills(reading) == ["CNY 415.00 120.70 2023-12-12 2024-01-06 - account -"]
    bill = reading.bills[0]
    assert bill.inferred == ("statement_on",)
    assert max(bill.confidence.values()) < 0.9
    assert (reading.template, reading.complete) == ("2023", False)


def test_a_poster_in_another_order_is_not_guessed() -> None:
    poster = (Para("张三 先生的N Card信用卡账单"), rows(("2023-12",), ("2024年01月06日",), ("415.00",), ("120.70",)))
    reading = read(replace(letters.njcb_2023(), blocks=poster))
    assert (bills(reading), problems(reading)) == ([], ["bill.template_unknown"])
