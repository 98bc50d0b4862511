"""What `anhuan repay` says, in Chinese and English: a channel's word is never called success, and nothing is promised
that bank data do not show."""

from collections.abc import Mapping
from typing import Final

from anhuan.repayments.model import EventKind, OrderStatus, Wait

S, E, W = OrderStatus, EventKind, Wait
Words = Mapping[str, tuple[str, str]]

STATUS: Final[Words] = {
    S.SCHEDULED: ("已安排", "scheduled"),
    S.PLACED: ("已下单，还没有发出", "ordered, not sent yet"),
    S.SENT: ("已发出，等银行答复", "sent, waits for the bank's answer"),
    S.PROMISED: ("渠道说已付，等银行入账", "the channel says it paid, waits for the bank's data"),
    S.ARRIVED: ("已到账", "arrived"),
    S.IN_DOUBT: ("待核实，请先不要重复还款", "in doubt: please do not pay again"),
    S.GIVEN_BACK: ("已退回，账单仍待还", "given back: the bill is still open"),
    S.FAILED: ("没有成功，钱没有离开您的账户", "not successful: nothing left your account"),
    S.CANCELLED: ("已取消，没有付出", "cancelled: nothing was paid"),
}
WAIT: Final[Words] = {
    W.DAY: ("还没到安排的日子", "its day has not come"),
    W.PAUSED: ("您暂停了所有付款", "you paused everything"),
    W.CARD_PAUSED: ("这张卡暂停还款", "this card is paused"),
    W.FROZEN: ("账户已冻结", "the account is frozen"),
    W.CHANNEL_STOPPED: ("渠道暂停，恢复后自动继续", "the channel is stopped; it goes on by itself"),
    W.BANK_STOPPED: ("银行暂停，恢复后自动继续", "the bank is stopped; it goes on by itself"),
    W.MAINTENANCE: ("银行维护中，结束后自动继续", "the bank is in maintenance; it goes on by itself"),
    W.BALANCE: ("付款账户的余额不够", "too little on the paying account"),
    W.LIMIT: ("今天的限额用完，明天继续", "today's limit is used up; it goes on tomorrow"),
}
EVENT: Final[Words] = {
    E.CONFIRMED: ("已确认", "confirmed"),
    E.SCHEDULED: ("已安排", "scheduled"),
    E.PLACED: ("已下单", "ordered"),
    E.WAITING: ("等待", "waits"),
    E.WENT_ON: ("继续", "goes on"),
    E.SENT: ("已发给渠道", "sent to the channel"),
    E.ACCEPTED: ("银行已受理", "taken on by the bank"),
    E.PROMISED: ("渠道说已付，等银行入账", "the channel says it paid"),
    E.ARRIVED: ("已到账，有银行数据", "arrived, shown by bank data"),
    E.SHORT: ("到账少于付出", "less arrived than was paid"),
    E.IN_DOUBT: ("待核实", "in doubt"),
    E.CLEARED: ("核实完毕", "the doubt is over"),
    E.GIVEN_BACK: ("已退回", "given back"),
    E.FAILED: ("没有成功", "not successful"),
    E.CANCELLED: ("已取消", "cancelled"),
    E.UNCLEAR: ("导入的流水与不止一笔相符，等待核对", "imported lines fit more than one payment: to be looked at"),
    E.ALERTED: ("已提醒您手工付款", "you were told to pay by hand"),
    E.NOTICED: ("已在扣款前通知您", "you were told before the debit"),
}
SAY: Final[Words] = {
    "card": ("还款卡", "Card"),
    "from": ("付款账户", "From"),
    "by": ("渠道", "By"),
    "amount": ("还款金额", "Amount"),
    "fee": ("手续费", "Fee"),
    "debit": ("合计扣款", "Debit"),
    "start": ("付出", "Starts"),
    "parts": ("分成", "In parts"),
    "expected": ("预计到账", "Expected"),
    "due": ("到期还款日", "Due"),
    "safe": ("最晚安全时间", "Safe to start by"),
    "stays": ("之后仍待还", "Stays open"),
    "now": ("现在", "now"),
    "unknown": ("不知道", "not known"),
    "blocked": ("现在不能付", "Cannot be paid now"),
    "ask": ("确认付款请输入 yes", "Type yes to pay"),
    "not_paid": ("没有付款。", "Nothing was paid."),
    "taken": ("已受理。", "Taken on."),
    "order": ("还款单", "Order"),
    "placed": ("下单", "Ordered"),
    "status": ("状态", "Status"),
    "none": ("还没有还款单。", "No orders yet."),
    "next": ("下次查看", "Next look"),
    "cancelled": ("已取消，没有付出任何款项。", "Cancelled: nothing was paid."),
    "mandate": ("授权", "Mandate"),
    "cap": ("每次最多", "Cap"),
    "until": ("到期", "Until"),
    "no_end": ("直到撤回", "until revoked"),
    "on": ("生效", "on"),
    "off": ("已停用", "off"),
    "revoked": ("已撤回", "revoked"),
    "no_mandates": ("没有授权：没有您的确认，什么都不会自动扣。", "No mandates: nothing is debited without you."),
    "taken_back": (
        "授权已撤回：{stopped} 笔不会再付出，{followed} 笔已经发出，会跟到底。",
        "Revoked: {stopped} will not go out; {followed} went out and are followed to their end.",
    ),
    "paused": ("已暂停。要恢复：anhuan repay resume", "Paused. To go on: anhuan repay resume"),
    "card_resumed": ("已恢复这张卡的还款。", "Payments to this card go on."),
    "in_browser": (
        "恢复全部付款要在网页上验证身份：打开 /me/limits。",
        "To let everything go on, prove who you are in the browser: open /me/limits.",
    ),
    "not_paused": ("没有暂停。", "Nothing is paused."),
    "watching": (
        "跟踪到有结果为止，按 Ctrl-C 停止跟踪（付款继续）。",
        "Following to its end; Ctrl-C stops the following, not the payment.",
    ),
}  # fmt: skip
