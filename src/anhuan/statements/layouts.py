"""All known exports: a new one is one file with its layout and one name here."""

import re
from typing import Final

from anhuan.statements import (
    cells,
    export_boc,
    export_bocom,
    export_citic,
    export_cmb,
    export_hsbc,
    export_icbc,
    wallet_alipay,
    wallet_jd,
    wallet_meituan,
    wallet_wechat,
)
from anhuan.statements.draft import Layout

ALL: Final[tuple[Layout, ...]] = (
    wallet_alipay.LAYOUT, wallet_wechat.LAYOUT, wallet_jd.LAYOUT, wallet_meituan.LAYOUT, *export_cmb.LAYOUTS,
    *export_icbc.LAYOUTS, *export_boc.LAYOUTS, *export_bocom.LAYOUTS, *export_citic.LAYOUTS, *export_hsbc.LAYOUTS,
)  # fmt: skip

# Names by which a preface or title tells the bank, longest first where one contains another.
BANK_NAMES: Final = {
    "招商银行": "cmb", "工商银行": "icbc", "建设银行": "ccb", "China Construction Bank": "ccb",
    "农业银行": "abc", "交通银行": "bocom", "中信银行": "citic", "浦发银行": "spdb", "浦东发展": "spdb",
    "光大银行": "ceb", "民生银行": "cmbc", "平安银行": "pab", "广发银行": "cgb", "兴业银行": "cib",
    "邮政储蓄": "psbc", "邮储银行": "psbc", "华夏银行": "hxb", "北京银行": "bob", "南京银行": "njcb",
    "湖南银行": "hnb", "华融湘江": "hnb", "中国银行": "boc", "Bank of China": "boc", "支付宝": "alipay",
    "微信支付": "wechat", "京东": "jd", "美团": "meituan", "HSBC": "hsbc", "汇丰": "hsbc", "DBS": "dbs",
    "甲银行": "sim_a", "乙银行": "sim_b", "丙银行": "sim_c", "丁银行": "sim_d", "戊银行": "sim_e",
    "OCBC": "ocbc", "UOB": "uob", "Citibank": "citi", "Standard Chartered": "scb",
}  # fmt: skip
_MARKS: Final = [(frozenset(cells.key_of(mark) for mark in layout.marks), layout) for layout in ALL]


def of(keys: frozenset[str]) -> Layout | None:
    """The layout whose marks all stand among the heading keys; of several the one that asks for most."""
    fitting = [(len(marks), number) for number, (marks, _) in enumerate(_MARKS) if marks <= keys]
    return _MARKS[max(fitting)[1]][1] if fitting else None


def own_words(layout: Layout) -> dict[str, str]:
    """The layout's own meanings of headings, by heading key."""
    return {cells.key_of(heading): word for heading, word in layout.columns.items()}


def bank_named(text: str) -> str | None:
    """The bank that a title or preface names, None where it names none or several."""
    found = {bank for name, bank in BANK_NAMES.items() if re.search(re.escape(name), text, re.IGNORECASE)}
    return found.pop() if len(found) == 1 else None
