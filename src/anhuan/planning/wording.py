"""The sentences of an explained plan in Chinese and English: a code and its facts, said in one language when asked.

Facts are kept as values (fen, days, names), so the same explanation can be printed in either language.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final

from anhuan.kit import wording


@dataclass(frozen=True, slots=True)
class Name:
    """What somebody or something is called, in Chinese and English."""

    zh: str
    en: str

    def say(self, lang: str = "zh") -> str:
        """The name in Chinese (`zh`) or English (`en`)."""
        return self.en if lang == "en" else self.zh


Fact = str | int | date | Fraction | Name


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence not yet said: whole numbers are fen, days are dates, counts and names are text."""

    code: str
    facts: dict[str, Fact] = field(default_factory=dict)

    def say(self, lang: str = "zh") -> str:
        """The sentence in Chinese (`zh`) or English (`en`)."""
        said = {name: _fact(fact, lang) for name, fact in self.facts.items()}
        return _SENTENCES[self.code][lang == "en"].format_map(said)


def label(code: str, lang: str = "zh") -> str:
    """A short word without facts: a heading, a kind, a status."""
    return _SENTENCES[code][lang == "en"]


def rate_text(rate: Fraction) -> str:
    """A daily rate as decimal text, exact where it ends within 18 digits."""
    whole, rest = divmod(rate.numerator * 10**18, rate.denominator)
    text = f"{whole // 10**18}.{whole % 10**18:018d}".rstrip("0").rstrip(".")
    return text if not rest else f"{text}…"


def _fact(fact: Fact, lang: str) -> str:
    if isinstance(fact, date):
        return wording.short_day(fact, lang=lang)
    if isinstance(fact, int):
        return wording.amount(fact)
    if isinstance(fact, Fraction):
        return rate_text(fact)
    if isinstance(fact, Name):
        return fact.say(lang)
    return fact


