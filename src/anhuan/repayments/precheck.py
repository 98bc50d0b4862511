"""Weighed before each instruction, not only at the tap (S2-05): who pays, from what, within which limits, and whether
the payer stopped it. What forbids is a trouble with its sentence; what only delays is a wait."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import OpenBill, OwnAccount
from anhuan.channels import breaker, stops
from anhuan.identity import freezing, limits
from anhuan.kit import clock
from anhuan.kit.errors import Refused
from anhuan.kit.money import to_text
from anhuan.repayments import card_pauses, day_limits
from anhuan.repayments.model import NoSource, PayPart, TooLittleMoney, Trouble, Wait
from anhuan.repayments.payers import Payer
from anhuan.repayments.tables import OrderRow


def troubles(
    payer: Payer, *, account_id: UUID, source: OwnAccount, amount: int, parts: Sequence[PayPart],
    channel: str, now: datetime, order_id: UUID | None = None,
) -> list[Trouble]:  # fmt: skip
    """What forbids a payment of so many fen now; empty where nothing does. An order is not counted beside itself."""
    itself = () if order_id is None else (order_id,)
    first = parts[0].amount if parts else amount
    today = sum(part.amount for part in parts if part.start_on is None) or first
    asked: list[Callable[[], None]] = [
        lambda: _source(source),
        lambda: day_limits.insist(
            payer, today, per_payment=first, account_id=account_id, channel=channel, now=now, leaving_out=itself
        ),
        lambda: _balance(source, amount + sum(part.fee for part in parts)),
    ]
    found = []
    for question in asked:
        try:
            question()
        except Refused as refused:
            found.append(Trouble(refused.code, refused.message, refused.field, type(refused)))
    return found


def wait_of(db: Session, party: UUID, account_id: UUID, *, now: datetime) -> Wait | None:
    """What keeps everything of this payer, or of this card, from going out at this moment; None where nothing does."""
    return waits_of(db, {(party, account_id)}).get((party, account_id))


def waits_of(db: Session, accounts: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Wait]:
    """The same for many cards, each as (party, account): those that something keeps."""
    parties = {party for party, _ in accounts}
    frozen, paused = freezing.frozen(db, parties), limits.paused(db, parties)
    found = dict.fromkeys(card_pauses.paused_of_many(db, accounts), Wait.CARD_PAUSED)
    found |= {one: Wait.PAUSED for one in accounts if one[0] in paused}
    return found | {one: Wait.FROZEN for one in accounts if one[0] in frozen}


def stopped_by(db: Session, channel: str, bank: str, *, now: datetime) -> Wait:
    """Why a channel takes nothing now: an operator stopped the card's bank or the channel, or it is in maintenance."""
    stop = stops.standing(db, channel, bank, now)
    if stop is not None:
        return Wait.BANK_STOPPED if stop.scope == "bank" else Wait.CHANNEL_STOPPED
    return Wait.MAINTENANCE if breaker.open_until(db, channel, now) is None else Wait.CHANNEL_STOPPED


def bill_and_source(db: Session, row: OrderRow, *, now: datetime) -> tuple[OpenBill | None, OwnAccount | None]:
    """The account's bill in yuan, and the paying account, for an order whose day has come."""
    billed, paying = (row.user_id, row.account_id), (row.user_id, row.source_id)
    bills = cards.open_of_many(db, [billed], on=now.astimezone(clock.CHINA).date())
    return bills.get(billed), cards.own_of_many(db, [paying]).get(paying)


def tails(db: Session, party: UUID, source_id: UUID, account_id: UUID) -> tuple[str, str]:
    """The last digits of the paying account and of the card, for a payment that a person makes by hand."""
    source = next((one for one in cards.own_accounts(db, party) if one.account_id == source_id), None)
    face = cards.account_face(db, party, account_id)
    card = "、".join(one.last_digits for one in face.cards)
    return f"尾号 {source.last_digits}" if source else "", f"尾号 {card}"


def spare(source: OwnAccount) -> int | None:
    """What an own account is known to give beside what its owner leaves on it, fen; None where nobody told."""
    return None if source.balance_on is None else max(0, source.balance - source.reserve)


def _source(source: OwnAccount) -> None:
    if source.currency != "CNY":
        raise NoSource("付款账户要是人民币储蓄账户。", field="source_id")


def _balance(source: OwnAccount, debit: int) -> None:
    """What the account is known to hold must do; an account whose balance nobody told is not judged."""
    if source.balance_on is None:
        return
    spare = source.balance - source.reserve
    if debit > spare:
        kept = f"（已留出 {to_text(source.reserve)} 元不动）" if source.reserve else ""
        short = f"“{source.name()}”还差 {to_text(debit - spare)} 元{kept}"
        raise TooLittleMoney(f"{short}；可以换一个账户、少还一些，或更新余额。", field="source_id")
