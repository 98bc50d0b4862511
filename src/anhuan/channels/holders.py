"""户名核验: before an account pays or a card is paid, its bank says whether it is the payer's own, and what it is.

A source must be the payer's own debit account (S0-34): a credit card that is offered as one is refused here, whatever
name it bears. What a channel cannot tell stays unknown, and whoever asks decides what unknown is worth.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

import structlog

from anhuan.channels import capabilities, registry
from anhuan.channels.model import UnknownChannel
from anhuan.kit import clock
from anhuan.kit.errors import Refused
from anhuan.kit.settings import BadSetting

log = structlog.get_logger(__name__)

CREDIT_CARD: Final = "credit_card"
OWN_DEBIT: Final = "own_debit"
MOST: Final = 64  # characters of a reference or a name


class Kind(StrEnum):
    """As what something is offered."""

    FUNDING = "funding"  # a source of money
    CARD = "card"  # a card to be repaid


@dataclass(frozen=True, slots=True)
class Holder:
    """What a channel said of a name: whether it is the holder's (None: nobody could say), and what the thing is.

    `answer_sha256` is the hash of the channel's answer, for the audit line of whoever asked; "" where none came.
    """

    match: bool | None
    funding_kind: str = ""  # own_debit, credit_card; "" unknown
    answer_sha256: str = ""


@runtime_checkable
class ChecksHolder(Protocol):
    """A connector whose channel compares names; none needs to."""

    def check_holder(self, kind: str, ref: str, name: str) -> Holder:
        """Whether the holder of this account or card has this name; never moves money."""


class CreditAsSource(Refused):
    """信用卡不能作还款来源: a card is repaid from the payer's own debit account, never from another card."""

    code = "channels.credit_as_source"


class NotACreditCard(Refused):
    """不是信用卡: what was named as the card to repay is a debit account."""

    code = "channels.not_a_credit_card"


def offered(channel: str, *, now: datetime) -> bool:
    """Whether this channel can compare names here and now."""
    return _connector(channel, now) is not None


def check(channel: str, kind: Kind, ref: str, name: str, *, now: datetime) -> Holder:
    """Ask the channel whose this is. Calls the world, so no transaction may be open; asks only what the payer named.

    Raises `CreditAsSource` and `NotACreditCard` where the thing is not what it is offered as; silence is `match=None`.
    """
    connector = _connector(channel, now)
    if connector is None or not ref.strip() or not name.strip() or max(len(ref), len(name)) > MOST:
        return Holder(None)
    try:
        found = connector.check_holder(kind.value, ref.strip(), name.strip())
    except Exception:  # a connector that fails has not said anything
        log.exception("a holder could not be checked", channel=channel)
        return Holder(None)
    if kind is Kind.FUNDING and found.funding_kind == CREDIT_CARD:
        raise CreditAsSource("信用卡不能用来还信用卡，请换成本人的借记卡账户。", field="ref")
    if kind is Kind.CARD and found.funding_kind == OWN_DEBIT:
        raise NotACreditCard("这是借记卡账户，不是信用卡，请核对卡号。", field="ref")
    return found


def _connector(channel: str, now: datetime) -> ChecksHolder | None:
    on = now.astimezone(clock.CHINA).date()
    try:
        found = registry.find(capabilities.way(channel, on=on).connector)
    except (UnknownChannel, BadSetting):
        return None
    return found if isinstance(found, ChecksHolder) else None
