"""What the repay pages show: a payment as the sheet prints it, its choices and their cost, sources and what they hold.

Values for templates, made from quotes; nothing here moves or keeps anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace, BoardEntry, NoSuchCard, OwnAccount
from anhuan.identity.confirming import PayWords
from anhuan.kit import clock, terms
from anhuan.kit.money import NotMoney, from_text, to_text
from anhuan.repayments import bindings, precheck, quoting, service, under_way
from anhuan.repayments.model import AmountRule, Effect, FeeLine, NoSource, NothingToPay, Quote, RepayAsk, Trouble

CURRENCY: Final = "CNY"
NOTHING: Final = timedelta()
CHOICES: Final = (AmountRule.FULL, AmountRule.MINIMUM)


@dataclass(frozen=True, slots=True)
class Typed:
    """One payment as its form says it; what cannot be read stays as it was typed."""

    account_id: UUID
    source_id: UUID | None = None
    rule: AmountRule = AmountRule.FULL
    amount: str = ""
    channel: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """全额 or 最低: how much it is, and what it leads to; `why` says what is against it."""

    rule: str
    amount: int
    effect: Effect | None
    why: str


@dataclass(frozen=True, slots=True)
class SourceShown:
    """An own account to pay from: what may be spent of it, None where nobody told what it holds."""

    account: OwnAccount
    spare: int | None


@dataclass(frozen=True, slots=True)
class PayShown:
    """One payment of the sheet; without a quote there is no own account to pay it from."""

    typed: Typed
    account: AccountFace
    source: OwnAccount | None
    quote: Quote | None
    choices: tuple[Choice, ...]

    @property
    def cost(self) -> int | None:
        """What paying only this much costs, fen: interest and late fee; None where it is not known."""
        effect = self.quote.effect if self.quote else None
        if effect is None or effect.interest is None or effect.late_fee is None:
            return None
        return effect.interest + effect.late_fee

    @property
    def leaves(self) -> int:
        """What stays open of the bill, fen."""
        return self.quote.effect.stays_open if self.quote and self.quote.effect else 0

    @property
    def expected_at(self) -> datetime | None:
        """When it is expected, of one in parts the last of them: as much later as it begins later."""
        found = self.quote
        if found is None or found.expected_at is None:
            return None
        days = [part.start_on for part in found.parts if part.start_on is not None]
        begins = [datetime.combine(day, quoting.MORNING, clock.CHINA) for day in days]
        return found.expected_at + max((at - found.start_at for at in begins if at > found.start_at), default=NOTHING)

    @property
    def late(self) -> bool:
        """Whether it, or a part of it, is expected after the due day."""
        due_on, expected = self.quote.due_on if self.quote else None, self.expected_at
        return due_on is not None and expected is not None and expected.astimezone(clock.CHINA).date() > due_on

    @property
    def fees(self) -> tuple[FeeLine, ...]:
        """The fee lines of all its parts."""
        return tuple(line for part in self.quote.parts for line in part.fees) if self.quote else ()

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What keeps it from being confirmed."""
        return self.quote.troubles if self.quote else ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The repay sheet: payments to confirm at once, or bills to choose from."""

    payments: tuple[PayShown, ...]
    sources: tuple[SourceShown, ...]
    choosable: tuple[BoardEntry, ...]
    key: UUID
    seen: str
    read: str
    is_read: bool
    retry_of: UUID | None
    trouble: str

    @property
    def typed(self) -> tuple[Typed, ...]:
        """The payments as they were typed, with what was chosen for those who left it open."""
        return tuple(one.typed for one in self.payments)

    @property
    def amount(self) -> int:
        """What reaches the cards, fen."""
        return sum(one.amount for one in self.quotes)

    @property
    def fee(self) -> int:
        """All fees, fen."""
        return sum(one.fee for one in self.quotes)

    @property
    def debit(self) -> int:
        """What leaves the own accounts, fen."""
        return self.amount + self.fee

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """The quotes of the payments."""
        return tuple(one.quote for one in self.payments if one.quote is not None)

    @property
    def expected_at(self) -> datetime | None:
        """When the last of them is expected."""
        return max((one.expected_at for one in self.payments if one.expected_at), default=None)

    @property
    def short(self) -> int:
        """What is missing on known own accounts for all payments together, fen; a single one says so itself."""
        return quoting.short(self.quotes)

    @property
    def nothing_left(self) -> bool:
        """Whether the one card has nothing to pay, or all of it is on its way."""
        if len(self.payments) != 1 or not self.payments[0].choices:
            return False
        return self.payments[0].choices[0].why == NothingToPay.code

    @property
    def may_pay(self) -> bool:
        """Whether it can be confirmed as it stands."""
        whole = bool(self.payments) and len(self.quotes) == len(self.payments)
        return whole and not self.short and not any(one.troubles for one in self.quotes)


def sheet_of(
    db: Session, party: UUID, typed: Sequence[Typed], *, key: UUID, now: datetime, lang: str,
    read: str = "", retry_of: UUID | None = None, trouble: str = "",
) -> Sheet:  # fmt: skip
    """The sheet for these payments as typed; the wishes are weighed anew each time."""
    sources = sources_of(db, party)
    known = quoting.look(db, party, {one.account_id for one in typed}, now=now)
    shown = tuple(_shown(db, party, one, sources, known, now=now, lang=lang) for one in typed)
    quotes = [one.quote for one in shown if one.quote is not None]
    must_read = "/".join(_cost_words(one) for one in shown if one.leaves and one.cost != 0)
    whole = len(quotes) == len(shown) and bool(quotes)
    seen = service.act_of(party, key, quotes).binding().hex() if whole else ""
    return Sheet(shown, sources, (), key, seen, must_read, read == must_read, retry_of, trouble)


def to_choose(db: Session, party: UUID, *, key: UUID, today: date) -> Sheet:
    """The bills that could be repaid, nearest first."""
    way = under_way.of_party(db, party, on=today)
    entries = [
        entry
        for entry in cards.due_board(db, party, on=today).entries
        if entry.bill.currency == CURRENCY and entry.open > way.get(entry.account.account_id, 0)
    ]
    return Sheet((), (), tuple(entries), key, "", "", True, None, "")


def sources_of(db: Session, party: UUID) -> tuple[SourceShown, ...]:
    """The own accounts in yuan, each with what may be spent of it; bound ones first, then the fullest."""
    found = bindings.of(db, party)
    bound = {one.subject_id for one in found if one.kind is bindings.Kind.SOURCE and not one.doubtful}
    shown = [SourceShown(one, precheck.spare(one)) for one in cards.own_accounts(db, party) if one.currency == CURRENCY]
    return tuple(sorted(shown, key=lambda one: (one.account.account_id not in bound, -(one.spare or 0))))


def asks_of(typed: Sequence[Typed]) -> tuple[RepayAsk, ...]:
    """Wishes that were shown before, as they were typed; raises `NoSource` where one names no account to pay from."""
    found = []
    for one in map(_meant, typed):
        if one.source_id is None:
            raise NoSource("请选择付款账户。", field="source_id")
        found.append(_ask(one, one.source_id))
    return tuple(found)


def words_of(shown: Sheet, lang: str) -> tuple[PayWords, ...]:
    """The payments as the sentence says that a person confirms; a payment in parts says each."""
    return tuple(
        PayWords(
            card=_tail_name(one.account, lang), source=_own_name(one.source, lang),
            channel=quote.channel_en if lang == "en" else quote.channel_zh, amount=part.amount, fee=part.fee,
            start_on=part.start_on, arrives_at=None if part.start_on else quote.expected_at, by_hand=quote.by_hand,
        )
        for one in shown.payments
        if (quote := one.quote) is not None
        for part in quote.parts
    )  # fmt: skip


def day_of(typed: str) -> date | None:
    """A day from a date field; nothing, or what is no day, means now."""
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _shown(
    db: Session, party: UUID, typed: Typed, sources: Sequence[SourceShown], known: quoting.Known, *, now: datetime,
    lang: str,
) -> PayShown:  # fmt: skip
    face = known.faces.get(typed.account_id)
    if face is None:
        raise NoSuchCard("没有这张卡。", field="account_id")
    if not sources:
        return PayShown(typed, face, None, None, ())
    typed = _meant(typed)
    owed, on_way = known.bills.get(typed.account_id), known.on_way.get(typed.account_id, 0)
    left = max(0, owed.open - on_way) if owed else 0
    least = min(left, max(0, owed.minimum_open - on_way)) if owed else 0
    source = _source(typed, sources)
    if source is None:
        source = next((one for one in sources if one.spare is not None and one.spare >= left), sources[0]).account
    typed = replace(typed, source_id=source.account_id)
    facts = known.facts(typed.account_id, source)
    ask = _ask(typed, source.account_id)
    made = quoting.quote_of(db, party, ask, facts, now=now, lang=lang, effect=True, beside=(left, least))
    choices = tuple(
        Choice(rule.value, amount, made.effects.get(amount), "" if amount else NothingToPay.code)
        for rule, amount in zip(CHOICES, (left, least), strict=True)
    )
    return PayShown(typed, face, source, made, choices)


def _meant(typed: Typed) -> Typed:
    """Who types an amount means it, whatever stood chosen before."""
    custom = typed.rule is not AmountRule.CUSTOM and typed.amount.strip()
    return replace(typed, rule=AmountRule.CUSTOM) if custom else typed


def _ask(typed: Typed, source_id: UUID) -> RepayAsk:
    return RepayAsk(
        typed.account_id, source_id, typed.rule, _fen(typed), typed.channel or None, start_on=day_of(typed.day)
    )  # fmt: skip


def _source(typed: Typed, sources: Sequence[SourceShown]) -> OwnAccount | None:
    return next((one.account for one in sources if one.account.account_id == typed.source_id), None)


def _fen(typed: Typed) -> int | None:
    if typed.rule is not AmountRule.CUSTOM:
        return None
    try:
        return from_text(typed.amount) if typed.amount.strip() else None
    except NotMoney:
        return None


def _tail_name(face: AccountFace, lang: str) -> str:
    """Bank and last digits: a name that somebody gave says less when money goes."""
    return terms.card_name(face.bank, [card.last_digits for card in face.cards], lang)


def _own_name(own: OwnAccount | None, lang: str) -> str:
    return terms.card_name(own.bank, [own.last_digits], lang) if own else ""


def _cost_words(one: PayShown) -> str:
    cost = "?" if one.cost is None else to_text(one.cost)
    return f"{one.typed.account_id.hex[:8]}:{to_text(one.leaves)}:{cost}"
