"""A plan put into words for paper and calendar, in Chinese or English; pages say the same sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from anhuan.cards.model import OwnAccount
from anhuan.kit import wording
from anhuan.planning.model import Status
from anhuan.planning.papers import Date, Paper, Part
from anhuan.planning.service import BillLeft, ExplainedPlan, MinimumMissed
from anhuan.planning.wording import Fact, Words

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "brand": ("安还", "Anhuan"),
    "title": ("还款方案", "Repayment plan"),
    "calendar": ("安还 还款方案", "Anhuan repayment plan"),
    "made": ("{at} 按当时的数据算出,看到 {last}", "Worked out {at} from what was known then, up to {last}"),
    "cost": ("总费用 {cost}", "Total cost {cost}"),
    "proved": ("已证明最省", "Proved to be the cheapest"),
    "feasible": ("已找到的最好方案,最多还能省 {spare}", "The best plan found; at most {spare} could still be saved"),
    "saving": ("比只还最低少付 {saving}", "{saving} less than paying only the minimums"),
    "payments": ("什么时候还什么", "What to pay when"),
    "day": ("日期", "Day"),
    "from": ("从", "From"),
    "to": ("还到", "To"),
    "amount": ("金额", "Amount"),
    "fee": ("手续费", "Fee"),
    "arrives": ("到账", "Arrives"),
    "left": ("没有还清的", "Not paid in full"),
    "card": ("卡片", "Card"),
    "open": ("还剩", "Left open"),
    "why": ("原因", "Why"),
    "missed": (
        "{card} 的最低还款 {minimum} 保不住;{by} 前再有 {more} 就能保住。",
        "The minimum of {minimum} on {card} cannot be kept; {more} more by {by} would save it.",
    ),
    "too_late": (
        "{card} 的最低还款 {minimum} 已来不及,请尽快联系银行。",
        "The minimum of {minimum} on {card} can no longer be kept: please call the bank.",
    ),
    "no_payments": ("现在不用还。", "Nothing needs to be paid now."),
    "footer": ("安还 · 这份方案只是建议,没有转走任何钱", "Anhuan · advice only: no money has been moved"),
    "pay": ("还款 {card}", "Pay {card}"),
    "pay_amount": ("还款 {card} {amount}", "Pay {card} {amount}"),
    "from_account": ("从 {account} 用 {channel} 还。", "From {account} by {channel}."),
    "full": ("全额计息", "on the whole bill"),
    "unpaid": ("只对未还部分计息", "on the unpaid part"),
    "earlier_bills": ("以往的账单", "earlier bills"),
    "safe_by": ("最晚安全时间 {moment}。", "Last safe moment {moment}."),
}


def word(key: str, lang: str, **facts: str) -> str:
    """One phrase in the language with its facts."""
    return _WORDS[key][lang == "en"].format(**facts)


def said(sentences: Iterable[Words], lang: str) -> tuple[str, ...]:
    """Sentences of the planner, each once, with cards called as people call them."""
    calls = (
        replace(one, facts={key: _called(key, fact, lang) for key, fact in one.facts.items()}) for one in sentences
    )
    return tuple(dict.fromkeys(one.say(lang) for one in calls))


def _called(key: str, fact: Fact, lang: str) -> Fact:
    """`full` as people say it; why a cycle is expected comes in English, so Chinese is brief."""
    if not isinstance(fact, str):
        return fact
    if fact in _WORDS:
        return word(fact, lang)
    return word("earlier_bills", lang) if key == "why" and lang == "zh" and fact.isascii() else fact


def paper_of(made: ExplainedPlan, *, lang: str, now: datetime) -> Paper:
    """The plan as a paper in one language."""
    year = made.as_of.year
    summary = [
        word("feasible", lang, spare=wording.amount(made.cost - made.plan.lower_bound))
        if made.plan.status is Status.FEASIBLE
        else word("proved", lang)
    ]
    habit = next((one for one in made.explanation.habits if one.kind == "minimum_only"), None)
    if habit and habit.saves > 0:
        summary.insert(0, word("saving", lang, saving=wording.amount(habit.saves)))
    return Paper(
        lang=lang,
        brand=word("brand", lang),
        title=word("title", lang),
        made=word(
            "made",
            lang,
            at=wording.moment(now, lang=lang, today=date.min),
            last=wording.day(made.last, lang=lang, this_year=year),
        ),
        headline=word("cost", lang, cost=wording.amount(made.cost)),
        summary=tuple(summary),
        warnings=tuple(missed_text(one, lang, year) for one in made.missed),
        parts=tuple(_parts(made, lang)),
        notes=(*said(made.warnings, lang), *said((one.words for one in made.assumptions), lang)),
        footer=word("footer", lang),
    )


def missed_text(one: MinimumMissed, lang: str, year: int) -> str:
    """What a minimum that cannot be kept would need, as a sentence."""
    card, minimum = one.card.name(lang), wording.amount(one.minimum)
    if one.more is None or one.by is None:
        return word("too_late", lang, card=card, minimum=minimum)
    by = wording.day(one.by, lang=lang, this_year=year)
    return word("missed", lang, card=card, minimum=minimum, more=wording.amount(one.more), by=by)


def dates_of(
    made: ExplainedPlan, safe: Mapping[UUID, datetime], *, lang: str, amounts: bool = False
) -> tuple[Date, ...]:
    """The payments for a calendar: one key per bill and day, no amounts unless asked for."""
    found = []
    for key, leg in zip(_keys(made), made.legs, strict=True):
        name, safe_by = leg.card.name(lang), safe.get(leg.card.account_id)
        summary = word("pay_amount" if amounts else "pay", lang, card=name, amount=wording.amount(leg.amount))
        told = _description(leg.account, leg.channel.name(lang), safe_by, lang, made.as_of)
        found.append(Date(key, leg.on, summary, told, safe_by))
    return tuple(found)


def _keys(made: ExplainedPlan) -> Iterable[str]:
    """A name for each payment that stays when the plan is made anew: its card, its bill, its place among them."""
    days = {card.id: [statement.day for statement in card.statements] for card in made.request.cards}
    count: Counter[str] = Counter()
    for leg in made.legs:
        account = str(leg.card.account_id)
        bill = max((day for day in days[account] if day <= leg.credited_on.toordinal()), default=days[account][0])
        name = f"{account}-{date.fromordinal(bill):%Y%m%d}"
        count[name] += 1
        yield f"{name}-{count[name]}"


def _description(account: OwnAccount, channel: str, safe_by: datetime | None, lang: str, today: date) -> str:
    told = word("from_account", lang, account=account.name(lang), channel=channel)
    if safe_by is None:
        return told
    return f"{told}{' ' if lang == 'en' else ''}" + word(
        "safe_by", lang, moment=wording.moment(safe_by, lang=lang, today=today)
    )


def _parts(made: ExplainedPlan, lang: str) -> Iterable[Part]:
    year = made.as_of.year
    rows = tuple(
        (
            wording.day(leg.on, lang=lang, this_year=year),
            leg.account.name(lang),
            leg.card.name(lang),
            wording.amount(leg.amount),
            wording.amount(leg.fee),
            wording.short_day(leg.credited_on, lang=lang),
        )
        for leg in sorted(made.legs, key=lambda leg: leg.on)
    )
    head = tuple(word(key, lang) for key in ("day", "from", "to", "amount", "fee", "arrives"))
    if rows:
        yield Part(word("payments", lang), (11, 8, 11, 8, 5, 6), (3, 4, 5), head, rows)
    else:
        yield Part(word("payments", lang), (1,), (), (word("no_payments", lang),), ())
    now: dict[UUID, BillLeft] = {}
    for bill in sorted(made.left, key=lambda bill: bill.statement_on):
        now.setdefault(bill.card.account_id, bill)  # the bill of now; those to come follow from it
    if now:
        left = tuple(
            (one.card.name(lang), wording.amount(one.open), "".join(said([one.why], lang))) for one in made.left
        )
        head = tuple(word(key, lang) for key in ("card", "open", "why"))
        yield Part(word("left", lang), (8, 6, 20), (1,), head, left)