# Each code with its sentence in Chinese and in English.
_SENTENCES: Final[dict[str, tuple[str, str]]] = {
    # why a payment is made
    "full_by_due": (
        "在最后一天 {last} 前还清本期账单,不产生利息。",
        "Pays the bill in full by {last}, so no interest arises.",
    ),
    "completes_full": (
        "和其他还款一起,在 {last} 前还清本期账单,不产生利息。",
        "Together with the other payments it pays the bill in full by {last}, so no interest arises.",
    ),
    "keeps_minimum": (
        "保住最低还款 {minimum}(最晚 {last}),不逾期、不收违约金。",
        "Keeps the minimum of {minimum} (by {last}): no late mark, no late fee.",
    ),
    "stops_interest": (
        "已在计息的余额每天都产生利息,越早还越省。",
        "This balance bears interest every day, so the earlier it is paid the less it costs.",
    ),
    "towards_full": (
        "减少本期账单未还的部分,少付利息。",
        "Lowers what stays open of this bill, and with it the interest.",
    ),
    "workdays": (
        "{channel} 只在工作日入账,所以提前到 {day} 付,{credited} 到账。",
        "{channel} books on workdays only, so it leaves on {day} to arrive on {credited}.",
    ),
    "lead": ("{channel} 到账需要时间,{credited} 到账。", "{channel} takes its time: it arrives on {credited}."),
    "split_limit": (
        "{channel} 有限额(单笔或单日),所以分成几笔。",
        "{channel} limits a payment or a day, so the sum is split.",
    ),
    "split_income": (
        "钱分几次到,这一笔用 {day} 到账的收入。",
        "The money comes in parts; this payment uses what comes in on {day}.",
    ),
    "free_quota": ("用掉 {channel} 本月的免费额度,不收手续费。", "Uses {channel}'s free quota of the month: no fee."),
    "fee_paid": (
        "{channel} 收手续费 {fee},仍比不还省。",
        "{channel} takes a fee of {fee}, which is still cheaper than not paying.",
    ),
    # why a bill is not paid in full
    "no_money": (
        "到 {last} 为止没有足够的钱还清:账单 {balance},已安排 {paid}。",
        "There is not enough money by {last}: the bill is {balance}, {paid} is arranged.",
    ),
    "dearer_elsewhere": (
        "同样的钱还在别处更省(别的卡利息或违约金更高)。",
        "The same money saves more elsewhere (another card's interest or late fee is higher).",
    ),
    "past_grace": (
        "还款日 {last} 已过,从入账日起的利息已经发生。",
        "Its last day {last} has passed: the interest from the posting days has arisen.",
    ),
    "not_due": ("还款日 {last} 在方案期限之后,到时再还。", "It is due on {last}, after the plan's last day."),
    "no_way": (
        "没有渠道能把钱送到这张卡。",
        "No channel reaches this card.",
    ),
    "tolerated": (
        "差额 {open} 在银行容差内,并入下期账单,不计息。",
        "The {open} left open is within the bank's tolerance; it moves to the next bill free of interest.",
    ),
    # worked steps, in the words of the rules
    "step_bill": (
        "{statement} 账单:应还 {balance}(结转 {carried},费用 {fees},新账 {charges}),最低 {minimum}。",
        "Bill of {statement}: {balance} (carried {carried}, fees {fees}, charges {charges}), minimum {minimum}.",
    ),
    "step_paid": (
        "到最后一天 {last} 共还 {paid}。",
        "Paid by the last day {last}: {paid}.",
    ),
    "step_full": ("已还清,新账不计息。", "Paid in full: the charges earn no interest."),
    "step_interest": (
        "本期计息 {days} 分·天 × 日利率 {rate} = 利息 {interest}(合计后四舍五入到分)。",
        "{days} fen-days × daily rate {rate} = interest of {interest} (rounded once, half up).",
    ),
    "step_no_interest": ("本期没有利息。", "No interest in this cycle."),
    "step_late_fee": (
        "最低还款没有还够,违约金 {late_fee}。",
        "The minimum is missed: late fee {late_fee}.",
    ),
    "step_terminal": (
        "期末仍在计息的余额 {bearing},按 {days} 天估价 {terminal}。",
        "{bearing} still bears interest at the end, priced at {terminal} for {days} days.",
    ),
    # warnings of an answer
    "provisional": (
        "{year} 年的节假日安排还没有公布,工作日是推算的。",
        "The official calendar of {year} is not published yet; its workdays are provisional.",
    ),
    "minimum_unused": (
        "{field}:后续账单的最低还款由规则推算,给出的数字没有使用。",
        "{field}: the minimum of a later statement follows from the rules; the given one is not used.",
    ),
    "unknown_field": ("{field}:没有规则用到这个字段。", "{field}: no rule reads this field."),
    # what a stored household's plan assumes and doubts
    "term_daily_rate": ("{card}:日利率 {value}。", "{card}: daily rate {value}."),
    "term_interest_basis": ("{card}:计息方式 {value}。", "{card}: interest basis {value}."),
    "term_minimum_rate": ("{card}:最低还款比例 {value}。", "{card}: minimum rate {value}."),
    "term_late_fee_rate": ("{card}:违约金比例 {value}。", "{card}: late fee rate {value}."),
    "carried": (
        "{card}:{amount} 是上期没还清的,已在计息。",
        "{card}: {amount} was left open before and bears interest.",
    ),
    "unexplained": (
        "{card}:账单里有 {amount} 没有明细,按 {day} 入账计息(宁可多算)。",
        "{card}: {amount} of the bill has no rows; it is counted from {day} (rather too much than too little).",
    ),
    "minimum_guessed": (
        "{card}:账单没有印最低还款,按 {amount} 计算。",
        "{card}: the bill prints no minimum; {amount} is assumed.",
    ),
    "due_guessed": ("{card}:账单没有印还款日,按 {day} 计算。", "{card}: the bill prints no due day; {day} is assumed."),
    "stale_bill": (
        "{card}:最近一期账单是 {day} 的,之后的账单还没有导入。",
        "{card}: its newest bill is of {day}; a later one is missing.",
    ),
    "cycle": ("{card}:以后的账单日按 {why} 推算。", "{card}: later statement days by {why}."),
    "shares_go_on": (
        "{card}:每期分期 {amount},假设在方案期限内继续。",
        "{card}: instalments of {amount} a month are assumed to go on.",
    ),
    "spending": ("{card}:以后每期消费按 {amount} 计。", "{card}: {amount} of spending is expected in each cycle."),
    "no_spending": ("{card}:没有计入以后的新消费。", "{card}: no later spending is counted."),
    "no_due_day": ("{card}:没有还款日,没有排进方案。", "{card}: no due day is known, so it is not planned."),
    "foreign_bill": (
        "{card}:{currency} 账单要用 {currency} 还,没有排进方案。",
        "{card}: its {currency} bill is paid in {currency} and is not planned.",
    ),
    "balance_old": ("{account}:余额是 {day} 的,请核对。", "{account}: its balance is of {day}; please check it."),
    "channel_terms": (
        "{channel}:每月 {quota} 免手续费,超出部分费率 {fee}。",
        "{channel}: {quota} a month free, then a rate of {fee}.",
    ),
    "channel_free": ("{channel}:不收手续费。", "{channel}: takes no fee."),
    "calendar": ("工作日历版本 {version}。", "Calendar of workdays: version {version}."),
    # statuses
    "status_optimal": ("已证明最省", "proved cheapest"),
    "status_feasible": ("时间内找到的最好方案", "the best found in time"),
    "status_shortfall": ("钱不够还齐所有最低还款", "not every minimum can be kept"),
    # kinds of cost
    "interest": ("利息", "interest"),
    "late_fees": ("违约金", "late fees"),
    "instalment_fees": ("分期手续费", "instalment fees"),
    "channel_fees": ("渠道手续费", "channel fees"),
    "line_interest": ("借款利息", "interest on lines"),
    "missed_minimums": ("征信受影响的代价(假设)", "price of late marks (assumed)"),
    "terminal": ("期末余额以后的利息(估)", "later interest of what stays open (estimate)"),
    # habits
    "minimum_only": ("只还最低", "minimum only"),
    "by_due_date": ("按到期先后,还到没钱", "by due date until the money is gone"),
    "highest_rate": ("利率高的先还", "highest rate first"),
    "smallest_balance": ("欠得少的先还", "smallest balance first"),
}
