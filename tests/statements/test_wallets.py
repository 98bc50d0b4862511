"""Exports of wallets: three directions, refunds, orders never paid, totals of the preface."""

from datetime import date
from pathlib import Path

import pytest
from tests.statements.tables_text import codes, read, shown

from anhuan.kit.money import to_text
from anhuan.statements.files import read_file
from anhuan.statements.model import FileKind, LineKind, Reading, Source

pytestmark = pytest.mark.scope("S0-10", "S0-30")

ALIPAY = """------------------------------------------------
导出信息：
姓名：张三
支付宝账户：zhangsan@example.com
起始时间：[2025-03-01 00:00:00]    终止时间：[2025-03-31 23:59:59]
共7笔记录
收入：1笔 66.00元
支出：3笔 92.40元
不计收支：3笔 562.40元

------------------------支付宝（中国）网络技术有限公司  电子客户回单------------------------
交易时间            ,交易分类       ,交易对方     ,对方账号   ,商品说明      ,收/支     ,金额     ,收/付款方式        ,交易状态   ,交易订单号   ,商家订单号  ,备注    ,
2025-03-20 08:01:02 ,餐饮美食       ,某某早餐     ,/          ,豆浆油条      ,支出      ,8.00     ,招商银行信用卡(1234) ,交易成功   ,2025032001\t,M1\t,        ,
2025-03-19 09:00:00 ,日用百货       ,某某超市     ,/          ,毛巾          ,支出      ,62.00    ,余额宝&红包         ,交易成功   ,2025031902\t,M2\t,        ,
2025-03-19 12:00:00 ,退款           ,某某书店     ,/          ,退款-字典     ,不计收支  ,22.40    ,招商银行信用卡(1234) ,退款成功   ,2025031903\t,M3\t,        ,
2025-03-18 12:00:00 ,文化休闲       ,某某书店     ,/          ,字典          ,支出      ,22.40    ,招商银行信用卡(1234) ,交易关闭   ,2025031804\t,M3\t,        ,
2025-03-17 10:00:00 ,日用百货       ,某某商城     ,/          ,没付款的鞋    ,不计收支  ,240.00   ,                    ,交易关闭   ,2025031705\t,M5\t,        ,
2025-03-16 10:00:00 ,信用借还       ,招商银行     ,/          ,信用卡还款    ,不计收支  ,300.00   ,余额宝              ,交易成功   ,2025031606\t,M6\t,        ,
2025-03-15 10:00:00 ,转账红包       ,李四         ,/          ,还午饭钱      ,收入      ,66.00    ,余额                ,交易成功   ,2025031507\t,\t,        ,
"""  # noqa: E501


def test_alipay_rows_know_their_direction() -> None:
    reading = read(ALIPAY, encoding="gb18030")
    assert (reading.kind, reading.bank, reading.source) == (FileKind.STATEMENT, "alipay", Source.WALLET)
    assert reading.account == "zh***@example.com"
    assert reading.complete
    assert shown(reading) == [
        ("8.00 CNY", "purchase", "某某早餐 豆浆油条"),
        ("62.00 CNY", "purchase", "某某超市 毛巾"),
        ("-22.40 CNY", "refund", "某某书店 退款-字典"),
        ("22.40 CNY", "purchase", "某某书店 字典"),  # closed, but paid: its refund is a row of its own
        ("0.00 CNY", "other", "某某商城 没付款的鞋"),  # closed and never paid
        ("300.00 CNY", "repayment", "招商银行 信用卡还款"),
        ("-66.00 CNY", "income", "李四 还午饭钱"),
    ]
    assert reading.lines[4].original == (24000, "CNY")
    assert reading.lines[0].paid_with == "招商银行信用卡(1234)"
    assert reading.lines[0].reference == "2025032001"
    assert reading.lines[0].posted_on == reading.lines[0].traded_on == date(2025, 3, 20)


def test_a_wallet_file_that_was_cut_is_not_complete() -> None:
    reading = read("\n".join(ALIPAY.splitlines()[:-1]))
    assert not reading.complete
    assert codes(reading) == ["file.totals_disagree", "file.totals_disagree"]
    assert "共 7 笔，实际读到 6 笔" in reading.problems[0].message
    assert len(reading.lines) == 6


def test_a_changed_amount_is_seen_by_the_sum_of_the_preface() -> None:
    reading = read(ALIPAY.replace(",8.00     ,", ",9.00     ,"))
    assert codes(reading) == ["file.sums_differ"]


WECHAT = """微信支付账单明细,,,,,,,,,,
微信昵称：[张三],,,,,,,,,,
起始时间：[2025-01-01 00:00:00] 终止时间：[2025-01-31 23:59:59],,,,,,,,,,
共8笔记录,,,,,,,,,,
----------------------微信支付账单明细列表--------------------,,,,,,,,,,
交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注
2025-01-09 12:45:27,"商户消费","某某米线","总共消费:28.16","支出",¥28.16,"中国银行(1234)","支付成功","3985734"	,"129847129"	,"/"
2025-01-08 10:10:11,微信红包,李四,/,收入,¥0.35,/,已存入零钱,3985735	,129847130	,/
2025-01-07 10:07:31,转入零钱通-来自工商银行(9876),/,/,/,¥2000.00,工商银行(9876),支付成功,3985736,129847131,/
2025-01-06 16:29:37,零钱提现,招商银行(0001),"/",/,¥100.10,招商银行(0001),提现已到账,3985737	,/	,"服务费¥0.10"
2025-01-05 18:36:44,信用卡还款,建设银行信用卡还款,"/",/,¥548.58,零钱,支付成功,3985738	,10001	,"/"
2025-01-04 08:00:00,某某超市-退款,某某超市,/,收入,¥5.00,招商银行(0001),已全额退款,3985739,1,/
2025-01-03 08:00:00,商户消费,某某超市,苹果,支出,¥5.00,招商银行(0001),已全额退款,3985740,1,/
2025-01-02 08:00:00,转账,王五,转账备注:房租,支出,¥500.00,零钱通,对方已收钱,3985741,2,/
"""  # noqa: E501


