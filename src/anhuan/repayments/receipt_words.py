"""The words of receipts in both languages, for paper and page alike."""

from collections.abc import Mapping
from typing import Any, Final

from anhuan.repayments.model import EventKind, OrderStatus

S, E = OrderStatus, EventKind
Both = tuple[str, str]

WORDS: Final[Mapping[str, Both]] = {
    "brand": ("安还", "Anhuan"),
    "receipt": ("还款回单", "Receipt of a repayment"),
    "progress": ("还款进度单", "Progress of a repayment"),
    "made": ("截至 {at}(北京时间) · 还款单 {number}", "As of {at} (Beijing time) · order {number}"),
    "payment": ("付款", "Payment"),
    "payer": ("付款人", "Payer"),
    "from": ("付款账户", "Paid from"),
    "to": ("还到", "Paid to"),
    "channel": ("渠道", "Channel"),
    "amount": ("还款金额", "Amount"),
    "debit": ("合计扣款", "Debited in all"),
    "on_card": ("到卡金额", "Arrived on the card"),
    "reference": ("渠道回执号", "The channel's reference"),
    "key": ("指令编号", "Instruction"),
    "free": ("其中 {free} 用免费额度", "{free} within the free quota"),
    "stages": ("每一步", "Every stage"),
    "evidence": ("凭证与往来消息", "Evidence and messages"),
    "sha": ("SHA-256 {short}…", "SHA-256 {short}…"),
    "withdrawn": ("已撤回", "withdrawn"),
    "books": ("账本凭证", "Postings in the books"),
    "root": ("签名根", "Signed root"),
    "root_is": ("第 {number} 号 {short}…,包含以上凭证", "no. {number} {short}…, covers the postings above"),
    "no_root": ("还没有签名,一分钟内会签", "not signed yet; signed within a minute"),
    "posted": ("{day} 入账,有银行数据为证", "posted {day}, proved by bank data"),
    "expected": ("预计 {at} 前到账", "expected before {at}"),
    "proves": (
        "本回单证明上列付款已在发卡行入账,依据是上列银行数据。",
        "This receipt proves that the payment above was posted at the card's bank, by the bank data above.",
    ),
    "not_yet": (
        "本进度单只说明付款走到哪一步,不证明钱已到卡;渠道说已付也不算到账。银行账单或流水里看到后,才出具还款回单。",
        "This paper tells how far the payment has come. It does not prove that the money is on the card; a channel's"
        " word is no arrival. A receipt is made once bank data show it.",
    ),
    "own": (
        "款项由付款人本人账户付至本人信用卡,安还不经手资金。",
        "The money went from the payer's own account to the payer's own card; Anhuan never held it.",
    ),
    "footer": ("安还 · 还款单 {number}", "Anhuan · order {number}"),
}  # fmt: skip
STATUSES: Final[Mapping[OrderStatus, Both]] = {
    S.SCHEDULED: ("已安排,还没有付出", "Scheduled, not paid yet"), S.PLACED: ("在途", "On its way"),
    S.SENT: ("在途", "On its way"),
    S.PROMISED: ("在途:渠道说已付,等银行入账", "On its way: the channel says paid, the bank has not posted it"),
    S.ARRIVED: ("已到账", "Arrived"), S.IN_DOUBT: ("待核实", "Being looked into"),
    S.GIVEN_BACK: ("已退回付款账户", "Given back to the paying account"),
    S.FAILED: ("没有成功,钱没有离开付款账户", "Did not go through; nothing left the paying account"),
    S.CANCELLED: ("已取消,没有付出", "Cancelled, nothing was paid"),
}  # fmt: skip
EVENTS: Final[Mapping[EventKind, Both]] = {
    E.CONFIRMED: ("付款人确认", "Confirmed by the payer"), E.SCHEDULED: ("已安排", "Scheduled"),
    E.PLACED: ("已下单", "Placed"), E.WAITING: ("等待", "Waiting"), E.WENT_ON: ("继续", "Went on"),
    E.SENT: ("已发给渠道", "Sent to the channel"), E.ACCEPTED: ("银行已受理", "Accepted by the bank"),
    E.PROMISED: ("通道回执:已付", "The channel says it paid"), E.ARRIVED: ("已到账", "Arrived"),
    E.SHORT: ("到账少于付出", "Less arrived than was sent"), E.IN_DOUBT: ("待核实", "In doubt"),
    E.CLEARED: ("核实完毕", "The doubt is over"), E.GIVEN_BACK: ("已退回", "Given back"),
    E.FAILED: ("没有成功", "Did not go through"), E.CANCELLED: ("已取消", "Cancelled"),
    E.ALERTED: ("已提醒本人付款", "The payer was told to pay by hand"),
    E.NOTICED: ("已在扣款前通知", "The payer was told before the debit"),
}  # fmt: skip
PROOFS: Final[Mapping[str, Both]] = {
    "statement": ("账单流水", "statement"), "bank_file": ("银行文件", "bank file"),
    "bank_notice": ("银行通知(已核对)", "bank notice, checked"), "receipt": ("回单(已核对)", "receipt, checked"),
    "marked": ("本人标记已付(不算到账证明)", "marked paid by the payer (no proof)"),
}  # fmt: skip
VERBS: Final[Mapping[str, Both]] = {
    "pay": ("付款的回答", "answer to the payment"), "ask": ("查询的回答", "answer to a question"),
    "file": ("文件", "file"), "hand": ("本人", "by hand"),
}  # fmt: skip
SCHEDULES: Final[tuple[Both, Both]] = (("渠道手续费", "Channel fee"), ("平台服务费", "Service fee"))


def word(name: str, lang: str, **facts: Any) -> str:
    """One sentence in one language."""
    return WORDS[name][lang == "en"].format(**facts)
