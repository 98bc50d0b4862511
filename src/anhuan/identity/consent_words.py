"""The words of consent: what data may be used for, on what ground, by which way; one readable table, no decisions.

Law: 个人信息保护法 (PIPL) articles 13 to 17 (grounds, withdrawal, no coupling, what must be told), 23 (separate consent
to share) and 24 (no advertising by profile without a way out).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from anhuan.kit.errors import Refused


class Purpose(StrEnum):
    """What the data of a party may be used for beyond the party's own reckoning; each is agreed to by itself."""

    BILL_READING = "bill_reading"
    SCORING = "scoring"
    SHARING = "sharing"  # with one named partner: "sharing:<partner>"
    PERSONAL_OFFERS = "personal_offers"
    MARKETING = "marketing"


class Mode(StrEnum):
    """How far a use goes."""

    VIEW = "view"
    STORE = "store"
    QUERY = "query"
    STREAM = "stream"


class Channel(StrEnum):
    """Where somebody said yes or no."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in both languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        """Chinese, or English where asked."""
        return self.en if lang == "en" else self.zh


DATA: Final = {
    "files": Said("您交来的账单文件和邮件", "the bill files and mails you hand in"),
    "cards": Said("卡的银行和末四位（从不留完整卡号）", "bank and last four digits of cards (never the whole number)"),
    "bills": Said("账单金额、日期和明细", "amounts, days and lines of bills"),
    "payments": Said("还款记录", "payments made"),
    "balances": Said("您填写的余额和收支", "balances, income and spending you entered"),
    "contact": Said("登录用的手机号或邮箱", "the phone number or e-mail you sign in with"),
}


@dataclass(frozen=True, slots=True)
class PurposeLine:
    """One row of the table: what it is called, what is done, with which data, how, and what depends on it."""

    name: Said
    sentence: Said
    data: tuple[str, ...]
    mode: Mode
    periodic: bool
    needed_by: Said | None  # the service that cannot work without it; None: nothing else depends on it
    days: str  # the number of kit/seeds/terms_house.toml that says for how long a yes holds


PURPOSES: Final = {
    Purpose.BILL_READING: PurposeLine(
        Said("账单读取", "Bill reading"),
        Said(
            "读取您交来的账单，取出卡、金额、日期和明细，加密存在这台机器上，用来提醒到期日和计算还款方案。",
            "We read the bills you hand in, take cards, amounts, days and lines from them, keep them encrypted on this "
            "machine, and use them for due days and plans.",
        ),
        ("files", "cards", "bills"), Mode.STORE, True,
        Said("导入账单。手动填写卡和账单不需要它。", "Importing bills. Typing them in by hand works without it."),
        "consent_days_bill_reading",
    ),
    Purpose.SCORING: PurposeLine(
        Said("信用评分", "Credit scoring"),
        Said(
            "用您的账单和还款记录算出一个分数，并告诉您是哪些因素；不利的结果您可以要求人工复核。",
            "We work out a score from your bills and payments and tell you what moved it; you may ask a person to "
            "look at an unfavourable one.",
        ),
        ("bills", "payments", "balances"), Mode.QUERY, False, Said("信用额度的评估。", "Judging credit lines."),
        "consent_days_scoring",
    ),
    Purpose.SHARING: PurposeLine(
        Said("共享给合作方", "Sharing with a partner"),
        Said(
            "把下面列出的数据提供给这一家合作方，只用于您向它申请的服务；换一家要重新征得您的同意。",
            "We pass the data below to this one partner, only for the service you ask of it; another partner needs "
            "another yes.",
        ),
        ("cards", "bills", "payments", "contact"), Mode.QUERY, True,
        Said("您向这家合作方申请的服务。", "The service you ask of this partner."), "consent_days_sharing",
    ),
    Purpose.PERSONAL_OFFERS: PurposeLine(
        Said("个性化推荐", "Personal offers"),
        Said(
            "按您的卡和消费挑选权益和优惠。关掉后只显示对所有人都一样的内容。",
            "We choose benefits and offers by your cards and spending. Without it you see what everybody sees.",
        ),
        ("cards", "bills"), Mode.QUERY, True, None, "consent_days_personal_offers",
    ),
    Purpose.MARKETING: PurposeLine(
        Said("营销", "Marketing"),
        Said("给您发送产品和活动信息。", "We send you news of products and campaigns."),
        ("contact",), Mode.QUERY, True, None, "consent_days_marketing",
    ),
}  # fmt: skip


class Duty(StrEnum):
    """A ground of law that needs no consent; each use names the article and is written down."""

    OWN_REQUEST = "own_request"
    CONTRACT = "contract"
    SECURITY = "security"
    AML = "aml"


DUTIES: Final = {
    Duty.OWN_REQUEST: Said("本人申请查阅、复制、转移或删除（个人信息保护法第 45、47、50 条）",
                           "the person's own request to see, copy, move or erase (PIPL art. 45, 47, 50)"),
    Duty.CONTRACT: Said("处理本人的咨询和投诉，为履行合同所必需（个人信息保护法第 13 条第 1 款第 2 项）",
                        "answering the person's own question or complaint, for the contract (PIPL art. 13 (2))"),
    Duty.SECURITY: Said("保护账户安全、反诈骗的法定义务（个人信息保护法第 13 条，反电信网络诈骗法第 32 条）",
                        "protecting accounts, stopping fraud: duties of law (PIPL art. 13, anti-fraud law art. 32)"),
    Duty.AML: Said("反洗钱义务（个人信息保护法第 13 条第 1 款第 3 项，反洗钱法第 34、35 条）",
                   "anti-money-laundering duties (PIPL art. 13 (3), AML law art. 34, 35)"),
}  # fmt: skip

_PARTNER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class NoConsent(Refused):
    """还没有同意: nobody agreed to this use of the data, or the consent ended; nothing was read."""

    code = "consent.missing"


class UnknownPurpose(Refused):
    """没有这个用途: the table of purposes has no such line, or sharing names no partner."""

    code = "consent.unknown"


class TextChanged(Refused):
    """文本已更新: what was shown is not the text in force any more; it must be read again."""

    code = "consent.text_changed"


def parse(text: str) -> tuple[Purpose, str]:
    """A purpose as people and programs write it: its name, for sharing with the partner behind a colon."""
    name, _, partner = text.partition(":")
    if name not in set(Purpose):
        raise UnknownPurpose("没有这个用途。", field="purpose")
    purpose = Purpose(name)
    check_partner(purpose, partner)
    return purpose, partner


def check_partner(purpose: Purpose, partner: str) -> None:
    """Sharing names exactly one partner; no other purpose names any."""
    if (purpose is Purpose.SHARING) != bool(_PARTNER.fullmatch(partner)):
        raise UnknownPurpose("共享要写明一家合作方，其他用途不写。", field="purpose")


def written(purpose: Purpose, partner: str = "") -> str:
    """The purpose as one word, the opposite of `parse`."""
    return f"{purpose.value}:{partner}" if partner else purpose.value
