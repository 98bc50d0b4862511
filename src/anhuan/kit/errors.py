"""Bad news comes in three kinds: a rule said no, the world did not answer, or a law of ours fails."""

from typing import Any, ClassVar


class Bad(Exception):
    """Base of the house's bad news: a stable `code`, one sentence for people, and the field it is about."""

    code: ClassVar[str] = "bad"

    def __init__(self, message: str, *, field: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = facts

    def as_json(self) -> dict[str, Any]:
        """What the JSON doors and the command line say: code, message, and the field where there is one."""
        said: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field is not None:
            said["field"] = self.field
        return said


class Refused(Bad):
    """A rule said no: the user is told, nobody is woken, nothing was stored."""

    code = "refused"


class Unavailable(Bad):
    """The world did not answer: try again later."""

    code = "unavailable"


class Broken(Bad):
    """A law of ours fails: stop, keep the evidence, wake somebody."""

    code = "broken"
