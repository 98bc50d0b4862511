"""An order as a value, for tests of rules."""

from datetime import date, datetime
from uuid import UUID

from anhuan.kit import clock
from anhuan.repayments.model import AmountRule, OrderStatus, OrderView


def an_order() -> OrderView:
    """500.00 sent on the tenth; safe until the fifteenth, by hand from the sixteenth, due on the eighteenth."""

    def at(day: int, hour: int = 9) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=clock.CHINA)

    one = UUID(int=1)
    return OrderView(
        order_id=one, group_id=one, account_id=one, bill_id=None, bank="cmb", source_id=one, channel="simbank",
        rule=AmountRule.FULL, amount=50_000, fee=0, fees=(), status=OrderStatus.SENT, wait=None,
        due_on=date(2026, 11, 18), start_at=at(10), expected_at=at(16, 12), safe_by_at=at(15), by_hand_at=at(16),
        placed_at=at(10), sent_at=at(10), taken_at=None, arrived_on=None, arrived=None, closed_at=None, final_code="",
        resets_at=None, retry_of=None, mandate_id=None, key=one, next_at=None, party=one,
    )  # fmt: skip
