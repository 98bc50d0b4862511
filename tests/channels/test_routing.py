"""Which channel carries a payment: the cheapest of those that can, and every other one says why not."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from tests.channels.bank import RECORD
from tests.channels.conftest import NOW

from anhuan.channels.model import HealthState, Licence, Window
from anhuan.channels.routing import Option, Passed, Route, by_hand, choose

pytestmark = pytest.mark.scope("S2-04")
SOON = NOW + timedelta(minutes=10)
PLAIN = Option(RECORD, 0, SOON, True, HealthState.ANSWERED)


def option(name: str, **changes: object) -> Option:
    """An option by name; what is no field of it changes its record."""
    record = {key: value for key, value in changes.items() if key in RECORD.__dataclass_fields__}
    other = {key: value for key, value in changes.items() if key not in record}
    return replace(PLAIN, record=replace(RECORD, channel=name, **record), **other)  # type: ignore[arg-type]


def route(*options: Option, amount: int = 50_000, hours: int = 24) -> Route:
    return choose(options, amount=amount, funding_kind="own_debit", now=NOW, arrive_by=NOW + timedelta(hours=hours))


def chosen(found: Route) -> str | None:
    return found.chosen.record.channel if found.chosen else None


@pytest.mark.parametrize(("bad", "why"), [
    ({"live": False}, Passed.NOT_LIVE),
    ({"funding_kinds": ("own_wallet",)}, Passed.FUNDING),
    ({"per_payment_max": 49_999}, Passed.LIMIT),
    ({"per_payment_min": 50_001}, Passed.LIMIT),
    ({"used_today": 850_001}, Passed.LIMIT),
    ({"payments_per_month": 5, "payments_of_card": 5}, Passed.LIMIT),
    ({"per_month_max": 100_000, "used_month": 60_000}, Passed.LIMIT),
    ({"health": HealthState.OPEN}, Passed.DOWN),
    ({"health": HealthState.SILENT}, Passed.DOWN),
    ({"arrives_by": NOW + timedelta(hours=25)}, Passed.TOO_LATE),
    ({"arrives_by": NOW + timedelta(hours=23, minutes=40), "maintenance": (Window(time(9), time(10, 30)),)},
     Passed.TOO_LATE),  # it could arrive, but may not be sent for half an hour
    ({"fee": 50}, Passed.DEARER),
    ({"arrives_by": SOON + timedelta(minutes=1)}, Passed.SLOWER),
    ({"health": HealthState.SLOW}, Passed.SLOWER),
])  # fmt: skip
def test_each_reason_to_pass_a_channel_over(bad: dict[str, object], why: Passed) -> None:
    found = route(option("good"), option("bad", **bad))
    assert chosen(found) == "good"
    assert found.passed == (("bad", why),)


def test_nothing_is_chosen_where_nothing_can_carry_it() -> None:
    found = route(option("one", live=False), option("two", per_payment_max=1))
    assert found == Route(None, (("one", Passed.NOT_LIVE), ("two", Passed.LIMIT)))


def test_a_cheaper_channel_by_hand_wins_over_a_dearer_one_that_goes_by_itself() -> None:
    hand = {"asks": False, "licence": Licence.OWN_HAND}
    assert chosen(route(option("hand", **hand), option("dear", fee=1))) == "hand"
    assert chosen(route(option("hand", **hand), option("by itself"))) == "by itself"
    assert by_hand(option("hand", **hand).record)


def test_the_order_of_the_options_does_not_matter() -> None:
    three = [option("b"), option("a"), option("c", fee=3)]
    assert {chosen(route(*order)) for order in (three, three[::-1], three[1:] + three[:1])} == {"a"}
