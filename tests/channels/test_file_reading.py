"""Reconciliation files: read by heading name, whole or not at all, in any dress that channels give them."""
# ruff: noqa: E501 - rows as they stand in a file

import gzip
import hashlib
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels import file_bills as bills
from tests.channels.file_bills import BANK, DAY, TRADE, Paid, some, taken

from anhuan.channels.file_model import FileLine, LineKind, LineState, key_of, same_reference
from anhuan.channels.file_text import moment, yuan
from anhuan.channels.model import FileDamaged
from anhuan.kit.clock import CHINA

KEY = UUID("01900000-0000-7000-8000-00000000abcd")
PAID = [Paid(UUID(int=1), 12_345, 7), Paid(UUID(int=2), 1, 0), Paid(UUID(int=3), 500, 1, back=True)]
amounts = st.lists(st.integers(1, 10**9), min_size=1, max_size=6)


def _said(lines: Sequence[FileLine]) -> list[tuple[object, ...]]:
    return [
        (one.kind, one.reference, one.channel_reference, one.business_day, one.moment, one.amount, one.fee)
        for one in lines
    ]


# --- golden: as the documents print them ---

WECHAT = """交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注
`2026-11-20 23:59:59,`wx8397f8696b538317,`1900000109,`0,`,`4200000019202611205345678901,`0190000000007000800000000000abcd,`o1,`JSAPI,`SUCCESS,`CMB_DEBIT,`CNY,`1200.50,`0.00,`信用卡还款 尾号1234,`,`1.20000,`0.10%,`1200.50,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`1,`1200.50,`0.00,`0.00,`1.20000,`1200.50,`0.00
"""


def test_a_success_bill_of_twenty_columns_is_read_to_the_fen_and_the_second() -> None:
    file = taken("trade", WECHAT.encode())
    (line,) = file.lines
    assert (line.amount, line.fee, line.currency) == (120_050, 120, "CNY")
    assert (line.reference, key_of(line.reference)) == (KEY.hex, KEY)
    assert (line.channel_reference, line.kind, line.state) == (
        "4200000019202611205345678901", LineKind.PAYMENT, LineState.DONE,
    )  # fmt: skip
    assert (line.business_day, line.moment_text) == (date(2026, 11, 20), "2026-11-20 23:59:59")
    assert line.moment == datetime(2026, 11, 20, 23, 59, 59, tzinfo=CHINA)
    assert dict(line.cells)["商品名称"] == "信用卡还款 尾号1234"
    assert line.raw == WECHAT.encode().splitlines(keepends=True)[1]
    assert file.strange_headings == ()
    assert [total.name for total in file.totals][:2] == ["总交易单数", "应结订单总金额"]


def test_one_second_later_is_the_next_bank_day_wherever_this_program_runs() -> None:
    late = WECHAT.replace("2026-11-20 23:59:59", "2026-11-21 00:00:00")
    assert taken("trade", late.encode()).lines[0].business_day == date(2026, 11, 21)
    zoned = "交易时间,商户订单号,金额,借贷\n2026-11-20T16:00:00Z,x1,1.00,借\n2026-11-20T15:59:59Z,x2,1.00,借\n"
    assert [one.business_day.day for one in taken("bank_csv", zoned.encode()).lines] == [21, 20]


def test_an_older_bill_with_the_older_names_is_read_as_well() -> None:
    old = (
        WECHAT.replace("特约商户号", "子商户号").replace("应结订单金额,代金券金额", "总金额,企业红包金额")
        .replace("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
                 "总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额")
        .replace("`1,`1200.50,`0.00,`0.00,`1.20000,`1200.50,`0.00", "`1,`1200.50,`0.00,`0.00,`1.20000")
    )  # fmt: skip
    assert taken("trade", old.encode()).lines[0].amount == 120_050


def test_a_refund_row_is_a_return_that_waits_until_the_bill_says_otherwise() -> None:
    back = taken("trade", bills.trade(PAID)).lines[2]
    assert (back.kind, back.state, back.amount, back.fee) == (LineKind.RETURN, LineState.PENDING, 500, -1)
    assert back.channel_reference.startswith("50")


