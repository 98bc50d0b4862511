"""Autopay on a phone: the list of mandates, a new one from form over summary to proof, one with its history."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.consequences import Consequence
from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.identity import confirming
from anhuan.identity.confirming import ActWords
from anhuan.identity.desk_page import attempt, said
from anhuan.kit import news, page
from anhuan.kit.errors import Refused
from anhuan.kit.money import from_text
from anhuan.repayments import mandate_runs, mandates
from anhuan.repayments.mandate_model import (
    AboveCap,
    BadMandate,
    Holiday,
    Mandate,
    Preview,
    RetryWhen,
    Run,
    Timing,
    Wish,
)
from anhuan.repayments.mandate_rules import House
from anhuan.repayments.model import AmountRule

router = APIRouter(prefix="/autopay", include_in_schema=False)
READS: Final = [page.needs("repay.read")]
WRITES: Final = [page.needs("repay.write"), Depends(page.own_form)]
TAKES_BACK: Final = [page.needs("consent.write"), Depends(page.own_form)]
PATH: Final = "/autopay"


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds, as it was typed; every field keeps what it had when something has to be corrected."""

    account: str = ""
    source: str = ""
    rule: str = "full"
    amount: str = ""
    cap: str = ""
    above_cap: str = "up_to_cap"
    timing: str = "before_due"
    days_before: str = ""
    day_of_month: str = ""
    on_date: str = ""
    holiday: str = "earlier"
    notice_hours: str = ""
    retries: str = "1"
    retry_when: str = "next_day"
    channel: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class MandateShown:
    """One mandate with its card, its paying account and the debit that comes next."""

    mandate: Mandate
    account: AccountFace | None
    source: OwnAccount | None
    next: Run | None


@dataclass(frozen=True, slots=True)
class AutopayPage:
    """Every mandate that stands, and the cards without one."""

    template: ClassVar[str] = "repayments/autopay.html"
    shown: tuple[MandateShown, ...]
    without: tuple[AccountFace, ...]


@dataclass(frozen=True, slots=True)
class NewPage:
    """The form of a new mandate, and once it is whole its summary: text, next debits, what each choice costs."""

    template: ClassVar[str] = "repayments/autopay_new.html"
    typed: Typed
    accounts: tuple[AccountFace, ...]
    sources: tuple[OwnAccount, ...]
    channels: tuple[tuple[str, str, str], ...]
    house: House
    trouble: str
    field: str
    document: tuple[str, ...]  # empty: still to be filled in
    previews: tuple[Preview, ...]
    effects: tuple[Consequence, ...]
    hidden: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MandatePage:
    """One mandate: what was confirmed, what comes, what was."""

    template: ClassVar[str] = "repayments/mandate.html"
    shown: MandateShown
    document: tuple[str, ...]
    runs: tuple[Run, ...]
    trouble: str


@router.get("", dependencies=READS)
def autopay(request: Request, db: page.Transaction) -> Response:
    """The list."""
    party = page.person(request)
    held = mandates.of(db, party)
    covered = {one.wish.account_id for one in held}
    without = tuple(face for face in cards.accounts(db, party) if face.account_id not in covered)
    return page.render(request, AutopayPage(_shown(db, party, held), without))


@router.get("/new", dependencies=[page.needs("repay.write")])
def new(request: Request, db: page.Transaction) -> Response:
    """The form; with `look` the summary of what was filled in."""
    asked = request.query_params
    typed = Typed(**{one.name: str(asked.get(one.name, one.default)) for one in fields(Typed)})
    return _form(request, db, typed, look=bool(asked.get("look")))


def typed_of(
    account: Annotated[str, Form(max_length=36)] = "", source: Annotated[str, Form(max_length=36)] = "",
    rule: Annotated[str, Form(max_length=20)] = "full", amount: Annotated[str, Form(max_length=20)] = "",
    cap: Annotated[str, Form(max_length=20)] = "", above_cap: Annotated[str, Form(max_length=20)] = "up_to_cap",
    timing: Annotated[str, Form(max_length=20)] = "before_due", days_before: Annotated[str, Form(max_length=3)] = "",
    day_of_month: Annotated[str, Form(max_length=3)] = "", on_date: Annotated[str, Form(max_length=10)] = "",
    holiday: Annotated[str, Form(max_length=20)] = "earlier", notice_hours: Annotated[str, Form(max_length=4)] = "",
    retries: Annotated[str, Form(max_length=2)] = "1", retry_when: Annotated[str, Form(max_length=20)] = "next_day",
    channel: Annotated[str, Form(max_length=40)] = "", valid_to: Annotated[str, Form(max_length=10)] = "",
) -> Typed:  # fmt: skip
    """The fields of the form, as they were typed."""
    return Typed(account, source, rule, amount, cap, above_cap, timing, days_before, day_of_month, on_date, holiday,
                 notice_hours, retries, retry_when, channel, valid_to)  # fmt: skip


