"""The one door: types by signature, limits, archives, passwords, broken and hostile files."""

import base64
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.statements.files_pdf import placed
from tests.statements.tables_text import codes

from anhuan.statements import archive, files, sandbox
from anhuan.statements.files import read_file
from anhuan.statements.model import NeedsPassword, TooLarge, Unreadable

pytestmark = pytest.mark.scope("S0-10")

TABLE = "日期,说明,金额\n2025-01-02,某某早餐,8.50\n"
# 明细.csv in gb18030, WinZip AE-2 with a key of 256 bits, password 246810; written by another program (pyzipper 0.4.0).
LOCKED = base64.b64decode(
    "UEsDBBQAAQhjAPwadl0AAAAASQAAACgAAAAKAAsA5piO57uGLmNzdgGZBwACAEFFAwgAi3f/T8GB0Q8f5EnsY5voTPhSkEN5STtJ6oyD5QTLnZ"  # no secret: a file  # noqa: E501
    "lOj6OPPMOZ2VIcfDlSK3vp4ThNjHEl7DAnDrpl/mOVi4BmGSG1lxIW2VBLAQIUAxQAAQhjAPwadl0AAAAASQAAACgAAAAKAAsAAAAAAAAAAACA"  # no secret: a file  # noqa: E501
    "AQAAAADmmI7nu4YuY3N2AZkHAAIAQUUDCABQSwUGAAAAAAEAAQBDAAAAfAAAAAAA"
)


def zipped(**members: bytes | str) -> bytes:
    """A ZIP of members by name (with an underscore for the point)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("_", "."), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "空"), (b"\xef\xbb\xbf\r\n", "空"), (b"\0" * 500, "空"), (b"\x89PNG\r\n\x1a\n....", "图片"),
        (b"Rar!\x1a\x07\x01\x00...", "RAR"), (bytes(range(256)) * 40, "不认识"), (b"just a sentence, or two.\n", "没有表格"),  # noqa: E501
        (b"%PDF-1.7\nnothing", "损坏"), (b"PK\x03\x04nothing", "损坏"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "无法读取"),  # noqa: E501
        (b"<?xml version='1.0'?><other/>", "XML"), (b'{"json": true}', "没有表格"),
    ],
    ids=["empty", "mark only", "zeros", "picture", "rar", "binary", "prose", "pdf", "zip", "ole", "xml", "json"],
)  # fmt: skip
def test_what_is_no_statement_is_refused_with_a_reason(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_file(data, "bill.csv")


def test_a_file_over_the_limit_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(TooLarge):
        read_file(b"x" * (files.MAX_BYTES + 1), "x")


@pytest.mark.parametrize("name", ["bill.pdf", "bill.xlsx", "bill.ofx", "bill", "../../etc/passwd", ""])
def test_the_name_does_not_matter(name: str) -> None:
    assert len(read_file(TABLE.encode(), name).lines) == 1


def test_an_archive_is_read_through() -> None:
    reading = read_file(zipped(明细_csv=TABLE.encode("gb18030"), 说明_txt="请妥善保管\n", a_png=b"\x89PNG...."), "x")
    assert len(reading.lines) == 1
    assert codes(reading) == ["archive.member_unread", "archive.member_unread"]


def test_files_of_one_bank_in_an_archive_are_one_reading() -> None:
    reading = read_file(zipped(a_csv=TABLE, b_csv=TABLE.replace("01-02", "01-03")), "x")
    assert [one.span for one in reading.lines] == ["a.csv row 2", "b.csv row 2"]


def test_files_of_several_kinds_in_an_archive_are_refused() -> None:
    account = "Date,Details,Amount (USD),Balance\n2024-01-02,Shop,-12.00,88.00\n"
    with pytest.raises(Unreadable, match="分别导入"):
        read_file(zipped(a_csv=TABLE, b_csv=account), "x")


def test_an_archive_with_aes_asks_for_the_password_and_opens_with_it() -> None:
    for wrong in (None, "", "0"):
        with pytest.raises(NeedsPassword):
            read_file(LOCKED, "x", password=wrong)
    assert [one.amount for one in read_file(LOCKED, "x", password="246810").lines] == [850]


def test_a_changed_byte_in_a_locked_archive_is_noticed() -> None:
    changed = LOCKED.replace(b"\x8b\x77", b"\x8b\x78", 1)
    assert changed != LOCKED
    with pytest.raises(Unreadable):
        read_file(changed, "x", password="246810")


def bomb() -> bytes:
    return zipped(a_csv=b"0" * (archive.MAX_BYTES + 1))


def lying_bomb() -> bytes:
    """Declares a small size in both headers and unpacks to much more."""
    data = bytearray(zipped(a_csv=b"0" * (40 << 20)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(mark)
        data[start + place : start + place + 4] = struct.pack("<I", 1000)
    return bytes(data)


def many() -> bytes:
    return zipped(**{f"n{number}_csv": "x" for number in range(archive.MAX_MEMBERS + 1)})


def nested() -> bytes:
    return zipped(inner_zip=zipped(a_csv=TABLE))


def workbook_bomb() -> bytes:
    parts: dict[str, bytes | str] = {"[Content_Types]_xml": "<Types/>", "xl/workbook_xml": b"<a>" + b" " * (70 << 20)}
    return zipped(**parts)


def workbook_with_entities() -> bytes:
    return zipped(**{"[Content_Types]_xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><Types/>"})


@pytest.mark.parametrize("made", [bomb, lying_bomb, many, nested, workbook_bomb, workbook_with_entities])
def test_bombs_are_refused(made: Callable[[], bytes]) -> None:
    with pytest.raises(Unreadable):
        read_file(made(), "x.zip")


def test_the_worker_is_ended_by_its_limits_and_the_next_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "WALL_SECONDS", 0.0)
    with pytest.raises(TooLarge):
        read_file(placed([[(50, 50, "x")]]), "x")
    monkeypatch.undo()
    assert read_file(zipped(a_csv=TABLE), "x").lines


def test_a_worker_that_dies_is_a_refusal_and_is_replaced() -> None:
    assert read_file(zipped(a_csv=TABLE), "x").lines
    worker = sandbox._current
    assert worker is not None
    worker.process.kill()
    worker.process.wait()
    assert read_file(zipped(a_csv=TABLE), "x").lines
    assert sandbox._current is not worker


def test_the_worker_lives_under_limits() -> None:
    assert read_file(zipped(a_csv=TABLE), "x").lines
    worker = sandbox._current
    assert worker is not None
    limits = Path(f"/proc/{worker.process.pid}/limits").read_text()
    assert "Max address space         1073741824" in limits
    assert "Max file size             0 " in limits


def test_one_worker_serves_many_files() -> None:
    locked = placed([[(50, 50, "Dear customer")]])
    read_file(locked, "x")
    first = sandbox._current
    for _ in range(5):
        read_file(locked, "x")
    assert sandbox._current is first


@pytest.mark.parametrize("cut", [1, 30, 100, 300])
def test_files_cut_short_are_refused_or_read_in_part_and_never_trip_a_reader(cut: int) -> None:
    for whole in (LOCKED, zipped(a_csv=TABLE), placed([[(50, 50, "x")]])):
        refused = None
        try:
            read_file(whole[:-cut], "x", password="246810")
        except Unreadable as error:
            refused = error
        assert refused is None or files.STUMBLED not in refused.message
