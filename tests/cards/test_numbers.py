"""Card numbers: checked, cut, masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.cards import NotACard, mask, read_last_digits, read_number
from anhuan.cards.numbers import check_digit_right, same_card


def whole(front: str) -> str:
    """The number with its check digit."""
    return next(front + digit for digit in "0123456789" if check_digit_right(front + digit))


@pytest.mark.scope("S3-04")
@given(st.text("0123456789", min_size=12, max_size=18))
def test_a_right_number_is_read_and_one_wrong_digit_is_always_seen(front: str) -> None:
    number = whole(front)
    assert read_number(number) == (number[:6], number[-4:])
    for at, digit in enumerate(number):
        mistyped = number[:at] + str((int(digit) + 1) % 10) + number[at + 1 :]
        with pytest.raises(NotACard):
            read_number(mistyped)


@pytest.mark.parametrize(
    "typed", ["", "12", "12345", "123456789012", "1" * 20, "６２２２", "62220000abcd0000", "cvv 123"]
)
def test_what_is_no_card_number_is_refused(typed: str) -> None:
    with pytest.raises(NotACard):
        read_last_digits(typed)


@pytest.mark.parametrize(("typed", "tail"), [("2010", "2010"), (" 855 ", "855"), ("**** 2010", "2010")])
def test_last_digits_are_taken_as_people_write_them(typed: str, tail: str) -> None:
    assert read_last_digits(typed) == tail


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("还款 6222000000000000004 完成", "还款 ****0004 完成"),
        ("6222 0000 0000 0000 004", "****0004"),
        ("2026-11-21 12:00 消费 8,000.00", "2026-11-21 12:00 消费 8,000.00"),
        ("尾号2010", "尾号2010"),
    ],
)
def test_whole_numbers_are_masked_and_other_figures_are_not(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text("0123456789", min_size=12, max_size=18), st.text("甲乙 丙,。", max_size=5))
def test_no_whole_number_survives_masking(front: str, words: str) -> None:
    number = whole(front)
    assert number not in mask(f"{words}{number}{words}")


def test_tails_of_three_and_four_digits_can_be_one_card() -> None:
    assert same_card("8855", "855")
    assert not same_card("8855", "885")