@router.post("", dependencies=WRITES)
def give(
    request: Request, db: page.Transaction, proof: confirming.Proof, typed: Annotated[Typed, Depends(typed_of)]
) -> Response:
    """Give a mandate, after one more proof bound to every field of it."""
    who, party, now = page.actor(request), page.person(request), page.now(request)
    wish: Wish | None = None
    try:
        wish = wish_of(typed, least_notice=mandate_runs.house(page.today(request)).least_notice_hours)
        with db.begin_nested():
            made = mandates.give(db, who, wish, answer=proof, now=now)
    except confirming.AGAIN as refused:
        assert wish is not None, "a proof is asked for a whole wish alone"
        text = mandates.document(db, party, wish, on=page.today(request)).lines(page.visitor(request).lang)
        return confirming.ask(
            request, db, mandates.act_of(db, party, wish, now=now), ActWords("mandate", document=text), refused,
            action=PATH, back=f"{PATH}/new?account={typed.account}", fields=_fields(typed),
        )  # fmt: skip
    except Refused as refused:
        return _form(request, db, typed, look=False, refused=refused)
    told = said(request, "自动还款已开通。", "Autopay is on.")
    return confirming.done(request, db, page.go(f"{PATH}/{made.id}", request=request, note=told), proof)


@router.get("/{mandate_id}", dependencies=READS)
def mandate(request: Request, db: page.Transaction, mandate_id: UUID) -> Response:
    """One mandate with its history."""
    return page.render(request, _one(request, db, mandate_id))


@router.post("/{mandate_id}/revoke", dependencies=TAKES_BACK)
def revoke(request: Request, db: page.Transaction, mandate_id: UUID) -> Response:
    """Take it back with one tap; what was sent already is told."""
    done = mandates.revoke(db, page.actor(request), mandate_id, now=page.now(request))
    told = said(request, "授权已撤回，以后不再扣款。", "The mandate is revoked; nothing more will be debited.")
    if done.followed:
        count = len(done.followed)
        told = said(
            request, f"授权已撤回。有 {count} 笔已经发出，会跟到底并告诉您结果。",
            f"The mandate is revoked. Already sent and followed to the end: {count}.",
        )  # fmt: skip
    return page.go(PATH, request=request, note=told)


@router.post("/{mandate_id}/narrow", dependencies=TAKES_BACK)
def narrow(
    request: Request, db: page.Transaction, mandate_id: UUID, cap: Annotated[str, Form(max_length=20)] = "",
    valid_to: Annotated[str, Form(max_length=10)] = "",
) -> Response:  # fmt: skip
    """Lower the cap or bring the end nearer."""

    def act() -> None:
        until = _day(valid_to, "valid_to")
        mandates.narrow(
            db, page.actor(request), mandate_id, cap=_fen(cap, "cap"), valid_to=until, now=page.now(request)
        )

    if trouble := attempt(request, db, act):
        return page.render(request, _one(request, db, mandate_id, trouble), status=422)
    return _back(request, mandate_id, "已收窄，马上生效。", "Narrowed; it holds at once.")


@router.post("/{mandate_id}/off", dependencies=TAKES_BACK)
def off(request: Request, db: page.Transaction, mandate_id: UUID) -> Response:
    """Switch it off."""
    mandates.switch_off(db, page.actor(request), mandate_id, now=page.now(request))
    return _back(request, mandate_id, "已关闭，到期的账单请自己还。", "Switched off; pay what is due yourself.")


@router.post("/{mandate_id}/on", dependencies=WRITES)
def on(request: Request, db: page.Transaction, proof: confirming.Proof, mandate_id: UUID) -> Response:
    """Switch it on again, after one more proof."""
    who, now = page.actor(request), page.now(request)
    try:
        mandates.switch_on(db, who, mandate_id, answer=proof, now=now)
    except confirming.AGAIN as refused:
        held = mandates.find(db, page.person(request), mandate_id)
        words = ActWords("mandate", document=held.document.lines(page.visitor(request).lang))
        act = mandates.switch_act(page.person(request), held)
        back = f"{PATH}/{mandate_id}"
        return confirming.ask(request, db, act, words, refused, action=f"{back}/on", back=back)
    return confirming.done(request, db, _back(request, mandate_id, "已打开。", "Switched on."), proof)


@router.post("/{mandate_id}/runs/{run_id}/skip", dependencies=TAKES_BACK)
def skip(request: Request, db: page.Transaction, mandate_id: UUID, run_id: UUID) -> Response:
    """Leave one debit out."""

    def act() -> None:
        mandates.skip(db, page.actor(request), run_id, now=page.now(request))

    if trouble := attempt(request, db, act):
        return page.render(request, _one(request, db, mandate_id, trouble), status=409)
    return _back(request, mandate_id, "这次不扣了，请记得自己还。", "This debit is left out; pay it yourself.")


