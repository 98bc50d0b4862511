"""The words of room identity: states of people, why a session ended, and the room's refusals."""

from enum import StrEnum

from anhuan.kit.errors import Refused


class PersonState(StrEnum):
    """What a person's account is in."""

    ACTIVE = "active"
    FROZEN = "frozen"  # 冻结账户: signs in and looks, but nothing moves
    ERASED = "erased"


class Ended(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    EVERYWHERE = "everywhere"  # the person signed out all devices
    REPLACED = "replaced"  # a new token after sign-in or step-up
    DESK = "desk"  # an operator ended it
    RECOVERED = "recovered"  # the account was recovered: whoever was in is out


class UnknownPerson(Refused):
    """没有这个人: there is no such person, or the asker may not know of it."""

    code = "identity.unknown"


class OwnChange(Refused):
    """不能复核自己的: nobody signs what they proposed, or what is about themselves."""

    code = "change.own"


class ReasonTooShort(Refused):
    """原因太短: a reason that others will read must say something."""

    code = "access.reason_too_short"
