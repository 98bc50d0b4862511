"""The words of a worked sum, in Chinese and English, as domain.md names them; formulas are the same in both."""

from datetime import date
from fractions import Fraction
from typing import Final

from anhuan.kit.money import to_text

_WORDS: Final = {
    "interest_full": ("全额计息：全部欠款自记账日起计息", "interest on the whole bill from posting (basis full)"),
    "interest_unpaid": (
        "未偿还部分计息：未还部分自记账日起计息",
        "interest on the unpaid part from posting (basis unpaid)",
    ),
    "carried": ("循环利息：上期未还余额逐日计息", "revolving interest on the carried balance"),
    "cash": ("取现利息：自交易日起计息，无免息期", "cash advance interest from the day of the transaction"),
    "rounded": ("利息合计，四舍五入到分", "interest of the cycle, rounded once, half up"),
    "accrued": ("已产生未出账利息，四舍五入到分", "interest accrued and not yet billed, rounded half up"),
    "late_fee": ("违约金：最低还款额未还部分", "late fee on the unpaid part of the minimum"),
    "late_fee_floor": ("违约金按最低收取额", "late fee at its lowest amount"),
    "in_full": ("按时全额还款：免息", "paid in full: no interest"),
    "tolerated": ("容差：差额不计息，转入下期账单", "within the tolerance: the gap rides free to the next statement"),
    "missed": ("未还足最低还款额：征信记录逾期", "minimum missed: a late mark on the credit record"),
    "balance": ("账单金额 = 上期结转 + 费用 + 本期新增", "balance = carried + fees + charges"),
    "minimum": ("最低还款额", "minimum due"),
    "minimum_formula": (
        "{rate} × {base}（向上取整到分）+ 费用 {fees} + 分期 {shares} + 上期未还最低 {shortfall}，不超过账单金额",
        "{rate} × {base} (up to the fen) + fees {fees} + instalments {shares} + missing minimum {shortfall}, "
        "at most the balance",
    ),
    "minimum_cash": (" + 取现 {cash}", " + cash advance {cash}"),
    "printed": ("以账单为准", "as printed by the bank"),
    "instalment_fees": ("分期手续费合计", "fees of the instalment plan"),
    "days": ("{amount} × {rate} × {days} 天（{start} 至 {end}）", "{amount} × {rate} × {days} days ({start} to {end})"),
    "assumed_posting": (
        "假设：账单内消费都在账单周期首日记账",
        "assumed: everything was posted on the cycle's first day",
    ),
}


def say(key: str, lang: str = "zh", **facts: object) -> str:
    """The words of a step, with amounts and rates put in."""
    zh, en = _WORDS[key]
    return (en if lang == "en" else zh).format(**facts)


def days_sum(amount: int, rate: Fraction, start: date, end: date, *, currency: str, lang: str) -> str:
    """Amount × daily rate × days, with the first and the last day that count."""
    last = date.fromordinal(end.toordinal() - 1)
    shown = f"{float(rate):.8f}".rstrip("0")
    return say(
        "days",
        lang,
        amount=to_text(amount, currency),
        rate=shown,
        days=(end - start).days,
        start=start.isoformat(),
        end=last.isoformat(),
    )
