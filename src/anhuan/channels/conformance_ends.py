"""The right ends of the 35 scenarios of channels.md, section 6, so that a machine can compare them.

They are written here once more, apart from the simulated bank's own oracles; a test compares both.
"""

from collections.abc import Mapping
from typing import Any, Final

from anhuan.channels.conformance_model import RightEnd
from anhuan.channels.model import EventKind, State


def _no(number: int, zh: str, en: str, says: str, code: str, **more: Any) -> RightEnd:
    return RightEnd(number, zh, en, says, "rejected", State.FAILED, code, 0, 0, **more)


_TIMEOUTS: Final = ("drop", "hang", "error", "rubbish")
RIGHT_ENDS: Final[Mapping[int, RightEnd]] = {one.number: one for one in (
    RightEnd(1, "即时成功", "success at once", "one call, settled; arrived only with bank data"),
    RightEnd(2, "数分钟后成功", "success after minutes", "asked with pauses, one instruction, settled", "unknown"),
    RightEnd(3, "次日到账", "arrival T+1", "settled today, arrived tomorrow"),
    RightEnd(4, "截止后次一工作日入账", "after cut-off", "credited on the next workday"),
    RightEnd(5, "周末与长假", "weekend and long holiday", "nothing credited in the break"),
    RightEnd(6, "调休周六", "working Saturday", "credited that Saturday in a known year",
             hows=("", "unknown_year")),
    RightEnd(7, "超时但已完成", "timeout, but done", "unknown, then settled by asking; one debit", "unknown",
             hows=_TIMEOUTS),
    RightEnd(8, "超时未完成", "timeout, not done",
             "unknown until not found is final, then rejected; only then a new attempt", "unknown",
             State.FAILED, "not_found", 0, 0),
    RightEnd(9, "先查无后查到", "not found early, then found",
             "the early answer changes nothing; one debit", "unknown"),
    RightEnd(10, "回调乱序", "failed, then success, out of order", "both are hints; asking says success", "unknown"),
    RightEnd(11, "同一回调三次", "same callback three times", "three received, one change"),
    RightEnd(12, "回调不来", "callback never comes", "asking or the file settles it", "unknown"),
    RightEnd(13, "回调伪造", "callback forged", "refused; no state change", "unknown"),
    RightEnd(14, "同键同内容", "same key, same body", "same answer, one debit"),
    RightEnd(15, "同键不同内容", "same key, other body",
             "refused by the bank; broken: stop and keep the evidence"),
    _no(16, "余额不足", "insufficient funds", "rejected", "insufficient_funds"),
    RightEnd(17, "退汇", "accepted, returned next day", "settled, then a return; the success stays",
             credits=0, given_back=1, events=(EventKind.RETURNED,)),
    _no(18, "单日限额", "daily limit", "rejected with the moment it resets", "daily_limit"),
    _no(19, "超过单笔上限", "amount over the limit", "never sent, split before; by the bank's lower limit rejected",
        "over_single_limit"),
    RightEnd(20, "系统维护", "maintenance window", "nothing taken inside it, then settled", "unknown"),
    RightEnd(21, "限流", "rate limit", "waits as told, nothing lost", "unknown"),
    RightEnd(22, "三十秒后才回答", "answers after 30 s", "our timeout is shorter; unknown, asked", "unknown"),
    RightEnd(23, "文件缺行", "file misses a row", "difference: missing at the bank", difference="missing_at_bank"),
    RightEnd(24, "文件多行", "file has a row too many", "difference: unknown to us", difference="unknown_to_us"),
    RightEnd(25, "文件金额差一分", "file amount off by 0.01", "difference: amount; no tolerance", difference="amount"),
    RightEnd(26, "手续费内扣", "fee taken from the amount",
             "less arrives than was sent; difference: fee", difference="fee"),
    RightEnd(27, "文件迟到等", "file late, re-issued, truncated, wrong checksum, GBK",
             "waited for; differences only; refused whole; read",
             hows=("late", "reissued", "truncated", "wrong_checksum", "gbk")),
    RightEnd(28, "次年复用参考号", "reference used again next year", "matched within its business day"),
    RightEnd(29, "银行时区记日", "day by the bank's zone",
             "23:59:59 counts for that day, one second later for the next",
             hows=("last_second", "first_second")),
    RightEnd(30, "批次部分成功", "partial batch",
             "each item its own state; accepted items never sent again", "unknown"),
    RightEnd(31, "账单日后退款", "refund after the statement day", "total due unchanged, the next bill lower"),
    RightEnd(32, "先入错账后更正", "posted wrongly, then corrected",
             "evidence withdrawn, in doubt, new evidence"),
    _no(33, "卡片冻结", "card frozen", "rejected; this card alone is stopped", "card_frozen"),
    RightEnd(34, "途中撤回授权", "consent withdrawn in flight", "followed to its end; nothing more is sent", "unknown"),
    RightEnd(35, "账单改版", "statement with a changed template", "nothing imported, parser health red"),
)}  # fmt: skip
