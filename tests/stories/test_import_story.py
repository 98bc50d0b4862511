"""A person's month: the bill by mail, the wallet's export, a corrected bill, and second thoughts."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.statements.fixtures_mail import cmb_2026
from tests.statements.shapes_mail import Letter, Rows, mail
from tests.statements.world import NOW, owed

from anhuan import cards, statements
from anhuan.statements import BillEffect, LinkKind, Upload

ALIPAY = """------------------------------------------------------------------------------------
导出信息：
姓名：张三
支付宝账户：zhangsan@example.com
起始时间：[2026-07-01 00:00:00]    终止时间：[2026-07-31 23:59:59]
导出交易类型：[全部]

------------------------支付宝支付科技有限公司  电子客户回单------------------------
交易时间,交易分类,交易对方,对方账号,商品说明,收/支,金额,收/付款方式,交易状态,交易订单号,商家订单号,备注,
2026-07-12 08:30:00,餐饮美食,85度C 人民路店,/,面包,支出,12.00,招商银行信用卡(3096),交易成功,20260712220014001	,T1	,,
2026-07-14 19:00:00,日用百货,某某超市,/,牛奶,支出,23.50,余额,交易成功,20260714220014002	,T2	,,
"""


@pytest.mark.scope("S0-10", "S0-30")
def test_bill_and_wallet_meet_and_a_correction_can_be_taken_back(db: Session, user_id: UUID) -> None:
    files = [Upload("bill.eml", mail(cmb_2026())), Upload("alipay.csv", ALIPAY.encode("gb18030"))]
    shown = statements.preview(db, user_id, files, now=NOW)
    assert [each.bank for each in shown.files] == ["cmb", "alipay"]
    assert owed(db, user_id) == []
    statements.commit(db, user_id, shown.id, now=NOW)
    assert owed(db, user_id) == [192779]

    told = statements.lines(db, user_id, at_most=100).lines
    [bread] = [each for each in told if each.bank == "alipay" and each.amount == 1200]
    assert not bread.counts
    assert [kind for kind, _ in bread.links] == [LinkKind.SAME]
    [milk] = [each for each in told if each.amount == 2350]
    assert milk.counts

    again = statements.preview(db, user_id, [Upload("again.eml", mail(cmb_2026()))], now=NOW)
    assert again.changes_nothing

    second = statements.preview(db, user_id, [Upload("corrected.eml", mail(corrected(cmb_2026())))], now=NOW)
    assert [bill.effect for bill in second.files[0].bills] == [BillEffect.SUPERSEDES]
    done = statements.commit(db, user_id, second.id, now=NOW)
    assert owed(db, user_id) == [200000]
    statements.undo(db, user_id, done.id, now=NOW)
    assert owed(db, user_id) == [192779]
    assert [face.bank for face in cards.accounts(db, user_id)] == ["cmb"]


def corrected(letter: Letter) -> Letter:
    """The same bill with another total, as a bank sends it again."""
    blocks = tuple(
        Rows(tuple(tuple(cell.replace("1,927.79", "2,000.00") for cell in row) for row in block.rows))
        if isinstance(block, Rows)
        else block
        for block in letter.blocks
    )
    return replace(letter, blocks=blocks)
