"""Masking: a value that is not one's own shows just enough, and no log holds a secret."""

import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from anhuan.kit import masking, terminal
from anhuan.kit.masking import Kind, masked, scrub


@pytest.mark.parametrize(("kind", "value", "shown"), [
    (Kind.NAME, "张三", "张**"),
    (Kind.NAME, "欧阳小明明", "欧**"),  # the length is not told
    (Kind.NAME, "Jo", "J***"),
    (Kind.PHONE, "13812345678", "138****5678"),
    (Kind.PHONE, "+86 138 1234 5678", "138****5678"),
    (Kind.PHONE, "021-62345678", "****5678"),
    (Kind.PHONE, "95588", "****"),  # the last four would be nearly all
    (Kind.IDENTITY, "11010519491231002X", "110**************X"),
    (Kind.IDENTITY, "12345", "***"),
    (Kind.CARD, "6222 0212 3456 7890 128", "**** 0128"),
    (Kind.CARD, "1234", "****"),
    (Kind.EMAIL, "lin@example.com", "l***@example.com"),
    (Kind.EMAIL, "no mailbox", "***"),
    (Kind.ADDRESS, "北京市海淀区万柳书院三号楼", "北京市****"),
    (Kind.ADDRESS, "四川省凉山彝族自治州西昌市航天大道", "四川省凉山彝族自治州****"),
    (Kind.ADDRESS, "万柳书院三号楼", "万柳****"),
    (Kind.AMOUNT, 123456, "***"),
    (Kind.TEXT, "给妈妈的生活费", "***"),
    (Kind.TEXT, None, ""),
    (Kind.NAME, "", ""),
])  # fmt: skip
def test_a_value_is_masked_by_its_kind(kind: Kind, value: object, shown: str) -> None:
    assert masked(value, kind, may_see=False) == shown
    assert masked(value, kind, may_see=True) == ("" if value is None else str(value))


@given(st.sampled_from(Kind), st.text(min_size=9))
def test_a_mask_never_shows_the_whole_value(kind: Kind, value: str) -> None:
    assert value.strip() == "" or value not in masked(value, kind, may_see=False)


@pytest.mark.parametrize(("said", "kept"), [
    ("card 6222021234567890128 was refused", "card [card number] was refused"),
    ("card 4111 1111 1111 1111, 4111-1111-1111-1111", "card [card number], [card number]"),
    ("尾号7640的卡4111111111111111。", "尾号7640的卡[card number]。"),
    ("id 11010519491231002X or 11010519491231002x", "id [identity number] or [identity number]"),
    ("打13812345678或+86 138-1234-5678", "打[phone]或[phone]"),
    ("from lin.wang+a@mail.example.com.cn to", "from [e-mail] to"),
    ("key anh_live_0123456789abcdef used", "key [token] used"),
    ("Cookie: __Host-anhuan=abcDEF-_123; Path=/", "Cookie: [secret]"),
    ("Authorization: Bearer eyJhbGciOi.J9.x", "Authorization: [secret]"),
    ("password=hunter2&user=lin", "password=[secret]&user=lin"),
    ('{"password": "a \\"b", "user": "lin"}', '{"password": "[secret]", "user": "lin"}'),
    ("{'new_password': 'x y', 'n': 1}", "{'new_password': '[secret]', 'n': 1}"),
    ("密码：abc123 错误", "密码：[secret] 错误"),
    ("postgresql://anhuan_app:s3cr%40t@db.example/anhuan", "postgresql://anhuan_app:[secret]@db.example/anhuan"),
    ("ANHUAN_MASTER_KEY=q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", "ANHUAN_MASTER_KEY=[secret]"),  # no secret: x
])  # fmt: skip
def test_a_text_is_scrubbed_of_what_looks_like_a_secret(said: str, kept: str) -> None:
    assert scrub(said) == kept


@pytest.mark.parametrize("said", [
    "bill 019a2f51-67b7-7a02-b691-b619c56f4f48 of 2026-11-22",
    "took 1790000000000 ms, 8000.00 yuan, 2026-11-22 05:38:57",
    "sum 4111111111111112",  # no check digit, no card
    "身份证110105194912310021",  # a wrong check digit: some other number
    "compass north, page=2, no tokens left",
])  # fmt: skip
def test_what_is_no_secret_stays_readable(said: str) -> None:
    assert scrub(said) == said


def luhn_number(digits: str) -> str:
    return next(digits + last for last in "0123456789" if masking._luhn(digits + last))


@given(st.from_regex(r"[2-69][0-9]{11,17}", fullmatch=True), st.sampled_from(["", " ", "卡", ",", "("]))
def test_no_card_number_passes(digits: str, before: str) -> None:
    number = luhn_number(digits)
    assert number not in scrub(f"{before}{number}{before}")


@given(st.text())
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


def test_a_long_hostile_text_is_scrubbed_in_no_time() -> None:
    for bait in ("a" * 50_000, "1 " * 25_000, "password" * 6_000, "_-" * 25_000, "a@" * 25_000, "://" * 16_000):
        scrub(bait)  # the suite's own time limit is the measure


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program's log writes, set up as the command line does."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    terminal.log_to_stderr(verbose=True)
    yield out
    monkeypatch.undo()
    terminal.log_to_stderr(verbose=False)


def test_no_log_holds_a_planted_secret(log: io.StringIO) -> None:
    planted: dict[str, Any] = {
        "card": "6222021234567890128", "number": 4111111111111111, "nested": {"who": ["lin@example.com"]},
        "token": "whatever-it-is", "note": "打13812345678",
    }  # fmt: skip
    structlog.get_logger("t").info("read 11010519491231002X", **planted)
    written = log.getvalue()
    for secret in ("6222021234567890128", "4111111111111111", "lin@example.com", "whatever", "13812345678", "1949"):
        assert secret not in written
    assert "[card number]" in written


def test_no_trace_in_the_log_holds_a_planted_secret(log: io.StringIO) -> None:
    try:
        raise ValueError("card 6222021234567890128 of lin@example.com")
    except ValueError:
        structlog.get_logger("t").exception("failed")
    written = log.getvalue()
    assert "ValueError" in written
    assert "test_masking.py" in written
    assert "6222021234567890128" not in written
    assert "lin@example.com" not in written
