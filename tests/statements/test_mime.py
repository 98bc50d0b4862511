"""Taking mails apart: what banks send, and what is broken or hostile."""

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.kit.errors import Bad
from anhuan.statements.mime import MAX_DEPTH, MAX_PARTS, mail_of, text_of, words_of
from anhuan.statements.model import TooLarge, Unreadable

HEAD = b"From: a@example.com\r\nSubject: x\r\n"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("=?utf-8?B?5oub5ZWG6ZO26KGM?=", "招商银行"),
        ("=?GBK?B?1dDJzNL40NA=?=", "招商银行"),
        ("=?gb2312?Q?=D5=D0=C9=CC?= =?gb2312?Q?=D2=F8=D0=D0?=", "招商银行"),
        ("=?utf-8?B?5oub5Q==?= =?utf-8?B?lYY=?=", "招商"),  # one character cut in two
        ("招商银行", "招商银行"),
        ("=?nonsense?B?5oub?= x", "招 x"),
    ],
)
def test_a_header_is_read_in_every_encoding(header: str, words: str) -> None:
    assert words_of(header) == words


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        ("账单￥".encode("gb18030"), ""),  # ABC: charset=""
        ("账单￥".encode("gb18030"), "gb2312"),
        ("账单￥".encode("gbk"), "utf-8"),
        ("账单￥".encode(), "gbk"),
        ("账单￥".encode(), "iso-8859-1"),
        ("账单￥".encode("utf-8-sig"), "gbk"),
        ("账单￥".encode("utf-16"), ""),
        ("账单￥".encode("big5", "replace").replace(b"?", b"") or b"", "x-unknown"),
    ],
)
def test_text_is_what_the_bytes_are_and_not_what_is_declared(data: bytes, declared: str) -> None:
    text = text_of(data, declared)
    assert text == "账单￥" or declared == "x-unknown"


def test_a_meta_charset_counts_where_the_mail_declares_none() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=big5">帳單'.encode("big5")
    assert text_of(page).endswith("帳單")


def test_a_mail_inside_a_mail_inside_a_base64_part_is_found() -> None:
    inner = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=gbk\r\n\r\n" + "<p>账单</p>".encode("gbk")
    data = HEAD + b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(inner)
    leaves = mail_of(data).leaves
    assert [leaf.text() for leaf in leaves] == ["<p>账单</p>"]
    assert leaves[0].envelope.sender == "a@example.com"


def test_parts_are_found_without_a_declared_boundary() -> None:
    data = HEAD + b"Content-Type: multipart/mixed\r\n\r\n--q\r\n\r\nhello\r\n--q--\r\n"
    assert [leaf.text() for leaf in mail_of(data).leaves] == ["hello"]


def test_a_display_name_that_looks_like_an_address_is_not_the_sender() -> None:
    mail = mail_of(b'From: "ccsvc@message.cmbchina.com" <thief@example.com>\r\n\r\nx')
    assert mail.envelope.sender == "thief@example.com"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no header at all",
        HEAD + b"Content-Type: multipart/mixed; boundary=zz\r\n\r\nnothing here",
        HEAD + b"Content-Type: multipart/mixed\r\n\r\nnothing here",
    ],
)
def test_a_broken_mail_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        mail_of(data)


def test_broken_base64_is_unreadable_and_not_half_read() -> None:
    leaf = mail_of(HEAD + b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+QQ%%%").leaves[0]
    with pytest.raises(Unreadable):
        leaf.text()


def test_depth_and_number_of_parts_are_limited() -> None:
    deep = MIMEMultipart()
    top = deep
    for _ in range(MAX_DEPTH + 2):
        lower = MIMEMultipart()
        top.attach(lower)
        top = lower
    top.attach(MIMEText("x"))
    wide = MIMEMultipart()
    for _ in range(MAX_PARTS + 1):
        wide.attach(MIMEText("x"))
    for mail in (deep, wide):
        with pytest.raises(TooLarge):
            mail_of(mail.as_bytes())


@given(st.binary(max_size=400), st.sampled_from(["text/html", "multipart/mixed; boundary=b", "message/rfc822"]))
def test_any_bytes_are_taken_apart_or_refused(body: bytes, kind: str) -> None:
    data = HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n".encode() + body
    try:
        for leaf in mail_of(data).leaves:
            leaf.text()
    except Bad:
        pass
