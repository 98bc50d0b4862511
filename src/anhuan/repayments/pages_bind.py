"""绑定: which own accounts and cards a channel knows, made by one check of the holder's name and a
proof of who acts, taken back by one tap.

The bank is asked with no transaction open; what it says is kept as the binding. What goes by hand needs no binding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.channels import capabilities, holders
from anhuan.channels.holders import Holder
from anhuan.identity import confirming
from anhuan.identity.confirming import ActWords
from anhuan.identity.desk_page import said
from anhuan.kit import news, page, rates
from anhuan.kit.errors import Refused
from anhuan.repayments import bindings
from anhuan.repayments.bindings import Binding, Kind, Proved

router = APIRouter(prefix="/me/bindings", include_in_schema=False)
PATH: Final = "/me/bindings"
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write"), Depends(page.own_form)]
SHOWN: Final = 4  # last characters of a reference
ASKED: Final = {Kind.SOURCE: holders.Kind.FUNDING, Kind.CARD: holders.Kind.CARD}


class NotTheHolder(Refused):
    """户名不符: the bank says that this account or card is not in this name, or is not there."""

    code = "repay.not_the_holder"


class HolderUnknown(Refused):
    """暂时核不了户名: nobody could say whose this is; nothing was bound."""

    code = "repay.holder_unknown"


class OtherTail(Refused):
    """尾号不符: the number typed does not end as the account or card that was chosen."""

    code = "repay.other_tail"


REFUSED: Final = (
    holders.CreditAsSource, holders.NotACreditCard, NotTheHolder, HolderUnknown, OtherTail, rates.TooMany,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelShown:
    """A channel that wants to know accounts and cards before it pays."""

    channel: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class BoundShown:
    """One binding: at which channel, how it names the thing, whether it must be proved anew."""

    id: UUID
    channel: ChannelShown
    tail: str
    doubtful: bool


@dataclass(frozen=True, slots=True)
class SubjectShown:
    """An own account or a card with its bindings, and the channels at which it could still be bound."""

    kind: str
    id: UUID
    account: AccountFace | None
    own: OwnAccount | None
    bound: tuple[BoundShown, ...]
    free: tuple[ChannelShown, ...]


@dataclass(frozen=True, slots=True)
class BindingsPage:
    """Everything that is bound or could be."""

    template: ClassVar[str] = "repayments/bindings.html"
    sources: tuple[SubjectShown, ...]
    cards: tuple[SubjectShown, ...]
    channels: tuple[ChannelShown, ...]
    trouble: str
    open_id: UUID | None
    typed_name: str


@router.get("", dependencies=READS)
def show(request: Request, db: page.Transaction) -> Response:
    """What is bound."""
    return _render(request, db)


@router.post("", dependencies=WRITES)
def bind(
    request: Request,
    db: page.Transaction,
    proof: confirming.Proof,
    kind: Annotated[Kind, Form()],
    subject: Annotated[UUID, Form()],
    channel: Annotated[str, Form(max_length=40)],
    ref: Annotated[str, Form(max_length=holders.MOST)],
    name: Annotated[str, Form(max_length=holders.MOST)],
) -> Response:
    """Ask the channel whose it is, and bind it where it is the payer's."""
    party, now = page.person(request), page.now(request)
    ref, name = ref.strip(), name.strip()
    try:
        _check_tail(_tails(db, party, kind, subject), ref)
        if channel not in {one.channel for one in _channels(request)}:
            raise page.NotFound("没有这个渠道。")
        rates.take(f"holder|{party}", rates.limit("holders.party", on=now.date()), now=now)
        db.commit()  # nothing waits on this transaction while the world is asked
        found = holders.check(channel, ASKED[kind], ref, name, now=now)
        _insist(found)
    except REFUSED as refused:
        told = news.told(refused.code, refused.message, page.visitor(request).lang)
        with request.app.state.sessions().begin() as again:
            request.app.state.admit(request, again)
            return _render(request, again, trouble=told, open_id=subject, name=name, status=422)
    with request.app.state.sessions().begin() as again:
        who = request.app.state.admit(request, again)
        try:
            with again.begin_nested():
                bindings.confirm(
                    again, who, party, kind, subject, channel, ref=ref, name=name, how=Proved.HOLDER_CHECK,
                    answer=proof, now=now, funding_kind=found.funding_kind or holders.OWN_DEBIT,
                )  # fmt: skip
        except confirming.AGAIN as refused:
            act = bindings.act_of(party, kind, subject, channel, ref=ref, name=name)
            fields = (("kind", kind.value), ("subject", str(subject)), ("channel", channel), ("ref", ref),
                      ("name", name))  # fmt: skip
            words = ActWords("binding", document=_words(request, again, kind, subject, channel, ref, name))
            return confirming.ask(request, again, act, words, refused, action=PATH, back=PATH, fields=fields)
        told = said(request, "已绑定,户名相符。", "Bound; the name is the holder's.")
        return confirming.done(request, again, page.go(PATH, request=request, note=told), proof)


