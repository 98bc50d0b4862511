"""消息: what the house told somebody, the unread first, and where its mail goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity.desk_page import attempt, said
from anhuan.kit import news, page
from anhuan.notify import mailbox, service
from anhuan.notify.mailbox import Mailbox
from anhuan.notify.model import Message

router = APIRouter(prefix="/messages", include_in_schema=False)
HERE: Final = "/messages"
Mine = page.needs("me.use")
Ours: Final = Depends(page.own_form)


@dataclass(frozen=True, slots=True)
class Messages:
    """Every message, unread ones first, and the mailbox."""

    template: ClassVar[str] = "notify/messages.html"
    unread: tuple[Message, ...]
    read: tuple[Message, ...]
    mailbox: Mailbox


@dataclass(frozen=True, slots=True)
class MailPage:
    """Where mail goes: an address, and the code that proves it."""

    template: ClassVar[str] = "notify/mail.html"
    mailbox: Mailbox
    address: str
    trouble: str


@router.get("", dependencies=[Mine])
def messages(request: Request, db: page.Transaction) -> Response:
    """What was told, the unread first."""
    party = page.person(request)
    found = service.messages(db, party, lang=page.visitor(request).lang, now=page.now(request))
    unread = tuple(one for one in found if one.acknowledged_at is None)
    read = tuple(one for one in found if one.acknowledged_at is not None)
    return page.render(request, Messages(unread, read, mailbox.find(db, party)))


@router.post("/seen", dependencies=[Mine, Ours])
def seen(request: Request, db: page.Transaction, message: Annotated[UUID | None, Form()] = None) -> Response:
    """Somebody saw one message, or all of them."""
    service.acknowledge(db, page.person(request), message, now=page.now(request))
    return page.go(HERE, request=request)


@router.get("/mail", dependencies=[Mine])
def mail(request: Request, db: page.Transaction) -> Response:
    """Where mail goes."""
    found = mailbox.find(db, page.person(request))
    return page.render(request, MailPage(found, found.wanted or found.mail, ""))


@router.post("/mail", dependencies=[Mine, Ours])
def ask(request: Request, db: page.Transaction, address: Annotated[str, Form(max_length=300)] = "") -> Response:
    """Mail a code to an address."""
    party, lang = page.person(request), page.visitor(request).lang

    def asked() -> None:
        mailbox.ask(db, party, address, lang=lang, now=page.now(request))

    note = said(request, "验证码已发往这个邮箱，请填写。", "A code is on its way to this address.")
    return _done(request, db, asked, note, address, then=f"{HERE}/mail")


@router.post("/mail/code", dependencies=[Mine, Ours])
def prove(request: Request, db: page.Transaction, code: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Use the address from now on, if this is its code."""
    party = page.person(request)
    if mailbox.prove(db, page.actor(request), party, code, now=page.now(request)):
        note = said(
            request, "邮箱已验证，以后的提醒会发到这里。", "The address is proved; reminders go there from now on."
        )
        return page.go(HERE, request=request, note=note)
    found = mailbox.find(db, party)
    wrong = news.sentences()["notify.wrong_code"]
    trouble = said(request, wrong["zh"], wrong["en"])
    return page.render(request, MailPage(found, found.wanted, trouble), status=409)


@router.post("/mail/forget", dependencies=[Mine, Ours])
def forget(request: Request, db: page.Transaction) -> Response:
    """No mail from now on."""
    mailbox.forget(db, page.actor(request), page.person(request), now=page.now(request))
    note = said(request, "已移除邮箱，消息只在这里显示。", "The address was removed; messages stand here alone.")
    return page.go(HERE, request=request, note=note)


def _done(request: Request, db: Session, act: Callable[[], None], note: str, address: str, *, then: str) -> Response:
    if trouble := attempt(request, db, act):
        return page.render(request, MailPage(mailbox.find(db, page.person(request)), address, trouble), status=409)
    return page.go(then, request=request, note=note)
