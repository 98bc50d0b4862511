"""The acts of planning for the stored household: say what money is expected, which channels are used, and plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards import AccountFace, BillView, CardTerms, Contracts, OwnAccount
from anhuan.channels import capabilities
from anhuan.channels.model import Licence
from anhuan.identity import demonstration
from anhuan.kit import calendar, terms
from anhuan.kit.errors import Refused
from anhuan.kit.ids import new_id
from anhuan.planning import above, household, store
from anhuan.planning.answer import calendar_warnings
from anhuan.planning.explain import explain
from anhuan.planning.explained import Explanation
from anhuan.planning.household import Assumption, Held, Household
from anhuan.planning.model import Card, Channel, Flow, Plan, Request
from anhuan.planning.tables import ChannelRow, FlowRow, SettingsRow, SpendingRow
from anhuan.planning.what_if import WhatIf, changed, planned
from anhuan.planning.wording import Name, Words

HORIZON_DAYS: Final = 92
TERMINAL_DAYS: Final = 180
MISSED_MINIMUM_COST: Final = 100_000
USUAL_CHANNELS: Final = ("bank_transfer",)  # the way everybody has, until the user chooses
SECONDS: Final = 2.0


class NoSuchFlow(Refused):
    """没有这笔预计收支: the user has no such expected flow."""

    code = "plan.not_found"


class BadFlow(Refused):
    """预计收支有误: neither monthly nor once, or an amount of nothing."""

    code = "plan.bad_flow"


@dataclass(frozen=True, slots=True)
class ExpectedFlow:
    """Money an own account expects, in fen (spending negative): monthly on a day of the month, or once on a date."""

    flow_id: UUID
    account_id: UUID
    label: str
    amount: int
    day_of_month: int | None = None
    on_date: date | None = None
    from_on: date | None = None
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """A channel known on a day, whether the user pays through it, and from which own accounts (none: all)."""

    channel_id: str
    zh: str
    en: str
    chosen: bool
    account_ids: tuple[UUID, ...]
    terms: terms.Channel

    def name(self, lang: str = "zh") -> str:
        """The channel's name in Chinese or English."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How far to plan, and whether the banks' courtesy days and amounts may be relied on (default: no)."""

    horizon_days: int = HORIZON_DAYS
    rely_on_grace: bool = False


@dataclass(frozen=True, slots=True)
class PlanLeg:
    """One payment for people: who pays whom, when, through what, why, and what it saves; amounts in fen."""

    card: AccountFace
    account: OwnAccount
    channel: ChannelChoice
    on: date
    credited_on: date
    amount: int
    fee: int
    saves: int
    reasons: tuple[Words, ...]

    def why(self, lang: str = "zh") -> str:
        """The reasons as one line."""
        return ("" if lang == "zh" else " ").join(words.say(lang) for words in self.reasons)


@dataclass(frozen=True, slots=True)
class BillLeft:
    """A bill not paid in full: what stays open of it, the interest of its cycle, and why; amounts in fen."""

    card: AccountFace
    statement_on: date
    due_on: date
    balance: int
    open: int
    interest: int
    why: Words


@dataclass(frozen=True, slots=True)
class MinimumMissed:
    """A minimum no plan can keep: `more` fen by the day `by` would save it (None: no money can any more)."""

    card: AccountFace
    statement_on: date
    due_on: date
    minimum: int
    paid: int
    more: int | None
    by: date | None


@dataclass(frozen=True, slots=True)
class DayPoint:
    """What the own accounts hold at the end of a day if the plan is followed, in fen, by account and in all."""

    on: date
    balances: Mapping[UUID, int]
    income: int
    paid: int

    @property
    def total(self) -> int:
        """What all accounts hold together."""
        return sum(self.balances.values())


@dataclass(frozen=True, slots=True)
class ExplainedPlan:
    """The plan of a stored household with everything a page shows; `before` is the cost without the what-if."""

    as_of: date
    last: date
    request: Request
    plan: Plan
    explanation: Explanation
    legs: tuple[PlanLeg, ...]
    left: tuple[BillLeft, ...]
    missed: tuple[MinimumMissed, ...]
    points: tuple[DayPoint, ...]
    assumptions: tuple[Assumption, ...]
    warnings: tuple[Words, ...]
    pay_in_currency: tuple[BillView, ...]
    faces: tuple[AccountFace, ...]
    names: Mapping[str, Name]
    approximate: bool
    calendar_version: str
    what_if: WhatIf
    before: int | None = None

    @property
    def cost(self) -> int:
        """The plan's cost in fen."""
        return self.plan.cost

    @property
    def dearer(self) -> int:
        """What the what-if costs more (negative: saves), in fen."""
        return 0 if self.before is None else self.plan.cost - self.before


