"""The text of a mandate in Chinese and English: what a payer reads, confirms and can look up as long as it holds."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Final

from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.channels import capabilities
from anhuan.kit import wording
from anhuan.repayments.mandate_model import AboveCap, Document, Holiday, RetryWhen, Timing, Wish
from anhuan.repayments.mandate_rules import House
from anhuan.repayments.model import AmountRule

Said = tuple[str, str]  # Chinese, English
_RULES: Final = {
    AmountRule.FULL: ("全额", "the whole bill"),
    AmountRule.MINIMUM: ("最低还款额", "the minimum"),
    AmountRule.PLANNED: ("按还款方案从这个账户付的金额", "what the repayment plan pays from this account"),
}
_HOLIDAYS: Final = {
    Holiday.EARLIER: ("遇非工作日提前到前一个工作日", "on a closed day, the workday before"),
    Holiday.LATER: (
        "遇非工作日顺延到下一个工作日,但不晚于最后的稳妥时间",
        "on a closed day, the workday after, never after the last safe moment",
    ),
    Holiday.SAME: ("遇非工作日当天照扣", "on a closed day, that day all the same"),
}
_ABOVE: Final = {
    AboveCap.SKIP: ("超过时这次不扣,通知我", "above it nothing is debited and I am told"),
    AboveCap.UP_TO_CAP: ("超过时只扣到上限,通知我", "above it the cap is debited and I am told"),
}
_AGAIN: Final = {
    RetryWhen.NEXT_DAY: ("第二天", "the next day"),
    RetryWhen.LIMIT_RESET: ("银行限额恢复时", "when the bank's limit begins anew"),
    RetryWhen.INCOME: ("下一笔收入到账的第二天", "the morning after the next income"),
}
_OWN: Final = (
    "只从本人账户扣,只还本人的信用卡。",
    "Only from my own account, only to my own card.",
)
_END: Final = (
    "随时可以一键撤回,不用验证;已发出的会跟到底并告诉我。",
    "I can revoke it at any time with one tap; what was sent is followed to its end and I am told.",
)


def document(
    wish: Wish, face: AccountFace, source: OwnAccount, *, replaces: bool, house: House, on: date
) -> Document:  # fmt: skip
    """The lines in both languages and the hash over both."""
    lines = [
        _who(face, source), _how_much(wish), _cap(wish), _when(wish, house, on), _told(wish), _again(wish),
        _through(wish, on), _valid(wish, on), *([_instead()] if replaces else []), _OWN, _END,
    ]  # fmt: skip
    zh, en = tuple(line[0] for line in lines), tuple(line[1] for line in lines)
    return Document(zh, en, hashlib.sha256("\n".join((*zh, *en)).encode()).digest())


def fields_of(wish: Wish) -> Iterator[tuple[str, str | int]]:
    """Every field of a wish as the proof is bound to it."""
    for name in wish.__dataclass_fields__:
        value = getattr(wish, name)
        if value is None:
            yield name, ""
        else:
            yield name, value if type(value) is int else value.isoformat() if isinstance(value, date) else str(value)


def _who(face: AccountFace, source: OwnAccount) -> Said:
    return (
        f"我授权从“{source.name()}”自动还 {face.name()}。",
        f"I allow automatic repayments of {face.name('en')} from {source.name('en')}.",
    )


def _how_much(wish: Wish) -> Said:
    if wish.amount is not None:
        fixed = wording.amount(wish.amount)
        return f"每次还固定 {fixed},不超过当时待还。", f"Each time {fixed}, never more than is open."
    zh, en = _RULES[wish.rule]
    return f"每次还{zh}。", f"Each time {en}."


def _cap(wish: Wish) -> Said:
    zh, en = _ABOVE[wish.above_cap]
    cap = wording.amount(wish.cap)
    return f"每次最多扣 {cap};{zh}。", f"At most {cap} each time; {en}."


def _when(wish: Wish, house: House, on: date) -> Said:
    zh, en = _HOLIDAYS[wish.holiday]
    match wish.timing:
        case Timing.BEFORE_DUE:
            days = house.days_before if wish.days_before is None else wish.days_before
            return (
                f"每期还款日前 {days} 天扣,总在最后的稳妥时间之前;{zh}。",
                f"{days} days before each due day, always before the last safe moment; {en}.",
            )
        case Timing.MONTHLY:
            day = wish.day_of_month
            return f"每月 {day} 日扣(没有这天的月份在月底);{zh}。", f"Monthly on day {day} (or the last day); {en}."
        case Timing.ONCE:
            assert wish.on_date is not None
            return (
                f"只在 {_day(wish.on_date, 'zh', on)} 扣一次;{zh}。",
                f"Once, on {_day(wish.on_date, 'en', on)}; {en}.",
            )
        case Timing.PLANNED:
            return "按还款方案的日子扣,方案变了就跟着变,不超过上限。", "On the days of the plan, as it changes."


def _told(wish: Wish) -> Said:
    hours = wish.notice_hours
    return (
        f"每次扣款前至少提前 {hours} 小时通知我,我可以跳过这一次;账单来得太晚时在最后的稳妥时间扣并说明。",
        f"I am told at least {hours} hours before each debit and may skip it; where a bill comes too late for that,"
        " it is paid at the last safe moment and I am told so.",
    )


def _again(wish: Wish) -> Said:
    if not wish.retries:
        return "没有成功时不再试,通知我自己还。", "After a final no it is not tried again and I am told to pay by hand."
    zh, en = _AGAIN[wish.retry_when]
    return (
        f"明确失败后最多再试 {wish.retries} 次,在{zh};还不成就通知我自己还。",
        f"After a final no it is tried {wish.retries} more times, {en}; then I am told to pay by hand.",
    )


def _through(wish: Wish, on: date) -> Said:
    if wish.channel is None:
        return "渠道:每次选来得及的里面最便宜的。", "Channel: each time the cheapest that is in time."
    way = capabilities.way(wish.channel, on=on)
    return f"渠道:{way.zh}。", f"Channel: {way.en}."


def _valid(wish: Wish, on: date) -> Said:
    zh = f"从{'现在' if wish.valid_from is None else _day(wish.valid_from, 'zh', on)}起"
    en = f"From {'now' if wish.valid_from is None else _day(wish.valid_from, 'en', on)}"
    if wish.valid_to is None:
        return f"{zh},直到我撤回。", f"{en} until I revoke it."
    return f"{zh},到 {_day(wish.valid_to, 'zh', on)} 止。", f"{en} to {_day(wish.valid_to, 'en', on)}."


def _instead() -> Said:
    return "这份授权取代这张卡现有的授权。", "It takes the place of the mandate this card has now."


def _day(day: date, lang: str, on: date) -> str:
    return wording.day(day, lang=lang, this_year=on.year)
