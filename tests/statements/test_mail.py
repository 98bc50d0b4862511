"""The two gates, forwarded and saved mail, MIME shapes, and the speed of reading."""

import base64
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.statements import fixtures_mail as letters
from tests.statements.mail_checks import bills, pages_of, problems, read
from tests.statements.pages_pdf import pdf_of
from tests.statements.shapes_mail import Letter, Para, mail, nested, wrap

from anhuan.kit.errors import Bad
from anhuan.statements.mail import read_html, read_mail, read_pdf_pages
from anhuan.statements.model import NeedsPassword, Page, Reading

CMB = ["CNY 1927.79 96.39 2026-08-08 2026-08-26 3096,7190 account 35000.00"]


@pytest.mark.scope("S0-10")
def test_every_field_says_how_sure_it_is_and_where_it_stood() -> None:
    bill = read(letters.cmb_2020()).bills[0]
    fields = {"total_due", "minimum_due", "statement_on", "due_on", "credit_limit", "cycle_from", "cycle_to"}
    assert set(bill.confidence) == set(bill.spans) == fields
    assert all(0 < sure <= 1 for sure in bill.confidence.values())
    assert bill.spans["total_due"].endswith("\xa5218.80")


def test_a_stranger_with_a_banks_subject_is_not_read() -> None:
    reading = read(replace(letters.cmb_2026(), sender="ccsvc@message.cmbchina.com.example.org"))
    assert (reading.kind, bills(reading), problems(reading)) == ("unknown", [], ["mail.sender_unknown"])


def test_a_sender_of_a_host_below_the_banks_own_is_the_bank() -> None:
    assert bills(read(replace(letters.cmb_2026(), sender="bill@edm.message.cmbchina.com"))) == CMB


@pytest.mark.parametrize("prefix", ["转发：", "Fwd: ", "FW:转发: "])
def test_a_forwarded_bill_is_read_with_less_confidence(prefix: str) -> None:
    letter = letters.cmb_2026()
    subject = prefix + letter.subject
    quoted = Para("发件人：招商银行信用卡 <ccsvc@message.cmbchina.com> 主题：招商银行信用卡电子账单")
    plain = read(replace(letter, sender="zhangsan@example.com", subject=subject))
    named = read(replace(letter, sender="zhangsan@example.com", subject=subject, blocks=(quoted, *letter.blocks)))
    assert bills(plain) == bills(named) == CMB
    assert plain.bills[0].confidence["total_due"] < named.bills[0].confidence["total_due"] < 0.8
    assert (problems(plain), problems(named)) == (["mail.sender_unknown"], ["mail.forwarded"])


def test_a_forwarded_stranger_is_not_taken_for_a_bank() -> None:
    quoted = Para("发件人：招商银行 <ccsvc@cmbchina.example.com> 主题：招商银行信用卡电子账单")
    letter = replace(letters.cmb_2026(), sender="zhangsan@example.com", subject="转发：你好", blocks=(quoted,))
    assert (read(letter).kind, bills(read(letter))) == ("unknown", [])


