"""The page on which a person confirms one act: what it is in words, and the proof that it waits for.

Every page whose act wants a step-up catches `AGAIN` and answers with `ask`; the form comes back to the same address
with the same fields and the proof beside them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import doors, stepup
from anhuan.identity.stepup import Answer, Asked
from anhuan.kit import news, page
from anhuan.kit.errors import Refused

AGAIN: Final = (stepup.StepUpNeeded, stepup.StepUpVoid, stepup.StepUpFailed)
Proof = Annotated[Answer | None, Depends(doors.answer_of)]
Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PayWords:
    """One payment that is confirmed, in words; amounts in fen, `start_on` None: now."""

    card: str
    source: str
    channel: str
    amount: int
    fee: int
    start_on: date | None
    arrives_at: datetime | None
    by_hand: bool


@dataclass(frozen=True, slots=True)
class ActWords:
    """What is confirmed, for the sentence a person reads; amounts in fen, None: no limit."""

    kind: str
    limit: str = ""
    account: object | None = None  # the face of a card account, from the room above
    held: int | None = None
    wanted: int | None = None
    from_at: datetime | None = None
    goes: int = 0  # rows
    stays: int = 0  # rows
    name: str = ""
    scopes: tuple[str, ...] = ()
    until: date | None = None
    payments: tuple[PayWords, ...] = ()
    document: tuple[str, ...] = ()  # of a mandate or a binding: its text, line by line

    @property
    def debit(self) -> int:
        """What leaves the paying accounts with all payments and fees, fen."""
        return sum(one.amount + one.fee for one in self.payments)


@dataclass(frozen=True, slots=True)
class ActShown:
    """The sentence alone, so that its hash can be kept as what was shown."""

    template: ClassVar[str] = "identity/_act.html"
    act: ActWords


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """One act in words, and the proof it waits for."""

    template: ClassVar[str] = "identity/confirm.html"
    act: ActWords
    action: str
    back: str
    fields: Fields
    asked: Asked
    trouble: str


def ask(
    request: Request, db: Session, act: stepup.Act, words: ActWords, refused: Refused, *, action: str, back: str,
    fields: Fields = (),
) -> Response:  # fmt: skip
    """Show the act and ask for the proof; after a wrong one say so and ask anew."""
    shown = request.app.state.pages(request, ActShown(words))
    asked = stepup.begin(db, page.actor(request), act, shown=shown, now=page.now(request))
    lang = page.visitor(request).lang
    trouble = "" if isinstance(refused, stepup.StepUpNeeded) else news.told(refused.code, refused.message, lang)
    return page.render(
        request, ConfirmPage(words, action, back, fields, asked, trouble), status=422 if trouble else 200
    )


def done(request: Request, db: Session, answer: Response, proof: Answer | None) -> Response:
    """The answer to an act that was done; after a proof the session goes on under a new token."""
    return answer if proof is None else doors.renewed(request, db, answer)


def key_words(name: str, scopes: tuple[str, ...], ends_at: datetime) -> ActWords:
    """A key whose secret will be shown, in words."""
    return ActWords("client_key", name=name, scopes=scopes, until=ends_at.date())
