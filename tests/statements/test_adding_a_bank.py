"""The page that a newcomer follows must be true."""

import re
from pathlib import Path
from typing import Any

from anhuan.statements.bill_reader import Bank, read_bill
from anhuan.statements.text import sheet_of_text

PAGE = Path(__file__).parents[2] / "docs" / "ADDING_A_BANK.md"
MAIL = """示例银行信用卡 6222****1234
账单日 2026-08-08 到期还款日 2026-08-28 本期总欠款 100.00 最低还款额 10.00
2026-08-01 2026-08-02 某店 5.00"""


def test_the_example_of_the_page_reads_a_bill() -> None:
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert example is not None
    names: dict[str, Any] = {}
    exec(example[1], names)
    bank = names["BANK"]
    assert isinstance(bank, Bank)
    reading = read_bill(bank, sheet_of_text(MAIL))
    assert reading is not None
    assert [(bill.total_due, bill.minimum_due, bill.cards) for bill in reading.bills] == [(10000, 1000, ("1234",))]
    assert [line.amount for line in reading.lines] == [500]


def test_every_file_that_the_page_names_is_there() -> None:
    room = PAGE.parents[1] / "src" / "anhuan" / "statements"
    named = set(re.findall(r"`(\w+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert all((room / name).exists() for name in named)
