"""Room planning as JSON: plan any request, plan the stored household, and keep its expected money and channels.

Plans speak as planning.md does: money is whole fen, days are ISO 8601, rates are decimal text. What is kept for the
household (flows, spending) is decimal text in yuan, as everywhere else in this interface.
"""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel

from anhuan import planning
from anhuan.kit import page
from anhuan.kit.money import from_text, to_text
from anhuan.planning.answer import answer_of, request_warnings
from anhuan.planning.explain import explain
from anhuan.planning.service import ChannelChoice, ExpectedFlow, PlanSettings
from anhuan.planning.wire import RequestAsked, request_from, unused_fields

router = APIRouter(tags=["planning"])
Seconds = Annotated[float, Query(ge=0.05, le=10, description="how long the search may take")]
Lang = Annotated[str, Query(pattern="^(zh|en)$")]
On = Annotated[dt.date | None, Query(description="the first day of the plan; today in China if left out")]


class PaymentOut(BaseModel):
    """One payment from an own account to an own card; amounts in fen."""

    date: dt.date
    account: str
    channel: str
    card: str
    amount: int
    fee: int
    credited: dt.date


class InstalmentOut(BaseModel):
    """An instalment offer taken for a principal in fen."""

    offer: str
    principal: int


class MoveOut(BaseModel):
    """A draw on a credit line, or a repayment of it, in fen."""

    line: str
    date: dt.date
    amount: int


class BreakdownOut(BaseModel):
    """The cost by kind, in fen."""

    interest: int
    late_fees: int
    instalment_fees: int
    channel_fees: int
    line_interest: int
    missed_minimums: int
    terminal: int


class MissedOut(BaseModel):
    """A minimum the plan does not keep: `more` fen by the day `by` would save it (null: no money can any more)."""

    card: str
    statement: int
    statement_date: dt.date
    due_date: dt.date
    minimum: int
    paid: int
    more: int | None
    by: dt.date | None


class WarningOut(BaseModel):
    """Something to know about the answer."""

    code: str
    message: str


class PlanOut(BaseModel):
    """The answer of planning.md with what is missed, warnings and the explanation."""

    status: str
    cost: int
    lower_bound: int
    payments: list[PaymentOut]
    instalments: list[InstalmentOut]
    draws: list[MoveOut]
    line_repayments: list[MoveOut]
    breakdown: BreakdownOut
    warnings: list[WarningOut]
    missed: list[MissedOut] = []
    explanation: dict[str, Any] | None = None


class MyPlanOut(PlanOut):
    """The plan of the stored household, with the names of its ids and what it assumes."""

    names: dict[str, str]
    assumptions: list[str]
    approximate: bool
    calendar: str


class FlowIn(BaseModel):
    """Money an own account expects: yuan as text, spending negative; monthly on a day, or once on a date."""

    account_id: UUID
    amount: str
    label: str = ""
    day_of_month: int | None = None
    on_date: dt.date | None = None
    from_on: dt.date | None = None
    until_on: dt.date | None = None


class FlowOut(FlowIn):
    """An expected flow as it is kept."""

    flow_id: UUID


class ChannelIn(BaseModel):
    """Whether a channel is used, and from which own accounts (none named: from all)."""

    chosen: bool
    account_ids: list[UUID] = []


class ChannelOut(ChannelIn):
    """A channel with its names."""

    channel_id: str
    zh: str
    en: str


class SettingsBody(BaseModel):
    """How far to plan, and whether to rely on the banks' courtesy days and amounts."""

    horizon_days: int
    rely_on_grace: bool