def test_alipay_in_its_zip_with_names_in_gbk_and_tabs_behind_values() -> None:
    file = taken("alipay", bills.alipay(PAID))
    assert [(one.kind, one.amount, one.fee) for one in file.lines] == [
        (LineKind.PAYMENT, 12_345, 7), (LineKind.PAYMENT, 1, 0), (LineKind.RETURN, 500, -1),
    ]  # fmt: skip
    assert file.totals[1].printed == "123.46"
    assert taken("alipay", bills.alipay_csv(PAID)).lines == file.lines
    assert taken("trade", bills.alipay(PAID)).id.kind == "alipay"


@pytest.mark.parametrize(
    "version", ["053.001.02", "053.001.04", "053.001.08", "053.001.13", "052.001.06", "054.001.08"]
)
def test_camt_of_every_version_and_message_is_read(version: str) -> None:
    file = taken("camt053", bills.camt(PAID, version=version))
    assert [(one.kind, one.amount, one.reference) for one in file.lines] == [
        (LineKind.PAYMENT, 12_345, UUID(int=1).hex), (LineKind.PAYMENT, 1, UUID(int=2).hex),
        (LineKind.RETURN, 500, UUID(int=3).hex),
    ]  # fmt: skip
    assert "期末余额（CLBD）" in {total.name for total in file.totals}


def test_camt_in_gbk_is_read() -> None:
    text = bills.camt(PAID[:1]).decode().replace("UTF-8", "GBK").replace("<Id>S1</Id>", "<Id>招商银行</Id>")
    assert taken("camt053", text.encode("gbk")).lines[0].amount == 12_345


def test_a_batch_entry_is_as_many_lines_as_payments_and_must_add_up() -> None:
    one, other = (bills.entry(paid) for paid in PAID[:2])
    inside = "".join(entry.split("<NtryDtls>")[1].split("</NtryDtls>")[0] for entry in (one, other))
    batch = one.replace("123.45</Amt>", "123.46</Amt>", 1).split("<NtryDtls>")[0].replace("<Chrgs>", "<X>")
    batch = batch.replace("</Chrgs>", "</X>") + f"<NtryDtls>{inside}</NtryDtls></Ntry>"
    whole = bills.camt(PAID[:2], summary=False).decode().replace(one + other, batch)
    assert [line.amount for line in taken("camt053", whole.encode()).lines] == [12_345, 1]
    with pytest.raises(FileDamaged, match=r"内各笔合计 123\.46，本笔写 123\.47"):
        taken("camt053", whole.replace("123.46", "123.47").encode())


# --- all or nothing ---


@pytest.mark.parametrize(
    ("kind", "before", "after", "named"),
    [
        ("trade", "`3,`123.46", "`4,`123.46", "总交易单数"),
        ("trade", "`3,`123.46", "`3,`123.45", "应结订单总金额"),
        ("trade", "0.06000,`123.46", "0.07000,`123.46", "手续费总金额"),
        ("fund_flow", "`2,`123.46", "`2,`123.47", "收入金额"),
        ("bank_csv", "3,2,123.46,1,5.00", "3,2,123.46,1,5.01", "贷方金额"),
        ("bank_csv", "3,2,123.46", "3,1,123.46", "借方笔数"),
        ("camt053", "<Sum>128.46</Sum>", "<Sum>128.47</Sum>", "TtlNtries/Sum"),
        ("camt053", ">99881.54<", ">99881.55<", "期末余额"),
    ],
)
def test_one_figure_that_disagrees_refuses_the_whole_file_by_name(
    kind: str, before: str, after: str, named: str
) -> None:
    text = bills.KINDS[kind](PAID).decode()
    assert before in text
    with pytest.raises(FileDamaged, match=named):
        taken(kind, text.replace(before, after).encode())


def test_a_checksum_that_disagrees_refuses_before_anything_is_read() -> None:
    with pytest.raises(FileDamaged, match="校验值不符"):
        taken("bank_csv", b"\xff\xfe rubbish", sha256="0" * 64)