def test_a_bill_attached_as_eml_is_read_by_the_sender_inside() -> None:
    inner = mail(letters.cmb_2026(), charset="gbk")
    outer = (
        b"From: zhangsan@example.com\r\nSubject: FYI\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    reading = read_mail(outer + inner + b"\r\n--b--\r\n")
    assert (bills(reading), problems(reading)) == (CMB, ["mail.forwarded"])


def test_a_saved_html_is_read_by_its_own_words_with_less_confidence() -> None:
    page = nested(letters.boc_2021()).replace("<title>账单", "<title>中国银行电子帐单").encode("gb18030")
    reading = read_html(page, "bill.html")
    assert (reading.bank, len(reading.bills), problems(reading)) == ("boc", 2, [])
    assert reading.bills[0].confidence["total_due"] < 0.8


def test_the_name_of_a_saved_file_tells_the_bank() -> None:
    assert bills(read_html(nested(letters.cmb_2026()).encode(), "招商银行信用卡电子账单.html")) == CMB


def test_html_of_nobody_is_unknown() -> None:
    assert problems(read_html(b"<p>hello", "x.html")) == ["bill.template_unknown"]


def test_a_mail_without_its_head_is_read_by_the_name_of_its_file() -> None:
    body = mail(letters.cmb_2026(), charset="gbk").partition(b"\r\nMIME-Version")[2]
    reading = read_mail(b"MIME-Version" + body, "招商银行信用卡电子账单.eml")
    assert (bills(reading), problems(reading)) == (CMB, ["mail.sender_unknown"])


@pytest.mark.parametrize(
    ("subject", "read_as_bill"),
    [
        ("招商银行信用卡电子账单", True),
        ("招商银行信用卡电子账单——账单分期最高送100元还款金！", True),
        ("招商银行信用卡账单分期限时优惠", False),
        ("招商银行掌上生活 周三有礼", False),
    ],
)
def test_advertising_about_bills_is_no_bill(subject: str, read_as_bill: bool) -> None:
    reading = read(replace(letters.cmb_2026(), subject=subject))
    assert (bills(reading) == CMB, problems(reading) == ["mail.not_a_bill"]) == (read_as_bill, not read_as_bill)


@pytest.mark.parametrize("found", ["spf=pass; dkim=fail", "dmarc=fail action=none", "spf=softfail"])
def test_a_failed_proof_of_the_sender_is_named(found: str) -> None:
    data = f"Authentication-Results: mx.example.com; {found}\r\n".encode() + mail(letters.cmb_2026())
    assert (bills(read_mail(data)), problems(read_mail(data))) == (CMB, ["mail.sender_unproved"])


def test_a_passed_proof_is_not_mentioned() -> None:
    data = b"Authentication-Results: mx.example.com; spf=pass; dkim=pass; dmarc=pass\r\n" + mail(letters.cmb_2026())
    assert problems(read_mail(data)) == []


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize(
    ("charset", "says"),
    [("utf-8", "utf-8"), ("gbk", "gbk"), ("gbk", "gb2312"), ("gb18030", "gb18030"), ("gbk", ""), ("gbk", "utf-8")],
)
def test_every_transfer_encoding_and_charset_gives_the_same_bill(encoding: str, charset: str, says: str) -> None:
    letter = letters.cmb_2026()
    assert bills(read_mail(wrap(letter, nested(letter), charset=charset, encoding=encoding, says=says))) == CMB


def test_a_message_wrapped_in_a_base64_part_is_read() -> None:
    letter = letters.cmb_2026()
    inner = b"Content-Type: text/html; charset=gbk\r\n\r\n" + nested(letter).encode("gb18030")
    data = f"From: <{letter.sender}>\r\nSubject: {letter.subject}\r\n".encode()
    data += b"Content-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert bills(read_mail(data + base64.encodebytes(inner))) == CMB


def test_html_is_preferred_to_the_plain_alternative() -> None:
    letter = letters.cmb_2026()
    data = (
        f"From: <{letter.sender}>\r\nSubject: {letter.subject}\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n请使用支持 HTML 的邮箱\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{nested(letter)}\r\n--b--\r\n"
    )
    assert bills(read_mail(data.encode())) == CMB


def _boc_with_pdf() -> Letter:
    pdf = pdf_of((
        "Current RMB Total Balance Due Current FCY Total Balance Due",
        "2026-08-24 2026-08-04 2,861.30",
        "6259 0611 **** 1831 2861.30 286.00",
        "2026-07-14 2026-07-15 1831 微信-便利店CHN 1085.00",
    ))  # fmt: skip
    notice = (Para("您的账单见附件"),)
    return replace(letters.boc_2021(), blocks=notice, pdf=("中国银行信用卡电子合并账单2026年08月账单.PDF", pdf))


def test_a_bill_in_an_attached_pdf_is_read_through_the_callback() -> None:
    reading = read_mail(mail(_boc_with_pdf()), pages_of=pages_of)
    assert bills(reading) == ["CNY 2861.30 286.00 2026-08-04 2026-08-24 1831 card -"]


def test_without_a_reader_of_pdf_the_attachment_is_named() -> None:
    assert problems(read_mail(mail(_boc_with_pdf()))) == ["mail.pdf_unread"]


def test_a_locked_pdf_asks_for_its_password() -> None:
    def locked(data: bytes, password: str | None) -> list[Page]:
        raise NeedsPassword("locked")

    with pytest.raises(NeedsPassword):
        read_mail(mail(_boc_with_pdf()), pages_of=locked)


def test_a_pdf_of_nobody_is_none() -> None:
    assert read_pdf_pages([Page(1, 595, 842)]) is None


ALL = [
    letters.cmb_2026(), letters.cmb_2020(), letters.cmb_2017(), letters.cmb_daily(), letters.icbc_2026(),
    letters.icbc_zero(), letters.ccb_2026(), letters.ccb_2017(), letters.boc_2021(), letters.boc_2020_zero(),
    letters.abc_2026(), letters.abc_2021(), letters.bocom_2026(), letters.bocom_2022(), letters.citic_2026(),
    letters.citic_2023(), letters.citic_2020(),
]  # fmt: skip


def _survives(data: bytes) -> Reading | None:
    try:
        return read_mail(data)
    except Bad:
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_mail_is_read_or_refused_and_never_breaks_the_reader(data: st.DataObject) -> None:
    letter = data.draw(st.sampled_from(ALL))
    raw = mail(letter, data.draw(st.sampled_from(["nested", "divs", "plain"])), encoding="8bit")
    start = data.draw(st.integers(0, len(raw)))
    piece = data.draw(st.binary(max_size=40))
    kept = data.draw(st.integers(0, 60))
    damaged = raw[:start] + piece + raw[start + kept :]
    _survives(damaged)
    read_html(damaged)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    _survives(data)
    read_html(data)


@pytest.mark.parametrize(
    "piece", ["9", "1,", "**** ", "1234****", "2026-08-08 ", "0808 ", "(", "账单周期 ", "¥-", "<td>", "<!--"]
)
def test_a_hostile_run_of_anything_takes_time_in_proportion_to_its_length(piece: str) -> None:
    began = time.process_time()
    read_html((piece * (40_000 // len(piece))).encode(), "招商银行信用卡电子账单")
    assert time.process_time() - began < 5.0


def test_two_hundred_mails_a_second_on_one_core() -> None:
    mails = [mail(letter, shape, charset="gbk") for letter in ALL for shape in ("nested", "divs")]
    for one in mails:
        read_mail(one)
    began = time.process_time()
    for _ in range(3):
        for one in mails:
            read_mail(one)
    assert 3 * len(mails) / (time.process_time() - began) > 200