class SpendingIn(BaseModel):
    """What will be spent in each cycle to come, yuan as text."""

    amount: str


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    """A JSON schema with its references put in place, since OpenAPI keeps its own list of them."""
    if isinstance(schema, list):
        return [_inlined(one, defined) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(defined[schema["$ref"].rpartition("/")[2]], defined)
    return {key: _inlined(value, defined) for key, value in schema.items() if key != "$defs"}


def _request_body() -> dict[str, Any]:
    schema = msgspec.json.schema(RequestAsked)
    told = _inlined({"$ref": schema["$ref"]}, schema["$defs"])
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": told}}}}


@router.post("/plans", openapi_extra=_request_body(), dependencies=[page.needs("plan.read")])
def make_plan(
    asked: Annotated[Any, Body()], seconds: Seconds = 2.5, lang: Lang = "zh", explained: bool = True
) -> PlanOut:
    """Plan a request (planning.md) and prove the cost; a request that cannot be planned is refused by field."""
    request = request_from(asked)
    answer = planning.plan(request, seconds=seconds)
    told = explain(request, answer, seconds=min(1.0, seconds)) if explained else None
    warnings = request_warnings(request, unused_fields(asked))
    return PlanOut.model_validate(answer_of(request, answer, explanation=told, warnings=warnings, lang=lang))


@router.get("/plans/mine", dependencies=[page.needs("plan.read")])
def my_plan(
    request: Request, db: page.Transaction, on: On = None, seconds: Seconds = 2.0, lang: Lang = "zh"
) -> MyPlanOut:
    """Plan for the stored household as it stands."""
    made = planning.plan_mine(db, page.person(request), as_of=on or page.today(request), seconds=seconds)
    answer = answer_of(made.request, made.plan, explanation=made.explanation, lang=lang)
    answer["warnings"] = [{"code": words.code, "message": words.say(lang)} for words in made.warnings]
    return MyPlanOut.model_validate(
        answer
        | {
            "names": {key: name.say(lang) for key, name in made.names.items()},
            "assumptions": [one.words.say(lang) for one in made.assumptions],
            "approximate": made.approximate,
            "calendar": made.calendar_version,
        }
    )


@router.get("/flows", dependencies=[page.needs("plan.read")])
def list_flows(request: Request, db: page.Transaction) -> list[FlowOut]:
    """The money the user expects to come and go."""
    return [_flow_out(flow) for flow in planning.flows(db, page.person(request))]


@router.post("/flows", status_code=201, dependencies=[page.needs("plan.write")])
def add_flow(request: Request, db: page.Transaction, body: FlowIn) -> FlowOut:
    """Expect money monthly or once."""
    return _flow_out(_kept(request, db, body, None))


@router.put("/flows/{flow_id}", dependencies=[page.needs("plan.write")])
def change_flow(request: Request, db: page.Transaction, flow_id: UUID, body: FlowIn) -> FlowOut:
    """Change an expected flow."""
    return _flow_out(_kept(request, db, body, flow_id))


@router.delete("/flows/{flow_id}", status_code=204, dependencies=[page.needs("plan.write")])
def forget_flow(request: Request, db: page.Transaction, flow_id: UUID) -> Response:
    """Forget an expected flow."""
    planning.remove_flow(db, page.person(request), flow_id)
    return Response(status_code=204)


@router.get("/channels", dependencies=[page.needs("plan.read")])
def list_channels(request: Request, db: page.Transaction) -> list[ChannelOut]:
    """Every channel known today, with what the user chose."""
    return [_channel_out(one) for one in planning.channels(db, page.person(request), on=page.today(request))]


@router.put("/channels/{channel_id}", status_code=204, dependencies=[page.needs("plan.write")])
def choose_channel(request: Request, db: page.Transaction, channel_id: str, body: ChannelIn) -> Response:
    """Use a channel for plans or not."""
    planning.set_channel(db, page.person(request), channel_id, chosen=body.chosen, account_ids=body.account_ids)
    return Response(status_code=204)


@router.put("/spending/{account_id}", status_code=204, dependencies=[page.needs("plan.write")])
def expect_spending(request: Request, db: page.Transaction, account_id: UUID, body: SpendingIn) -> Response:
    """Say what will be spent on a billed account in each cycle to come."""
    planning.set_spending(db, page.person(request), account_id, from_text(body.amount))
    return Response(status_code=204)


@router.get("/plan-settings", dependencies=[page.needs("plan.read")])
def show_settings(request: Request, db: page.Transaction) -> SettingsBody:
    """How the user wants to plan."""
    wishes = planning.settings(db, page.person(request))
    return SettingsBody(horizon_days=wishes.horizon_days, rely_on_grace=wishes.rely_on_grace)


@router.put("/plan-settings", dependencies=[page.needs("plan.write")])
def change_settings(request: Request, db: page.Transaction, body: SettingsBody) -> SettingsBody:
    """Change how the user wants to plan."""
    planning.set_settings(db, page.person(request), PlanSettings(body.horizon_days, body.rely_on_grace))
    return body


def _kept(request: Request, db: page.Transaction, body: FlowIn, flow_id: UUID | None) -> ExpectedFlow:
    return planning.set_flow(
        db, page.person(request), body.account_id, from_text(body.amount), label=body.label,
        day_of_month=body.day_of_month, on_date=body.on_date, from_on=body.from_on, until_on=body.until_on,
        flow_id=flow_id,
    )  # fmt: skip


def _flow_out(flow: ExpectedFlow) -> FlowOut:
    return FlowOut(
        flow_id=flow.flow_id, account_id=flow.account_id, amount=to_text(flow.amount), label=flow.label,
        day_of_month=flow.day_of_month, on_date=flow.on_date, from_on=flow.from_on, until_on=flow.until_on,
    )  # fmt: skip


def _channel_out(one: ChannelChoice) -> ChannelOut:
    return ChannelOut(
        channel_id=one.channel_id, zh=one.zh, en=one.en, chosen=one.chosen, account_ids=list(one.account_ids)
    )