@router.post("/{binding_id}/remove", dependencies=WRITES)
def remove(request: Request, db: page.Transaction, binding_id: UUID) -> Response:
    """Unbind."""
    if not bindings.remove(db, page.actor(request), page.person(request), binding_id, now=page.now(request)):
        raise page.NotFound("没有这个绑定。")
    told = said(request, "已解绑。在路上的还款照常跟踪到底。", "Unbound. What is on its way is followed to its end.")
    return page.go(PATH, request=request, note=told)


def _insist(found: Holder) -> None:
    if found.match is None:
        raise HolderUnknown("暂时核不了户名,没有绑定。请稍后再试,或先在发卡行自己付。")
    if not found.match:
        raise NotTheHolder("户名与银行的记录不符,没有绑定。请核对账号和姓名。", field="name")


def _words(
    request: Request, db: Session, kind: Kind, subject: UUID, channel: str, ref: str, name: str
) -> tuple[str, ...]:  # fmt: skip
    """What is confirmed, line by line: the whole number, for of two with one tail only one is the payer's."""
    tails = "、".join(_tails(db, page.person(request), kind, subject))
    way = next(one for one in _channels(request) if one.channel == channel)
    what = said(request, f"绑定尾号 {tails}。", f"Bind what ends in {tails}.")
    goes = (
        said(request, "以后的还款从这个号码付出。", "Payments are taken from this number from now on.")
        if kind is Kind.SOURCE
        else said(request, "以后的还款付到这个号码。", "Payments go to this number from now on.")
    )
    where = said(
        request, f"渠道:{way.zh}。号码:{ref}。户名:{name}。", f"Channel: {way.en}. Number: {ref}. Name: {name}."
    )
    return what, where, goes


def _tails(db: Session, party: UUID, kind: Kind, subject: UUID) -> tuple[str, ...]:
    """The last digits that the account or card is known by; refuses what is not the party's."""
    if kind is Kind.CARD:
        return tuple(card.last_digits for card in cards.account_face(db, party, subject).cards)
    found = next((one for one in cards.own_accounts(db, party) if one.account_id == subject), None)
    if found is None:
        raise page.NotFound("没有这个账户。")
    return (found.last_digits,)


def _check_tail(tails: Sequence[str], ref: str) -> None:
    """A number must end as the thing does; a name that a bank gave instead of a number says nothing about it."""
    digits = ref.replace(" ", "")
    if digits.isdigit() and len(digits) >= SHOWN and not any(digits.endswith(tail) for tail in tails):
        raise OtherTail(f"填写的号码与尾号 {'、'.join(tails)} 不符,没有绑定。请核对。", field="ref")


def _channels(request: Request) -> tuple[ChannelShown, ...]:
    """The channels that compare names here and now."""
    now, on = page.now(request), page.today(request)
    found = [capabilities.way(one, on=on) for one in capabilities.ids(on=on) if holders.offered(one, now=now)]
    return tuple(ChannelShown(one.channel, one.zh, one.en) for one in found)


def _render(
    request: Request, db: Session, *, trouble: str = "", open_id: UUID | None = None, name: str = "", status: int = 200
) -> Response:  # fmt: skip
    party, on = page.person(request), page.today(request)
    offered = _channels(request)
    known = bindings.of(db, party)
    names = {one.channel: one for one in offered}
    for one in known:
        way = capabilities.way(one.channel, on=on)
        names.setdefault(one.channel, ChannelShown(one.channel, way.zh, way.en))
    sources = tuple(
        _subject(Kind.SOURCE, one.account_id, None, one, known, names, offered) for one in cards.own_accounts(db, party)
    )
    billed = tuple(
        _subject(Kind.CARD, one.account_id, one, None, known, names, offered) for one in cards.accounts(db, party)
    )
    return page.render(request, BindingsPage(sources, billed, offered, trouble, open_id, name), status=status)


def _subject(
    kind: Kind, subject: UUID, account: AccountFace | None, own: OwnAccount | None, known: Sequence[Binding],
    names: dict[str, ChannelShown], offered: Sequence[ChannelShown],
) -> SubjectShown:  # fmt: skip
    mine = [one for one in known if one.kind is kind and one.subject_id == subject]
    bound = tuple(BoundShown(one.id, names[one.channel], one.ref[-SHOWN:], one.doubtful) for one in mine)
    sure = {one.channel for one in mine if not one.doubtful}
    free = tuple(one for one in offered if one.channel not in sure)
    return SubjectShown(kind.value, subject, account, own, bound, free)