def wish_of(typed: Typed, *, least_notice: int) -> Wish:
    """The wish that a form tells; refuses what cannot be read, naming the field."""

    def whole(name: str) -> int | None:
        text = getattr(typed, name).strip()
        if text and not text.isdecimal():
            raise BadMandate("请填写整数。", field=name)
        return int(text) if text else None

    def day(name: str) -> date | None:
        return _day(getattr(typed, name), name)

    try:
        rule, timing = AmountRule(typed.rule), Timing(typed.timing)
        return Wish(
            account_id=UUID(typed.account), source_id=UUID(typed.source), cap=_fen(typed.cap, "cap") or 0,
            rule=rule, amount=_fen(typed.amount, "amount") if rule is AmountRule.CUSTOM else None,
            channel=typed.channel or None, above_cap=AboveCap(typed.above_cap), timing=timing,
            days_before=whole("days_before") if timing is Timing.BEFORE_DUE else None,
            day_of_month=whole("day_of_month") if timing is Timing.MONTHLY else None,
            on_date=day("on_date") if timing is Timing.ONCE else None, holiday=Holiday(typed.holiday),
            notice_hours=whole("notice_hours") or least_notice, retries=whole("retries") or 0,
            retry_when=RetryWhen(typed.retry_when), valid_to=day("valid_to"),
        )  # fmt: skip
    except ValueError:
        raise BadMandate("请选择卡片、付款账户和方式。", field="account") from None


def _fen(text: str, name: str) -> int | None:
    try:
        return from_text(text) if text.strip() else None
    except Refused as unread:
        raise BadMandate("没有看懂这个金额，请只填数字，例如 1234.56。", field=name) from unread


def _day(text: str, name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadMandate("请填写日期。", field=name) from None


def _fields(typed: Typed) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, getattr(typed, one.name)) for one in fields(Typed))


def _form(
    request: Request, db: Session, typed: Typed, *, look: bool, refused: Refused | None = None
) -> Response:  # fmt: skip
    party, today, now, lang = page.person(request), page.today(request), page.now(request), page.visitor(request).lang
    house = mandate_runs.house(today)
    document: tuple[str, ...] = ()
    previews: tuple[Preview, ...] = ()
    effects: tuple[Consequence, ...] = ()
    if look and refused is None:
        try:
            wish = wish_of(typed, least_notice=house.least_notice_hours)
            mandates.check(db, party, wish, now=now)
            document = mandates.document(db, party, wish, on=today).lines(lang)
            previews = mandates.previews(db, party, wish, now=now)
            effects = _effects(db, party, wish.account_id, today, lang)
        except Refused as no:
            refused = no
    accounts = cards.accounts(db, party)
    sources = tuple(one for one in cards.own_accounts(db, party) if one.currency == "CNY")
    face = next((one for one in accounts if str(one.account_id) == typed.account), None)
    value = NewPage(
        typed, accounts, sources, mandates.channels_for(db, face.bank, on=today) if face else (), house,
        news.told(refused.code, refused.message, lang) if refused else "", refused.field or "" if refused else "",
        document, previews, effects, _fields(typed) if document else (),
    )  # fmt: skip
    return page.render(request, value, status=422 if refused else 200)


def _effects(db: Session, party: UUID, account_id: UUID, today: date, lang: str) -> tuple[Consequence, ...]:
    """What full and minimum cost on the bill that is open now; nothing where there is none."""
    for bill in cards.current_bills(db, party, on=today):
        if bill.account_id == account_id and bill.currency == "CNY" and bill.due_on is not None and bill.open:
            found = cards.choices_of(db, party, bill, lang=lang)
            return tuple(one for one in found if one.choice in ("full", "minimum"))
    return ()


def _shown(db: Session, party: UUID, held: tuple[Mandate, ...]) -> tuple[MandateShown, ...]:
    faces = {face.account_id: face for face in cards.accounts(db, party)}
    own = {one.account_id: one for one in cards.own_accounts(db, party)}
    coming: dict[UUID, Run] = {}
    for run in mandates.to_come(db, party):
        coming.setdefault(run.mandate_id, run)
    return tuple(
        MandateShown(one, faces.get(one.wish.account_id), own.get(one.wish.source_id), coming.get(one.id))
        for one in held
    )


def _one(request: Request, db: Session, mandate_id: UUID, trouble: str = "") -> MandatePage:
    party = page.person(request)
    held = mandates.find(db, party, mandate_id)
    (shown,) = _shown(db, party, (held,))
    return MandatePage(shown, held.document.lines(page.visitor(request).lang), mandates.runs_of(db, party, held.id),
                       trouble)  # fmt: skip


def _back(request: Request, mandate_id: UUID, zh: str, en: str) -> Response:
    return page.go(f"{PATH}/{mandate_id}", request=request, note=said(request, zh, en))