def plan_mine(
    db: Session, user_id: UUID, *, as_of: date, what_if: WhatIf | None = None, seconds: float = SECONDS
) -> ExplainedPlan:
    """Plan for the stored household as it stands on a day, explained; with a what-if, beside the plan as it stands.

    Raises nothing for a household without bills or money: the plan is then empty and `request` shows why.
    """
    home = household_of(db, user_id, as_of=as_of)
    asked = what_if or WhatIf()
    before: int | None = None
    request = home.request
    if not asked.changes_nothing:
        before = planned(request, WhatIf(), seconds=seconds / 2).cost
        request = changed(request, asked)
    answer = planned(request, asked, seconds=seconds / 2)
    told = explain(request, answer, names=home.names, seconds=seconds / 4)
    return _explained(db, user_id, home, request, answer, told, asked, before, as_of)


def of_known_bills(made: ExplainedPlan) -> list[tuple[PlanLeg, int]]:
    """The payments of a plan for bills that are there, first to last, each with the fen of it that such a bill takes.

    What a plan pays for bills to come is a forecast; it can be confirmed when they are there.
    """
    open_ = {}
    for card in made.request.cards:
        bill = card.statements[0]
        whole = sum(charge.amount for charge in bill.charges) + bill.carried + bill.fees
        open_[card.id] = max(0, whole - sum(credit.amount for credit in bill.paid))
    found = []
    for leg in sorted(made.legs, key=lambda leg: (leg.on, leg.card.account_id)):
        name = str(leg.card.account_id)
        if part := min(leg.amount, open_.get(name, 0)):
            open_[name] -= part
            found.append((leg, part))
    return found


def request_of(db: Session, user_id: UUID, *, as_of: date) -> Request:
    """The request of planning.md that the stored household makes on a day."""
    return household_of(db, user_id, as_of=as_of).request


def household_of(db: Session, user_id: UUID, *, as_of: date) -> Household:
    """The stored household as a request, with names, assumptions, warnings, and bills in other money set aside."""
    wishes = settings(db, user_id)
    last = as_of + timedelta(days=wishes.horizon_days)
    bills = cards.current_bills(db, user_id, on=as_of)
    faces = {face.account_id: face for face in cards.accounts(db, user_id)}
    mine = [bill for bill in bills if bill.currency == household.CURRENCY and bill.due_on is not None]
    foreign = tuple(bill for bill in bills if bill.currency != household.CURRENCY and bill.open)
    held = _held(db, user_id, mine, faces, wishes, last=last)
    own = [account for account in cards.own_accounts(db, user_id) if account.currency == household.CURRENCY]
    assumptions: list[Assumption] = []
    warnings = [
        Words("no_due_day", {"card": household.name_of(faces[bill.account_id])})
        for bill in bills
        if bill.due_on is None
    ]
    made: list[Card] = []
    doubts: list[Words] = []
    for one in held:
        card, assumed, doubt = household.card_of(one, as_of=as_of, last=last)
        made.append(card)
        assumptions += assumed
        doubts += doubt
    chosen = [choice for choice in channels(db, user_id, on=as_of) if choice.chosen]
    banks = {str(one.face.account_id): one.face.bank for one in held}
    request = Request(
        as_of=as_of.toordinal(), last=last.toordinal(), terminal_days=TERMINAL_DAYS,
        missed_minimum_cost=MISSED_MINIMUM_COST, accounts=tuple(household.account_of(account) for account in own),
        cards=tuple(made), flows=tuple(_flows_of(flows(db, user_id), own, as_of=as_of, last=last)),
        channels=tuple(
            _channel_of(choice, own, [card for card in made if _reaches(choice, banks[card.id], as_of)])
            for choice in chosen
        ),
    )  # fmt: skip
    request = above.counted(db, user_id, request)
    warnings += [Words("foreign_bill", {"card": household.name_of(faces[bill.account_id]), "currency": bill.currency})
                 for bill in foreign]  # fmt: skip
    warnings += [Words("balance_old", {"account": household.name_of(account), "day": account.balance_on or date.min})
                 for account in own if account.balance_on is not None and account.balance_on < as_of]  # fmt: skip
    assumptions += _channels_assumed(chosen)
    return Household(
        request, _names(held, own, chosen), {str(account): face for account, face in faces.items()},
        tuple(assumptions), (*warnings, *doubts, *calendar_warnings(request)), foreign, approximate=bool(doubts),
    )  # fmt: skip


