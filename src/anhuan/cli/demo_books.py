"""What a demonstration shows before its bank is up: payments by hand with their orders, and licences on the register.

Everything goes through the same acts that people and journeys use, so every posting in the books has its order.
Everybody, every firm and every number is invented.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, repayments
from anhuan.cards import BillView
from anhuan.channels import delivery, evidence, register
from anhuan.channels.evidence_rules import Kind
from anhuan.identity import commands, demonstration, looking, purposes
from anhuan.identity.consent_words import Duty
from anhuan.identity.rights import Role, rights_of
from anhuan.kit import clock, db, ids, jobs
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import AmountRule, GroupKind, OrderView, RepayAsk

CHANNEL: Final = "bank_app"
PAID: Final = 50_000  # fen of the oldest open bill that were paid by hand and are proved
WAITING: Final = 30_000  # fen of the next one that somebody still has to pay in the bank's app
SINCE: Final = timedelta(hours=5)
# Partner, holder, number, channels, days until its end; None: nobody has approved it yet.
LICENCES: Final[tuple[tuple[str, str, str, tuple[str, ...], int | None], ...]] = (
    ("示例支付", "示例支付服务有限公司(虚构)", "Z2099000000001", ("example_pay",), 700),
    ("示例云付", "示例云付信息技术有限公司(虚构)", "Z2099000000002", ("example_cloud",), 31),
    ("示例银行直连", "示例城市商业银行(虚构)", "B0099H000000001", ("example_bank",), None),
)
WHY: Final = "演示:与虚构机构签订的合作协议"


def fill(*, now: datetime) -> None:
    """Make what is not there yet; safe to run at every start."""
    with commands.transaction() as (session, me):
        fresh = not repayments.orders(session, me, at_most=1)
    if fresh:
        _by_hand(me, now=now)
    _licences(now=now)


def _by_hand(me: UUID, *, now: datetime) -> None:
    """One payment that a person made in the bank's app and a notice proves, and one that waits for the person."""
    today = now.astimezone(clock.CHINA).date()
    with commands.transaction() as (session, _):
        bills = [bill for bill in cards.current_bills(session, me, on=today) if _is_open(bill, today)]
        source = cards.own_accounts(session, me)[0].account_id
        if len(bills) < 2:
            return
        first, second, *_ = sorted(bills, key=lambda bill: (bill.statement_on, str(bill.bill_id)))
        paid = _placed(session, me, source, first, PAID, now - SINCE)
        waiting = _placed(session, me, source, second, WAITING, now - SINCE)
    for order in (paid, waiting):
        assert order.key is not None, "what begins at once has its instruction"
        delivery.deliver(me, order.key, now=lambda: now - SINCE)
    assert paid.key is not None
    proof = evidence.Proof(Kind.BANK_NOTICE, "notice of the demonstration", today, amount=PAID)
    with _worker(me, now) as session:
        evidence.give(session, _person(me), me, paid.key, proof, now=now, confirmed_by=me)
        evidence.weigh(session, me, paid.key, now=now)


def _is_open(bill: BillView, today: date) -> bool:
    return bill.currency == "CNY" and bill.open >= 2 * PAID and bill.due_on is not None and bill.due_on >= today


def _placed(session: Session, me: UUID, source: UUID, bill: BillView, amount: int, at: datetime) -> OrderView:
    ask = RepayAsk(bill.account_id, source, AmountRule.CUSTOM, amount, channel=CHANNEL)
    quote = repayments.quote(session, me, ask, now=at)
    (order,) = repayments.place(
        session, me, [quote], key=ids.new_id(), kind=GroupKind.ONE, who=_person(me), now=at
    )  # fmt: skip
    return order


@contextmanager
def _worker(me: UUID, now: datetime) -> Iterator[Session]:
    with jobs.transaction() as session:
        purposes.open_for(session, me, Duty.OWN_REQUEST, actor=Actor(ActorKind.WORKER), now=now)
        yield session


def _person(me: UUID) -> Actor:
    return Actor(ActorKind.COMMAND, person_id=me, party_id=me, demo=True)


def _licences(*, now: datetime) -> None:
    one, other = _operator(Role.OPERATIONS), _operator(Role.RISK)
    today = now.astimezone(clock.CHINA).date()
    with db.sessions("desk").begin() as session:
        looking.open_desk(session, one)
        if register.all_standings(session, on=today):
            return
        made = [register.enter(session, one, _entry(*licence, today=today), now=now) for licence in LICENCES]
    for entry_id, licence in zip(made, LICENCES, strict=True):
        if licence[-1] is None:
            continue
        with db.sessions("desk").begin() as session:
            looking.open_desk(session, other)
            shown = register.find(session, entry_id, on=today).shown
            register.approve(session, other, entry_id, shown=shown, now=now)


def _entry(
    partner: str, holder: str, number: str, carried: tuple[str, ...], days: int | None, *, today: date
) -> register.Entry:
    return register.Entry(
        partner, "支付业务许可证", number, holder, register.VERBS, carried, ("信用卡还款",),
        today - timedelta(days=30), today + timedelta(days=days or 365), "示例银行(虚构)", "00" * 32, WHY,
    )  # fmt: skip


def _operator(role: Role) -> Actor:
    """The invented person of the demonstration who has this role."""
    who = next(one for one in demonstration.PEOPLE if one.role is role)
    return Actor(
        ActorKind.PERSON, who.id, who.id, roles=frozenset({role.value}), rights=rights_of([role]), demo=True
    )  # fmt: skip
