"""Advice that moves nothing: which own money pays which bill, through which channel, on which day, at the least cost.

`read_request` turns JSON into a request, `plan` answers with a proved bound, `cost_of` is the simulator of the rules,
`explain` says why; `plan_mine` does it for the stored household. There is no leg that charges a card.
"""

from typing import TYPE_CHECKING, Any

from anhuan.planning.answer import answer_of, request_warnings
from anhuan.planning.costing import cost_of, settle_fees
from anhuan.planning.explain import explain
from anhuan.planning.explained import Explanation
from anhuan.planning.habits import live_habits
from anhuan.planning.model import BadPlan, BadRequest, Legs, Payment, Plan, Request, Status
from anhuan.planning.planner import plan
from anhuan.planning.what_if import Compared, WhatIf, compare
from anhuan.planning.wire import read_request, request_from, unused_fields
from anhuan.planning.wording import Words

if TYPE_CHECKING:
    from anhuan.planning.holdings import HOLDINGS, erase, export, held
    from anhuan.planning.household import Assumption, Household
    from anhuan.planning.service import (
        BillLeft,
        ChannelChoice,
        DayPoint,
        ExpectedFlow,
        ExplainedPlan,
        MinimumMissed,
        PlanLeg,
        PlanSettings,
        channels,
        flows,
        household_of,
        of_known_bills,
        plan_mine,
        remove_flow,
        request_of,
        set_channel,
        set_flow,
        set_settings,
        set_spending,
        settings,
        spending,
    )

_STORED = {
    **dict.fromkeys(("HOLDINGS", "erase", "export", "held"), "holdings"),
    **dict.fromkeys(("Assumption", "Household"), "household"),
    **dict.fromkeys(
        (
            *("BillLeft", "ChannelChoice", "DayPoint", "ExpectedFlow", "ExplainedPlan", "MinimumMissed", "PlanLeg"),
            *("PlanSettings", "channels", "flows", "household_of", "of_known_bills", "plan_mine", "remove_flow"),
            *("request_of", "set_channel", "set_flow", "set_settings", "set_spending", "settings", "spending"),
        ),
        "service",
    ),
}

__all__ = [
    "HOLDINGS",
    "Assumption",
    "BadPlan",
    "BadRequest",
    "BillLeft",
    "ChannelChoice",
    "Compared",
    "DayPoint",
    "ExpectedFlow",
    "ExplainedPlan",
    "Explanation",
    "Household",
    "Legs",
    "MinimumMissed",
    "Payment",
    "Plan",
    "PlanLeg",
    "PlanSettings",
    "Request",
    "Status",
    "WhatIf",
    "Words",
    "answer_of",
    "channels",
    "compare",
    "cost_of",
    "erase",
    "explain",
    "export",
    "flows",
    "held",
    "household_of",
    "live_habits",
    "of_known_bills",
    "plan",
    "plan_mine",
    "read_request",
    "remove_flow",
    "request_from",
    "request_of",
    "request_warnings",
    "set_channel",
    "set_flow",
    "set_settings",
    "set_spending",
    "settings",
    "settle_fees",
    "spending",
    "unused_fields",
]


def __getattr__(name: str) -> Any:
    """The acts on the stored household are imported when first asked for: planning a file needs no database."""
    if name in _STORED:
        from importlib import import_module

        return getattr(import_module(f"anhuan.planning.{_STORED[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