def flows(db: Session, user_id: UUID) -> tuple[ExpectedFlow, ...]:
    """The money the user expects to come and go, oldest entry first."""
    return tuple(_flow(row) for row in store.flows(db, user_id))


def set_flow(
    db: Session,
    user_id: UUID,
    account_id: UUID,
    amount: int,
    *,
    label: str = "",
    day_of_month: int | None = None,
    on_date: date | None = None,
    from_on: date | None = None,
    until_on: date | None = None,
    flow_id: UUID | None = None,
) -> ExpectedFlow:
    """Add an expected flow (fen; spending negative), monthly or once, or change the one with this id."""
    if (day_of_month is None) == (on_date is None):
        raise BadFlow("a flow comes on a day of the month or once on a date", field="day_of_month")
    if day_of_month is not None and not 1 <= day_of_month <= 31:
        raise BadFlow(f"there is no day {day_of_month} of a month", field="day_of_month")
    if not amount:
        raise BadFlow("a flow of nothing changes nothing", field="amount")
    if account_id not in {account.account_id for account in cards.own_accounts(db, user_id)}:
        raise cards.NoSuchCard("there is no such account", field="account_id")
    row = db.get(FlowRow, (user_id, flow_id)) if flow_id else FlowRow(user_id=user_id, id=new_id())
    if row is None:
        raise NoSuchFlow("there is no such flow", field="flow_id")
    row.account_id, row.amount_minor, row.label = account_id, amount, label
    row.day_of_month, row.on_date, row.from_on, row.until_on = day_of_month, on_date, from_on, until_on
    db.add(row)
    db.flush()
    return _flow(row)


def remove_flow(db: Session, user_id: UUID, flow_id: UUID) -> None:
    """Forget an expected flow."""
    row = db.get(FlowRow, (user_id, flow_id))
    if row is None:
        raise NoSuchFlow("there is no such flow", field="flow_id")
    db.delete(row)
    db.flush()


def channels(db: Session, user_id: UUID, *, on: date) -> tuple[ChannelChoice, ...]:
    """Every channel known on a day, with what the user chose; a plain transfer until anything is chosen.

    A channel of invented banks is offered in a demonstration alone.
    """
    said = {row.channel_id: row for row in store.channels(db, user_id)}
    shown = demonstration.mode(db) == demonstration.DEMONSTRATION
    known = [
        terms.channel(one, on=on)
        for one in terms.channel_ids()
        if shown or capabilities.licence_of(one, on=on) is not Licence.DEMONSTRATION
    ]
    return tuple(_choice(way, said.get(way.id)) for way in known)


def set_channel(db: Session, user_id: UUID, channel_id: str, *, chosen: bool, account_ids: Sequence[UUID] = ()) -> None:
    """Use a channel for plans or not, from all own accounts or from these alone."""
    if channel_id not in terms.channel_ids():
        raise Refused(f"there is no channel {channel_id!r}", field="channel_id")
    row = store.channel(db, user_id, channel_id)
    if row is None:
        row = ChannelRow(user_id=user_id, id=new_id(), channel_id=channel_id)
        db.add(row)
    row.chosen, row.account_ids = chosen, list(account_ids)
    db.flush()


