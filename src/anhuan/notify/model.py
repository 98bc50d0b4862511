"""The words of notify: a message to a party, what became of its mail, and the room's refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from anhuan.kit.errors import Broken, Refused

Fact = str | int | None
Facts = Mapping[str, Fact]


class MailState(StrEnum):
    """What became of the mail of a message."""

    NONE = "none"  # in the pages alone: of this kind none is mailed, or nobody gave an address
    WAITING = "waiting"  # goes out at its moment
    SENDING = "sending"  # handed over right now; whoever dies here leaves it unclear
    SENT = "sent"  # the mail server took it
    UNCLEAR = "unclear"  # it may have gone out: it is not sent again
    REFUSED = "refused"  # the mail server said finally no, or no server was there for too long


@dataclass(frozen=True, slots=True)
class Written:
    """A message in one language."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told to a party; the same kind and key twice is one. An urgent one does not wait for morning."""

    party: UUID
    kind: str
    key: str
    facts: Facts
    link: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its reader sees it."""

    id: UUID
    kind: str
    title: str
    text: str
    link: str
    urgent: bool
    made_at: datetime
    acknowledged_at: datetime | None
    mail_state: MailState
    mail_at: datetime | None


class UnknownKind(Broken):
    """A message of a kind that has no texts."""

    code = "notify.unknown_kind"


class MissingFact(Broken):
    """A message lacks a fact that its text tells."""

    code = "notify.missing_fact"


class BadAddress(Refused):
    """邮箱地址有误: this is no mail address that a mail can be sent to."""

    code = "notify.bad_address"


class WrongCode(Refused):
    """验证码不对: the code is not the one that was mailed, is too old, or was tried too often."""

    code = "notify.wrong_code"


class NoMail(Refused):
    """没有设置发信服务器: this installation sends no mail, so no address can be proved."""

    code = "notify.no_mail"
