"""光大银行: one row per card and currency, with its own sum; a PDF in 2017."""

from dataclasses import replace

import pytest
from tests.statements import fixtures_mail_more as letters
from tests.statements.mail_checks import ALL_SHAPES, bills, lines, pages_of, problems, read
from tests.statements.pages_pdf import pdf_of
from tests.statements.shapes_mail import Letter, Para, rows

from anhuan.statements.mail import read_pdf_pages

BILLS_2026 = [
    "USD 12.34 0.25 2026-06-12 2026-07-01 6601 card -",
    "CNY 799.00 15.98 2026-06-12 2026-07-01 6601 card 44000.00",
    "CNY 0.00 0.00 2026-06-12 2026-07-01 9902 card 44000.00",
    "CNY 9.98 9.98 2026-06-12 2026-07-01 9303 card 44000.00",
]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2026_has_the_dollar_table_first_and_the_same_card_twice(shape: str) -> None:
    reading = read(letters.ceb_2026(), shape)
    assert bills(reading) == BILLS_2026
    assert lines(reading) == [
        "2026-05-20 2026-05-21 12.34 USD 6601 purchase 网上消费 EXAMPLE CLOUD",
        "2026-05-15 2026-05-16 799.00 CNY 6601 purchase 网上支付 示例商户 北京",
        "2026-05-18 2026-05-18 -1194.62 CNY 9902 repayment 还款 网银转账",
        "2026-05-22 2026-05-23 -88.00 CNY 9303 refund 消费退货 示例电器",
    ]
    assert (reading.template, problems(reading)) == ("2019", [])


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2024_has_its_minimum_in_the_top_line(shape: str) -> None:
    reading = read(letters.ceb_2024(), shape)
    assert bills(reading) == ["CNY 666.00 33.30 2024-03-12 2024-03-31 6601 card 21000.00"]
    assert lines(reading) == [
        "2024-02-19 2024-02-20 -1332.00 CNY 6601 repayment 已收妥您的款项",
        "2024-03-01 2024-03-02 566.00 CNY 6601 purchase 网上支付 示例超市",
        "2024-03-12 2024-03-12 100.00 CNY 6601 fee 违约金",
    ]


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_a_bill_of_2016_has_its_dates_in_the_greeting(shape: str) -> None:
    reading = read(letters.ceb_2016(), shape)
    assert bills(reading) == [
        "CNY 977.00 97.70 2016-05-12 2016-05-31 7872 card -",
        "USD 2.99 0.30 2016-05-12 2016-05-31 7872 card -",
    ]
    assert [line.currency for line in reading.lines] == ["CNY", "CNY", "USD"]
    assert reading.template == "2016"


def test_the_pdf_of_2017_gives_the_bill_and_its_rows() -> None:
    reading = read(letters.ceb_2017())
    assert bills(reading) == ["CNY 982.00 49.10 2017-01-12 2017-01-31 7872 card -"]
    assert lines(reading) == [
        "2016-12-17 2016-12-17 1482.00 CNY 7872 purchase 网上支付 示例支付",
        "2016-12-20 2016-12-21 -500.00 CNY 7872 refund 消费退货 示例电器",
    ]
    assert reading.template == "2017"
    assert set(reading.bills[0].confidence) == set(reading.bills[0].spans)


def test_the_pdf_saved_from_its_mail_is_known_by_its_words() -> None:
    saved = read_pdf_pages(pages_of(pdf_of(letters.CEB_2017_LINES)), "statement.pdf")
    assert saved is not None
    assert (saved.bank, bills(saved)) == ("ceb", bills(read(letters.ceb_2017())))


def test_labels_and_values_in_one_run_of_flat_text_are_told_apart() -> None:
    text = (
        "张三  先生（收） 账单日 到期还款日 信用额度 人民币本期账单金额 RMB Statement Balance 最低还款额 "
        "RMB Minimum Payment Due 2023/01/12 2023/01/31 ￥4,400.00 ￥532.24 ￥26.61 "
        "40625111****6605 532.24 532.24 26.61 "
        "2022/12/13 2022/12/13 6605 其他消费 示例支付 4.90 2022/12/20 2022/12/21 6605 还款 (存入)100.00"
    )
    reading = read(
        replace(letters.ceb_2024(), subject="光大信用卡电子账单（2023年01月12日）", blocks=(Para(text),)), "plain"
    )
    assert bills(reading) == ["CNY 532.24 26.61 2023-01-12 2023-01-31 6605 card 4400.00"]
    assert lines(reading) == [
        "2022-12-13 2022-12-13 4.90 CNY 6605 purchase 其他消费 示例支付",
        "2022-12-20 2022-12-21 -100.00 CNY 6605 repayment 还款",
    ]


def test_a_sum_that_does_not_add_up_is_refused() -> None:
    reading = read(_with_table(("总计", "", "666.00", "660.00", "33.30")))
    assert (bills(reading), lines(reading), problems(reading)) == ([], [], ["bill.totals_disagree"])


def test_a_remark_on_an_instalment_plan_is_no_row_of_money() -> None:
    remarks = rows(
        ("2024/03/01", "2024/03/02", "6601", "账单分期 (分期) 2,246.02", ""),
        ("2024/03/12", "2024/03/12", "6601", "3月份账单分期3期：本期应还款748.00，余额1,498.02 ，余期为02期", ""),
    )
    letter = replace(letters.ceb_2024(), blocks=(*letters.ceb_2024().blocks, remarks))
    for shape in ALL_SHAPES:
        reading = read(letter, shape)
        assert ([line.amount for line in reading.lines], problems(reading)) == ([-133200, 56600, 10000], [])


def _with_table(total: tuple[str, ...]) -> Letter:
    blocks = letters.ceb_2024().blocks
    table = rows(("40621111****6601", "VISA阳光商旅信用卡", "666.00", "666.00", "33.30"), total)
    return replace(letters.ceb_2024(), blocks=(*blocks[:3], table))