def spending(db: Session, user_id: UUID) -> Mapping[UUID, int]:
    """What the user expects to spend per cycle, in fen, by billed account."""
    return {row.account_id: row.amount_minor for row in store.spending(db, user_id)}


def set_spending(db: Session, user_id: UUID, account_id: UUID, amount: int) -> None:
    """Say what will be spent on a billed account in each cycle to come (fen; 0: nothing is expected)."""
    cards.account_face(db, user_id, account_id)
    row = store.spending_of(db, user_id, account_id)
    if row is None:
        row = SpendingRow(user_id=user_id, id=new_id(), account_id=account_id)
        db.add(row)
    row.amount_minor = max(0, amount)
    db.flush()


def settings(db: Session, user_id: UUID) -> PlanSettings:
    """How the user wants to plan; the house's defaults until anything is said."""
    row = store.settings(db, user_id)
    return PlanSettings() if row is None else PlanSettings(row.horizon_days, row.rely_on_grace)


def set_settings(db: Session, user_id: UUID, wishes: PlanSettings) -> None:
    """Keep how the user wants to plan."""
    if not 1 <= wishes.horizon_days <= 366:
        raise Refused("a plan looks 1 to 366 days ahead", field="horizon_days")
    row = store.settings(db, user_id) or SettingsRow(user_id=user_id, id=new_id())
    row.horizon_days, row.rely_on_grace = wishes.horizon_days, wishes.rely_on_grace
    db.add(row)
    db.flush()


def _held(
    db: Session, user_id: UUID, bills: Sequence[BillView], faces: Mapping[UUID, AccountFace], wishes: PlanSettings, *,
    last: date,
) -> list[Held]:  # fmt: skip
    contracts = cards.contracts_of(db, user_id)
    spent = spending(db, user_id)
    oldest = min((bill.statement_on for bill in bills), default=last)
    upcoming = cards.upcoming_of_all(db, user_id, [bill.account_id for bill in bills], after=oldest, until=last)
    held = []
    for bill in bills:
        earlier = [
            one for one in cards.bills_of(db, user_id, bill.account_id, at_most=6)
            if one.currency == bill.currency and one.statement_on < bill.statement_on
        ]  # fmt: skip
        held.append(Held(
            faces[bill.account_id], bill, earlier[0] if earlier else None, _terms(contracts, bill, wishes),
            upcoming.get(bill.account_id, ()), spent.get(bill.account_id, 0),
        ))  # fmt: skip
    return held


def _terms(contracts: Contracts, bill: BillView, wishes: PlanSettings) -> CardTerms:
    found = contracts.card_terms(
        bill.account_id, on=bill.statement_on, total=max(0, bill.total_due), minimum=bill.minimum_due or 0
    )
    return found if wishes.rely_on_grace else household.without_courtesies(found)


def _channel_of(choice: ChannelChoice, own: Sequence[OwnAccount], made: Sequence[Card]) -> Channel:
    ids = [str(account.account_id) for account in own
           if not choice.account_ids or account.account_id in choice.account_ids]  # fmt: skip
    return household.channel_of(choice.terms, accounts=ids, cards=[card.id for card in made])


def _reaches(choice: ChannelChoice, bank: str, on: date) -> bool:
    return capabilities.reaches(choice.channel_id, bank, on=on)


def _flows_of(
    expected: Iterable[ExpectedFlow], own: Sequence[OwnAccount], *, as_of: date, last: date
) -> Iterable[Flow]:
    """Flows after the day the balance is known for, and never before the plan's first day."""
    known = {account.account_id: account.balance_on for account in own}
    for flow in expected:
        if flow.account_id not in known:
            continue
        balance_on = known[flow.account_id]
        first = as_of if balance_on is not None and balance_on < as_of else as_of + timedelta(days=1)
        yield from household.flows_between(
            str(flow.account_id), flow.amount, day_of_month=flow.day_of_month, on_date=flow.on_date,
            first=max(first, flow.from_on or first), last=min(last, flow.until_on or last),
        )  # fmt: skip