@settings(max_examples=35, deadline=None)
@given(st.sampled_from(sorted(bills.KINDS)), st.integers(0, 3), st.sampled_from((1, -1)))
def test_a_fen_off_in_any_row_is_seen(kind: str, place: int, off: int) -> None:
    paid = some(4)
    right = bills.KINDS[kind](paid)
    wrong = [Paid(one.key, one.amount + off * (n == place), one.fee, at=one.at) for n, one in enumerate(paid)]
    if kind == "alipay":
        right, changed = bills.alipay_csv(paid), bills.alipay_csv(wrong)
        head, tail = changed.split("业务明细列表结束".encode("gbk")), right.split("业务明细列表结束".encode("gbk"))
        mixed = head[0] + "业务明细列表结束".encode("gbk") + tail[1]
    else:
        rows, honest = bills.KINDS[kind](wrong).splitlines(True), right.splitlines(True)
        mixed = b"".join(rows[:-2] + honest[-2:]) if kind != "camt053" else _with_entries(right, wrong)
    with pytest.raises(FileDamaged):
        taken(kind, mixed)


def _with_entries(right: bytes, wrong: Sequence[Paid]) -> bytes:
    head, _, _ = right.decode().partition("<Ntry>")
    entries = "".join(bills.entry(one) for one in wrong)
    return (head + entries + "</Stmt></BkToCstmrStmt></Document>").encode()


@pytest.mark.parametrize("kind", sorted(bills.KINDS))
def test_truncated_at_any_byte_a_file_is_refused_or_reads_the_same(kind: str) -> None:
    whole = bills.KINDS[kind](PAID[1:])
    lines = _said(taken(kind, whole).lines)
    for end in range(len(whole)):
        try:
            cut = taken(kind, whole[:end])
        except FileDamaged:
            continue
        # Of the five, only a bank's CSV may come without any figure; then it says so, and its checksum must speak.
        assert _said(cut.lines) == lines or (kind == "bank_csv" and not cut.proved), f"cut at {end} of {len(whole)}"
        with pytest.raises(FileDamaged):
            taken(kind, whole[:end], sha256=hashlib.sha256(whole).hexdigest())


def test_truncated_at_any_byte_the_bare_csv_of_alipay_too() -> None:
    whole = bills.alipay_csv(PAID[:2])
    lines = _said(taken("alipay", whole).lines)
    for end in range(len(whole)):
        try:
            assert _said(taken("alipay", whole[:end]).lines) == lines, f"cut at {end} of {len(whole)}"
        except FileDamaged:
            continue


def test_a_file_that_prints_no_figures_says_that_nothing_proves_it_whole() -> None:
    file = taken("bank_csv", bills.bank(PAID, summary=False))
    assert not file.proved
    assert file.unchecked
    assert taken("bank_csv", bills.bank(PAID)).proved


# --- by heading name ---

WIDE = [(kind, columns) for kind, columns in (("trade", TRADE), ("fund_flow", bills.FLOW), ("bank_csv", BANK))]


@settings(max_examples=35, deadline=None)
@given(st.sampled_from(WIDE), st.randoms(use_true_random=False), amounts)
def test_moved_columns_change_nothing(wide: tuple[str, list[str]], chance: random.Random, fen: list[int]) -> None:
    kind, columns = wide
    moved = list(columns)
    chance.shuffle(moved)
    paid = [Paid(UUID(int=n + 1), amount) for n, amount in enumerate(fen)]
    assert _said(taken(kind, bills.KINDS[kind](paid, columns=moved)).lines) == _said(
        taken(kind, bills.KINDS[kind](paid)).lines
    )


@settings(max_examples=35, deadline=None)
@given(st.sampled_from([*WIDE, ("alipay", bills.ALIPAY)]), st.data())
def test_an_added_column_is_reported_and_changes_nothing(wide: tuple[str, list[str]], data: st.DataObject) -> None:
    kind, columns = wide
    place = data.draw(st.integers(0, len(columns)))
    added = [*columns[:place], "新列", *columns[place:]]
    file = taken(kind, bills.KINDS[kind](PAID, columns=added))
    assert file.strange_headings == ("新列",)
    assert _said(file.lines) == _said(taken(kind, bills.KINDS[kind](PAID)).lines)


