"""A bill that falls due and is not arranged is told in time, once for each step, with a link that fills the sheet."""

from datetime import UTC, datetime

import pytest
from tests.repayments.conftest import Home

from anhuan import cards, notify
from anhuan.kit import jobs, wall
from anhuan.repayments import reminding


def told(home: Home) -> list[str]:
    """What a round tells this home, as the days before the due day."""
    with jobs.transaction() as db:
        wall.everybody(db)
        mine = [one for one in reminding.coming(db, home.clock()) if one.due.party == home.party]
    with home.worker() as db:
        return [str(one.days) for one in mine if reminding.tell(db, one, now=home.clock())]


@pytest.mark.scope("S3-01")
def test_a_bill_without_a_payment_is_told_three_days_and_one_day_before(home: Home) -> None:
    assert told(home) == []
    home.clock.now = datetime(2026, 12, 5, 1, 0, tzinfo=UTC)
    assert (told(home), told(home)) == (["3"], [])
    home.clock.now = datetime(2026, 12, 7, 1, 0, tzinfo=UTC)
    assert told(home) == ["1"]
    with home.rows() as db:
        newest = notify.messages(db, home.party, lang="zh", now=home.clock(), at_most=5)[0]
    assert newest.link == f"/repay/{home.account_id}"


def test_a_bill_that_is_paid_or_on_its_way_is_left_alone(home: Home) -> None:
    home.tap()
    home.clock.now = datetime(2026, 12, 6, 1, 0, tzinfo=UTC)
    assert told(home) == []


def test_a_bill_that_was_paid_elsewhere_is_left_alone(home: Home) -> None:
    with home.rows() as db:
        cards.record_payment(db, home.party, home.bill_id, 100_000, home.clock().date(), now=home.clock())
    home.clock.now = datetime(2026, 12, 6, 1, 0, tzinfo=UTC)
    assert told(home) == []
