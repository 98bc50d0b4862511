"""What the sheet says of one payment before it is confirmed."""

from dataclasses import replace
from datetime import date

import pytest
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards
from anhuan.repayments.model import PayPart
from anhuan.repayments.screen import PayShown, Sheet, Typed

__all__ = ["clean", "home", "house"]


@pytest.mark.parametrize(
    ("last", "late"),
    [
        (date(2026, 12, 7), False),  # the day before it is due
        (date(2026, 12, 9), True),  # the first part is there in time, this one is not
    ],
)
def test_a_payment_in_parts_is_late_where_its_last_part_is(home: Home, last: date, late: bool) -> None:
    quote = home.quote()
    assert quote.due_on == date(2026, 12, 8)
    parts = (PayPart(60_000, ()), PayPart(40_000, (), last))
    with home.rows() as db:
        face = cards.account_face(db, home.party, home.account_id)
    shown = PayShown(Typed(home.account_id), face, None, replace(quote, parts=parts), ())
    assert shown.late is late
    assert shown.expected_at is not None
    assert shown.expected_at.date() >= last
    sheet = Sheet((shown,), (), (), home.party, "", "", is_read=True, retry_of=None, trouble="")
    assert sheet.expected_at == shown.expected_at