NEEDED = {
    "trade": {"交易时间", "微信订单号", "商户订单号", "交易状态", "手续费"},
    "fund_flow": {"记账时间", "微信支付业务单号", "收支类型", "收支金额(元)", "业务凭证号"},
    "bank_csv": {"交易金额"},
    "alipay": {"支付宝交易号", "商户订单号", "业务类型", "订单金额（元）", "商家实收（元）"},
}


@pytest.mark.parametrize(("kind", "gone"), [(kind, gone) for kind in NEEDED for gone in sorted(NEEDED[kind])])
def test_a_missing_needed_column_refuses_the_file_and_is_named(kind: str, gone: str) -> None:
    columns = [one for one in dict(WIDE, alipay=bills.ALIPAY)[kind] if one != gone]
    with pytest.raises(FileDamaged, match=gone.split("(")[0].split("（")[0].removeprefix("交易") or gone):
        taken(kind, bills.KINDS[kind](PAID, columns=columns))


@pytest.mark.parametrize("gone", ["公众账号ID", "设备号", "商品名称", "费率", "费率备注", "商户数据包"])
def test_a_missing_column_that_says_nothing_to_us_is_not_missed(gone: str) -> None:
    columns = [one for one in TRADE if one != gone]
    assert _said(taken("trade", bills.trade(PAID, columns=columns)).lines) == _said(
        taken("trade", bills.trade(PAID)).lines
    )


def test_a_heading_printed_twice_refuses_the_file() -> None:
    with pytest.raises(FileDamaged, match="出现两次"):
        taken("bank_csv", bills.bank(PAID, columns=[*BANK, "交易金额"]))


# --- dresses ---


@pytest.mark.parametrize("kind", ["trade", "fund_flow", "bank_csv"])
@pytest.mark.parametrize("codec", ["gbk", "gb18030", "utf-8", "utf-8-sig"])
def test_gbk_and_utf8_with_and_without_a_mark_read_the_same(kind: str, codec: str) -> None:
    text = bills.KINDS[kind](PAID).decode("utf-8-sig")
    assert _said(taken(kind, text.encode(codec)).lines) == _said(taken(kind, bills.KINDS[kind](PAID)).lines)


@pytest.mark.parametrize("dress", ["", "`", "\t", " ", "\u00a0", "` \t"])
def test_back_ticks_tabs_and_hard_blanks_are_no_part_of_a_value(dress: str) -> None:
    paid = [one for one in PAID if not one.back]
    plain = [{**row, "商品名称": "还款"} for row in bills.trade_rows(paid)]
    content = bills.wechat(TRADE, plain, bills.TRADE_SUMS, bills.trade_sums(paid), tick=dress)
    assert _said(taken("trade", content).lines) == _said(taken("trade", bills.trade(paid)).lines)


def test_back_ticks_keep_a_comma_inside_a_name() -> None:
    (line,) = taken("trade", bills.trade(PAID[:1])).lines
    assert dict(line.cells)["商品名称"] == "还款, 尾号1234"


def test_a_bill_asked_for_as_gzip_is_unpacked() -> None:
    assert _said(taken("trade", gzip.compress(bills.trade(PAID))).lines) == _said(
        taken("trade", bills.trade(PAID)).lines
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_do_not_matter(end: str) -> None:
    text = bills.bank(PAID).decode().replace("\r\n", end)
    assert _said(taken("bank_csv", text.encode()).lines) == _said(taken("bank_csv", bills.bank(PAID)).lines)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PAID), max_size=6))
def test_identical_rows_are_numbered_and_never_merged(paid: list[Paid]) -> None:
    lines = taken("bank_csv", bills.bank(paid)).lines
    assert [line.place for line in lines] == list(range(1, len(paid) + 1))
    assert [line.copy for line in lines] == [paid[: place + 1].count(one) for place, one in enumerate(paid)]


# --- banks' own CSV ---