def _channels_assumed(chosen: Sequence[ChannelChoice]) -> list[Assumption]:
    said = [
        Assumption(
            Words("channel_terms", {"channel": Name(choice.zh, choice.en), "fee": str(choice.terms.fee.rate),
                                    "quota": choice.terms.fee.free_quota})
            if choice.terms.fee.rate or choice.terms.fee.floor
            else Words("channel_free", {"channel": Name(choice.zh, choice.en)}), "typical")
        for choice in chosen
    ]  # fmt: skip
    return [*said, Assumption(Words("calendar", {"version": calendar.current().version}), "printed")]


def _names(held: Sequence[Held], own: Sequence[OwnAccount], chosen: Sequence[ChannelChoice]) -> dict[str, Name]:
    return {
        **{str(one.face.account_id): household.name_of(one.face) for one in held},
        **{str(account.account_id): household.name_of(account) for account in own},
        **{choice.channel_id: Name(choice.zh, choice.en) for choice in chosen},
    }


def _flow(row: FlowRow) -> ExpectedFlow:
    return ExpectedFlow(
        row.id, row.account_id, row.label, row.amount_minor, row.day_of_month, row.on_date, row.from_on, row.until_on
    )


def _choice(way: terms.Channel, row: ChannelRow | None) -> ChannelChoice:
    chosen = way.id in USUAL_CHANNELS if row is None else row.chosen
    accounts = () if row is None else tuple(row.account_ids)
    return ChannelChoice(way.id, way.zh, way.en, chosen, accounts, way)


def _explained(
    db: Session, user_id: UUID, home: Household, request: Request, answer: Plan, told: Explanation, asked: WhatIf,
    before: int | None, as_of: date,
) -> ExplainedPlan:  # fmt: skip
    own = {str(account.account_id): account for account in cards.own_accounts(db, user_id)}
    ways = {choice.channel_id: choice for choice in channels(db, user_id, on=as_of)}
    statements = {card.id: card.statements for card in request.cards}
    return ExplainedPlan(
        as_of=as_of,
        last=date.fromordinal(request.last),
        request=request,
        plan=answer,
        explanation=told,
        legs=tuple(
            PlanLeg(
                home.faces[leg.payment.card], own[leg.payment.account], ways[leg.payment.channel],
                date.fromordinal(leg.payment.day), date.fromordinal(leg.payment.credited), leg.payment.amount,
                leg.payment.fee, leg.saves, leg.reasons,
            )
            for leg in told.legs
        ),
        left=tuple(
            BillLeft(home.faces[one.card], one.statement_on, one.due_on, one.balance, one.open, one.interest, one.why)
            for one in told.left
        ),
        missed=tuple(
            MinimumMissed(
                home.faces[one.card], date.fromordinal(statements[one.card][one.statement].day),
                date.fromordinal(one.due), one.minimum, one.paid, one.more,
                None if one.by is None else date.fromordinal(one.by),
            )
            for one in answer.missed
        ),
        points=tuple(_points(request, answer)),
        assumptions=home.assumptions,
        warnings=home.warnings,
        pay_in_currency=home.foreign,
        faces=tuple(home.faces.values()),
        names=home.names,
        approximate=home.approximate,
        calendar_version=calendar.current().version,
        what_if=asked,
        before=before,
    )  # fmt: skip


def _points(request: Request, answer: Plan) -> Iterable[DayPoint]:
    """The end of every day on which an account changes, and of the first and the last one."""
    held = {account.id: account.balance for account in request.accounts}
    days = {request.as_of, request.last}
    days |= {flow.day for flow in request.flows if flow.day <= request.last}
    days |= {payment.day for payment in answer.legs.payments}
    for day in sorted(days):
        income = paid = 0
        for flow in request.flows:
            if flow.day == day:
                held[flow.account] += flow.amount
                income += flow.amount
        for payment in answer.legs.payments:
            if payment.day == day:
                held[payment.account] -= payment.amount + payment.fee
                paid += payment.amount + payment.fee
        yield DayPoint(date.fromordinal(day), {UUID(name): amount for name, amount in held.items()}, income, paid)
