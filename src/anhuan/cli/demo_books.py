"""What the console of a demonstration shows: repayments in the books, licences on the register, one payment by hand.

Everything goes through the same acts that people and journeys use. Everybody, every firm and every number is invented.
"""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels, ledger
from anhuan.channels import register
from anhuan.identity import commands, demonstration, looking
from anhuan.identity.rights import Role, rights_of
from anhuan.kit import clock, db, ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import AccountKind, AccountName, Code

TRACKED: Final = "CNY/tracked"
HOUSE: Final = "CNY/house"
CHANNEL: Final = "simbank"
BANK: Final = "cmb-6688"
# Card, fen taken, fen that arrived (0: still on its way), fen of our fee, days ago.
REPAID: Final = (
    ("cmb-7190", 1_286_050, 1_286_050, 286, 26),
    ("icbc-3096", 320_000, 320_000, 0, 19),
    ("cmb-7190", 200_000, 199_950, 0, 12),  # the channel kept 0.50 on the way
    ("icbc-3096", 488_000, 0, 0, 1),
)
GIVEN_BACK: Final = ("cmb-7190", 52_000, 5)
WAITING: Final = ("icbc-3096", 150_000)  # held: instructed, nothing taken yet
BY_HAND: Final = (68_800, "icbc", "尾号 3096", timedelta(days=3))
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
        if ledger.balance(session, _bank(me)) is None:
            _repayments(session, me, now=now)
            _by_hand(session, me, now=now)
    _licences(now=now)


def _repayments(session: Session, me: UUID, *, now: datetime) -> None:
    for card, taken, arrived, fee, days in REPAID:
        order, at = ids.new_id(), now - timedelta(days=days)
        _taken(session, me, order, taken, at)
        if arrived:
            _arrived(session, me, order, card, taken, arrived, at + timedelta(hours=2))
        if fee:
            due = AccountName(HOUSE, AccountKind.CHANNEL_DUE, None, CHANNEL)
            ledger.transfer(
                session, id=ids.derive(order, "fee"), src=due, dst=AccountName(HOUSE, AccountKind.FEE_INCOME),
                amount=fee, code=Code.SERVICE_FEE, ref=order, event_at=at, shard=ledger.lane_of(session, me),
            )  # fmt: skip
    _, amount, days = GIVEN_BACK
    order, at = ids.new_id(), now - timedelta(days=days)
    _taken(session, me, order, amount, at)
    capture = ids.derive(ids.derive(order, "take"), "resolve")
    ledger.reverse(session, capture, event_at=at + timedelta(hours=6))
    order = ids.new_id()
    ledger.hold(
        session, id=ids.derive(order, "take"), src=_bank(me), dst=_transit(), amount=WAITING[1], code=Code.REPAY_TAKEN,
        ref=order,
    )  # fmt: skip


def _taken(session: Session, me: UUID, order: UUID, amount: int, at: datetime) -> None:
    take = ids.derive(order, "take")
    ledger.hold(
        session, id=take, src=_bank(me), dst=_transit(), amount=amount, code=Code.REPAY_TAKEN, ref=order
    )  # fmt: skip
    ledger.capture(session, take, event_at=at)


def _arrived(session: Session, me: UUID, order: UUID, card: str, taken: int, arrived: int, at: datetime) -> None:
    ledger.transfer(
        session, id=ids.derive(order, "arrive"), src=_transit(), dst=AccountName(TRACKED, AccountKind.CARD, me, card),
        amount=arrived, code=Code.REPAY_ARRIVED, ref=order, event_at=at,
    )  # fmt: skip
    if taken > arrived:
        kept = AccountName(TRACKED, AccountKind.OUTSIDE_FEE, me, CHANNEL)
        ledger.transfer(
            session, id=ids.derive(order, "kept"), src=_transit(), dst=kept, amount=taken - arrived,
            code=Code.REPAY_FEE_OUTSIDE, ref=order, event_at=at,
        )  # fmt: skip


def _by_hand(session: Session, me: UUID, *, now: datetime) -> None:
    amount, bank, card, span = BY_HAND
    ask = channels.Ask(ids.new_id(), 1, 1, "bank_app", bank, "尾号 6688", card, amount, expires_at=now + span)
    channels.prepare(session, me, ask, now=now)


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


def _bank(me: UUID) -> AccountName:
    return AccountName(TRACKED, AccountKind.BANK, me, BANK)


def _transit() -> AccountName:
    return AccountName(TRACKED, AccountKind.TRANSIT, None, CHANNEL)