@pytest.mark.parametrize(
    ("text", "kinds", "amounts"),
    [
        ("记账日期,借方发生额,贷方发生额,企业流水号\n20261120,100.00,,a\n20261120,,2.50,b\n", "payment received", [10000, 250]),
        ("交易时间,订单号,金额\n2026/11/20 08:00,a,-1.00\n2026/11/20 09:00,b,1.00\n", "payment received", [100, 100]),
        ("日期,客户流水号,金额,处理结果\n2026-11-20,a,1.00,成功\n2026-11-20,b,2.00,失败\n", "payment payment", [100, 200]),
        ("date,reference,debit/credit,amount\n2026-11-20,a,D,\"1,234.50\"\n2026-11-20,b,C,1.00\n", "payment received",
         [123450, 100]),
        ("2026年11月账户明细,,\n交易日期,商户订单号,支出(元)\n2026年11月20日,a,￥1.00\n", "payment", [100]),
    ],
)  # fmt: skip
def test_banks_name_and_order_their_columns_as_they_like(text: str, kinds: str, amounts: list[int]) -> None:
    for codec in ("utf-8", "gb18030"):
        lines = taken("bank_csv", text.encode(codec)).lines
        assert [line.kind for line in lines] == kinds.split()
        assert [line.amount for line in lines] == amounts
        assert {line.business_day for line in lines} == {DAY}


def test_a_row_of_sums_under_the_columns_is_counted_and_ends_the_table() -> None:
    text = "交易日期,支出金额,收入金额,客户流水号\n20261120,1.00,,a\n20261120,2.50,,b\n合计,3.50,0.00,\n"
    file = taken("bank_csv", text.encode())
    assert ([line.amount for line in file.lines], file.proved) == ([100, 250], True)
    with pytest.raises(FileDamaged, match=r"合计 支出：文件写 3\.51，逐行合计 3\.50"):
        taken("bank_csv", text.replace("3.50", "3.51").encode())
    with pytest.raises(FileDamaged, match="之后还有内容"):
        taken("bank_csv", (text + "20261120,1.00,,c\n").encode())


def test_a_camt_entry_of_a_status_that_only_one_bank_knows_is_refused() -> None:
    content = bills.camt(PAID[:1]).replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts><Prtry>MAYBE</Prtry></Sts>")
    with pytest.raises(FileDamaged, match="MAYBE"):
        taken("camt053", content)


def test_a_failed_row_is_told_as_failed_and_a_strange_state_refuses() -> None:
    text = "日期,客户流水号,金额,处理结果\n2026-11-20,b,2.00,失败\n"
    assert taken("bank_csv", text.encode()).lines[0].state is LineState.FAILED
    with pytest.raises(FileDamaged, match="天晓得"):
        taken("bank_csv", text.replace("失败", "天晓得").encode())


def test_our_key_is_found_in_the_memo_where_the_bank_has_no_column_for_it() -> None:
    text = f"交易日期,借方金额,附言\n2026-11-20,1.00,还款 {KEY} 谢谢\n2026-11-20,1.00,别人\n"
    assert [line.reference for line in taken("bank_csv", text.encode()).lines] == [KEY.hex, ""]


# --- cells ---


@pytest.mark.parametrize(
    "text", ["1.005", "1e3", "NaN", "Infinity", "--1", "1.2.3", "", "１２a", "1,23.00", "+", "0x10", "1 2"]
)
def test_what_is_no_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(FileDamaged):
        yuan(text, what="金额")


@given(st.integers(-(10**13), 10**13), st.sampled_from(("", "0", "000")))
def test_yuan_with_two_to_five_decimals_are_exact(fen: int, zeros: str) -> None:
    text = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}{zeros}"
    assert yuan(text, what="金额") == fen
    assert yuan(f"￥{text}", what="金额") == fen


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "26-01-01", "2026-11-20 25:00:00", "昨天", "", "2026/11-20"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(FileDamaged):
        moment(text, what="时间")


@given(st.integers(0, 3 * 10**9))
def test_every_way_to_write_a_moment_reads_the_same(second: int) -> None:
    at = datetime(2000, 1, 1, tzinfo=CHINA) + timedelta(seconds=second)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d %H%M%S", "%Y年%m月%d日 %H:%M:%S",
                 "%Y-%m-%dT%H:%M:%S+08:00"):  # fmt: skip
        assert moment(at.strftime(form), what="时间") == (at.date(), at)


def test_a_uuid_is_one_reference_in_every_spelling() -> None:
    assert same_reference(str(KEY)) == same_reference(KEY.hex.upper()) == KEY.hex
    assert same_reference("AB-1") == "AB-1"
