"""A plan explains itself: reasons, savings, what stays open, habits, and what if."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from anhuan.planning import BadRequest, Explanation, Plan, Request, WhatIf, compare, cost_of, plan, request_from
from anhuan.planning.explain import explain
from anhuan.planning.habits import live, live_habits

AS_OF = "2026-11-21"


def card(name: str = "a", **other: Any) -> dict[str, Any]:
    """8,000.00 on a bill due on 28 November, and a statement to come."""
    return {
        "id": name, "daily_rate": "0.0005", "minimum_rate": "0.1", "late_fee_rate": "0.05",
        "statements": [
            {"statement_date": "2026-11-08", "due_date": "2026-11-28", "minimum": 80_000,
             "charges": [{"posted": "2026-10-20", "amount": 800_000}]},
            {"statement_date": "2026-12-08", "due_date": "2026-12-28", "charges": []},
        ],
    } | other  # fmt: skip


def asked(balance: int, *cards: dict[str, Any], channel: dict[str, Any] | None = None, **other: Any) -> Request:
    held = list(cards) or [card()]
    way = {"id": "way", "accounts": ["own"], "cards": [one["id"] for one in held]} | (channel or {})
    return request_from({
        "as_of": AS_OF, "accounts": [{"id": "own", "balance": balance}], "channels": [way], "cards": held,
    } | other)  # fmt: skip


def told(request: Request) -> tuple[Plan, Explanation]:
    made = plan(request)
    return made, explain(request, made)


def reasons(explanation: Explanation) -> list[list[str]]:
    return [[words.code for words in leg.reasons] for leg in explanation.legs]


def test_a_full_payment_says_so_and_saves_what_nothing_would_cost() -> None:
    request = asked(1_000_000)
    made, why = told(request)
    nothing = cost_of(request, type(made.legs)())[0].total
    assert reasons(why) == [["full_by_due"]]
    assert why.legs[0].saves == nothing - made.cost > 100_000


def test_a_minimum_that_is_kept_is_named() -> None:
    made, why = told(asked(80_000, cash_flows=[{"account": "own", "date": "2026-12-20", "amount": 900_000}]))
    assert reasons(why)[0] == ["keeps_minimum"]
    assert why.legs[0].saves >= 100_000
    assert why.left[0].why.code == "no_money"
    assert (why.left[0].balance, why.left[0].due_on) == (800_000, date(2026, 11, 28))
    assert made.missed == ()


@pytest.mark.scope("S0-21")
def test_a_channel_that_sleeps_at_the_weekend_is_used_before_it() -> None:
    made, why = told(asked(1_000_000, channel={"workdays_only": True}))
    leg = made.legs.payments[0]
    assert date.fromordinal(leg.credited) <= date(2026, 11, 27), "28 November is a Saturday"
    assert reasons(why) == [["full_by_due", "workdays"]]


@pytest.mark.scope("S3-12", "S0-27")
def test_a_limit_splits_a_payment_and_is_named_as_the_reason() -> None:
    made, why = told(asked(1_000_000, channel={"per_payment_max": 500_000}))
    assert sorted(payment.amount for payment in made.legs.payments) == [300_000, 500_000]
    assert all("split_limit" in codes for codes in reasons(why))


def test_nothing_but_a_limit_or_an_income_splits_a_payment() -> None:
    made, _ = told(asked(1_000_000))
    assert len(made.legs.payments) == 1


def test_income_that_comes_in_parts_is_named_as_the_reason() -> None:
    flows = [{"account": "own", "date": "2026-11-25", "amount": 500_000}]
    carried = card(statements=[
        {"statement_date": "2026-11-08", "due_date": "2026-11-28", "carried": 800_000, "minimum": 80_000},
    ])  # fmt: skip
    made, why = told(asked(400_000, carried, cash_flows=flows))
    assert [date.fromordinal(one.day) for one in made.legs.payments] == [date(2026, 11, 21), date(2026, 11, 25)]
    assert "split_income" in reasons(why)[1]


def test_fees_and_free_quotas_are_named() -> None:
    _, free = told(asked(1_000_000, channel={"fee_rate": "0.001", "free_quota": 800_000}))
    _, paid = told(asked(1_000_000, channel={"fee_rate": "0.001"}))
    assert "free_quota" in reasons(free)[0]
    assert "fee_paid" in reasons(paid)[0]


def test_a_hundred_yuan_more_saves_exactly_what_a_richer_plan_costs_less() -> None:
    request = asked(300_000)
    made, why = told(request)
    assert why.hundred == made.cost - plan(asked(310_000)).cost > 0
    assert told(asked(1_000_000))[1].hundred == 0


def test_a_card_that_no_channel_reaches_says_so() -> None:
    _, why = told(asked(1_000_000, channel={"cards": []}))
    assert [left.why.code for left in why.left][:1] == ["no_way"]


@pytest.mark.scope("S0-12")
def test_idle_cash_is_counted_in_fen_days() -> None:
    made, why = told(asked(1_000_000))
    (idle,) = why.idle
    paid_on = made.legs.payments[0].day
    days = paid_on - date(2026, 11, 21).toordinal()
    assert (idle.lowest, idle.fen_days) == (200_000, 1_000_000 * days + 200_000 * (93 - days))


def test_habits_pay_as_people_do() -> None:
    low = card("low", daily_rate="0.0003")
    small = card("small", daily_rate="0.0004", statements=[
        {"statement_date": "2026-11-10", "due_date": "2026-11-30", "minimum": 10_000,
         "charges": [{"posted": "2026-10-20", "amount": 100_000}]},
    ])  # fmt: skip
    request = asked(700_000, card("high", daily_rate="0.0006"), low, small)
    paid = {}
    for kind in ("minimum_only", "by_due_date", "highest_rate", "smallest_balance"):
        sums: dict[str, int] = {}
        for payment in live(request, kind).legs.payments:
            sums[payment.card] = sums.get(payment.card, 0) + payment.amount
        paid[kind] = sums
    assert paid["by_due_date"] == {"high": 700_000}, "until the money is gone: the rest gets nothing"
    assert paid["highest_rate"] == {"high": 610_000, "low": 80_000, "small": 10_000}
    assert paid["smallest_balance"]["small"] == 100_000
    assert paid["minimum_only"]["small"] >= 10_000
    assert plan(request).cost <= min(lived.cost for lived in live_habits(request))


@pytest.mark.scope("S0-20")
def test_skipping_a_bill_is_set_beside_the_plan_as_it_stands() -> None:
    request = asked(1_000_000)
    skipped = compare(request, WhatIf(skip=("a",)))
    assert (skipped.before.cost, skipped.plan.breakdown.missed_minimums) == (0, 100_000)
    assert skipped.plan.breakdown.late_fees == 4_000
    assert skipped.plan.breakdown.interest >= 800_000 * 49 * 5 // 10_000, "20 October to 8 December"
    assert skipped.plan.lower_bound <= skipped.plan.cost == skipped.dearer
    assert all(payment.credited >= date(2026, 12, 8).toordinal() for payment in skipped.plan.legs.payments)
    assert cost_of(request, skipped.plan.legs)[0] == skipped.plan.breakdown


def test_more_money_less_income_and_a_channel_less_change_the_plan() -> None:
    flows = [{"account": "own", "date": "2026-11-25", "amount": 500_000}]
    request = asked(400_000, cash_flows=flows)
    assert compare(request, WhatIf(money=-200_000)).dearer > 0
    assert compare(request, WhatIf(income_percent=-50)).dearer > 0
    assert compare(request, WhatIf(money=100_000, income_percent=10)).dearer == 0
    assert compare(request, WhatIf(without=("way",))).plan.legs.payments == ()
    with pytest.raises(BadRequest) as refused:
        compare(request, WhatIf(skip=("none",)))
    assert refused.value.field == "skip"


def test_every_sentence_speaks_both_languages() -> None:
    request = asked(400_000, channel={"fee_rate": "0.001", "per_payment_max": 100_000, "lead_days": 1})
    _, why = told(request)
    for lang in ("zh", "en"):
        said = [leg.text(lang) for leg in why.legs] + [left.why.say(lang) for left in why.left]
        said += [words.say(lang) for one in why.steps for words in one.steps]
        assert all(said)
        assert deepcopy(why).as_json(lang) == why.as_json(lang)
