"""Few days are enough: with every day offered to the program, no plan gets cheaper."""

import random
from unittest.mock import patch

import pytest
from tests.laws.plan_requests import any_request

from anhuan.planning import options, plan, request_from
from anhuan.planning.means import Means, means_of
from anhuan.planning.model import Account, Flow, Request


@pytest.mark.parametrize("seed", range(8))
def test_more_days_make_no_plan_cheaper(seed: int) -> None:
    request = request_from(any_request(random.Random(seed), cards=1, lines=False))
    few = plan(request)
    everyday = list(range(request.as_of, request.last + 1))
    with (
        patch.object(Means, "growth_days", lambda self: everyday),
        patch.object(options, "_plain", lambda channel: False),
    ):
        many = plan(request)
    # both are within their own proved gaps; more days may never beat the bound that few days proved
    assert many.cost >= few.lower_bound


def test_the_safe_room_is_the_least_of_the_days_to_come() -> None:
    account = Account("own", 100_00, reserve=20_00)
    flows = (Flow("own", 5, 50_00), Flow("own", 9, -110_00), Flow("own", 12, 40_00))
    request = Request(1, 30, 0, 0, (account,), (), flows)
    means = means_of(request, account)
    assert means.days == (1, 5, 9, 12)
    assert means.room == (80_00, 130_00, 20_00, 60_00)
    assert means.safe == (20_00, 20_00, 20_00, 60_00)
    assert means.growth_days() == [1, 12]
    assert means.safe_on(11) == 20_00


def test_spending_that_empties_an_account_leaves_no_room_but_no_debt_either() -> None:
    account = Account("own", 10_00, reserve=50_00)
    means = means_of(Request(1, 30, 0, 0, (account,), (), ()), account)
    assert means.room == (0,)