def test_wechat_tells_moves_between_own_pockets_from_spending() -> None:
    reading = read("\ufeff" + WECHAT)
    assert reading.account == "张三"
    assert reading.complete
    assert shown(reading) == [
        ("28.16 CNY", "purchase", "某某米线 总共消费:28.16"),
        ("-0.35 CNY", "income", "微信红包 李四"),
        ("-2000.00 CNY", "transfer", "转入零钱通-来自工商银行(9876)"),  # into the wallet
        ("100.10 CNY", "transfer", "零钱提现 招商银行(0001) (服务费¥0.10)"),
        ("548.58 CNY", "repayment", "信用卡还款 建设银行信用卡还款"),
        ("-5.00 CNY", "refund", "某某超市-退款"),
        ("5.00 CNY", "purchase", "某某超市 苹果"),
        ("500.00 CNY", "purchase", "王五 转账备注:房租"),
    ]


JD = """\ufeff导出信息：
京东账号名：jd_zhangsan
共：5笔记录
收入：0笔，0.00元
支出：2笔(含1笔部分退款)，110.00元
不计收支：3笔，90.00元

交易时间,商户名称,交易说明,金额,收/付款方式,交易状态,收/支,交易分类,交易订单号,商家订单号,备注
2024-12-28 13:28:32	,京东平台商户,退款-外套,{refund},中国银行信用卡(1875),退款成功,不计收支,网购,100000011234	,1000345	, ,
2024-12-28 13:27:56	,京东平台商户,外套和帽子,130.00(已退款30.00),中国银行信用卡(1875),交易成功,支出,服饰,100000011235	,1000346	, ,
2024-12-24 22:33:07	,京东平台商户,登山裤,60.00(已全额退款),中国银行信用卡(1875),交易成功,不计收支,服饰,100000011236	,1000347	, ,
2024-12-21 13:40:59	,京东平台商户,热水袋,35.61,先享后付,交易成功,不计收支,先享后付,100000011237	,1000348	, ,
2024-12-19 18:10:42	,京东物流,寄件,10.00,钱包余额,交易成功,支出,快递,JDX100	,1000349	, ,
"""  # noqa: E501


def test_jd_counts_the_purchase_in_full_and_the_refund_once() -> None:
    reading = read(JD.replace("{refund}", "90.00"))
    assert reading.account == "jd_zhangsan"
    assert shown(reading) == [
        ("-90.00 CNY", "refund", "京东平台商户 退款-外套"),
        ("130.00 CNY", "purchase", "京东平台商户 外套和帽子"),
        ("60.00 CNY", "purchase", "京东平台商户 登山裤"),  # wholly given back by the refund row
        ("0.00 CNY", "other", "京东平台商户 热水袋"),  # pay later: charged by another row
        ("10.00 CNY", "purchase", "京东物流 寄件"),
    ]
    assert reading.complete
    assert codes(reading) == []


def test_a_refund_noted_inside_an_amount_without_its_row_is_told() -> None:
    reading = read(JD.replace("{refund}", "20.00"))
    assert codes(reading) == ["file.refund_row_missing"]
    assert "已退 90.00" in reading.problems[0].message


MEITUAN = """\ufeff美团交易账单,,,,,,,,,,
用户名：[美团用户张三]
交易创建时间,交易成功时间,交易类型,订单标题,收/支,支付方式,订单金额,实付金额,交易单号,商家单号,备注
2025-02-01 12:00:00,2025-02-01 12:00:09,支付,某某面馆外卖,支出,美团月付,¥30.00,¥25.50,\t1001\t,\t2001\t,/
2025-02-02 12:00:00,2025-02-02 12:00:09,退款,某某面馆外卖,收入,美团月付,¥25.50,¥25.50,\t1002\t,\t2001\t,/
2025-02-03 12:00:00,2025-02-03 12:00:09,还款,美团月付还款,不计收支,招商银行储蓄卡(0001),¥99.00,¥99.00,\t1003\t,\t2003\t,/
"""  # noqa: E501


def test_meituan_counts_what_was_paid_and_not_the_list_price() -> None:
    assert shown(read(MEITUAN)) == [
        ("25.50 CNY", "purchase", "某某面馆外卖"),
        ("-25.50 CNY", "refund", "某某面馆外卖"),
        ("99.00 CNY", "repayment", "美团月付还款"),
    ]


@pytest.mark.scope("S0-30")
def test_wallet_samples_of_others_are_read_whole(shared_data: Path) -> None:
    folder = shared_data / "statements-cn"
    wanted = {"alipay-records.gb18030.csv": 10, "wechat-records.csv": 27, "jd-records.csv": 26}
    for name, count in wanted.items():
        reading = read_file((folder / name).read_bytes(), "renamed.bin")
        assert len(reading.lines) == count, name
        assert all(line.posted_on for line in reading.lines), name
    jd = read_file((folder / "jd-records.csv").read_bytes(), "x")
    assert jd.complete  # its own counts and sums agree with ours
    assert _net(jd) == "1648.43"  # what JD itself prints as spent


def _net(reading: Reading) -> str:
    counted = (LineKind.PURCHASE, LineKind.REFUND)
    return to_text(sum(line.amount for line in reading.lines if line.kind in counted))
