"""Files made to hurt: bombs, names that point elsewhere, documents that reach out, rows without end."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels import file_bills as bills
from tests.channels.file_bills import some, taken

from anhuan.channels import answers_reading, file_text, file_xml, file_zip
from anhuan.channels.model import FileDamaged

LAUGHS = """<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha">{}]><Document>&z;</Document>""".format(
    "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghz", strict=True))
)
HOSTILE: dict[str, str | bytes] = {
    "a billion laughs": LAUGHS,
    "an entity of its own": '<!DOCTYPE d [<!ENTITY a "x">]><Document>&a;</Document>',
    "a file of this machine": '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>',
    "a document from elsewhere": '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><Document/>',
    "a document type alone": "<!DOCTYPE Document><Document/>",
    "a parameter entity": '<!DOCTYPE d [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]><Document/>',
    "depth": "<a>" * 100_000,
    "depth that is closed": "<a>" * 5_000 + "</a>" * 5_000,
    "an encoding nobody has": '<?xml version="1.0" encoding="klingon"?><Document/>',
    "GBK that is none": b'<?xml version="1.0" encoding="GBK"?><a>\xff\xff\xff</a>',
    "nothing": "",
    "no XML": "PK\x03\x04",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_xml_is_refused_by_reader_and_answers_alike(name: str) -> None:
    said = HOSTILE[name]
    content = said if isinstance(said, bytes) else said.encode()
    with pytest.raises(FileDamaged):
        taken("camt053", content)
    with pytest.raises(FileDamaged):
        answers_reading.read(content, {})


def test_xml_with_too_many_nodes_or_bytes_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_xml, "MAX_NODES", 1_000)
    with pytest.raises(FileDamaged, match="太多"):
        file_xml.read(b"<a>" + b"<b/>" * 1_000 + b"</a>")
    monkeypatch.setattr(file_xml, "MAX_BYTES", 10)
    with pytest.raises(FileDamaged, match="没有读取"):
        file_xml.read(b"<a>      </a>")


def _zip(name: str, content: bytes, **how: object) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_a_zip_bomb_is_stopped_while_it_is_unpacked() -> None:
    bomb = _zip("业务明细.csv", b"0" * (32 << 20))
    assert len(bomb) < 64 << 10
    with pytest.raises(FileDamaged, match="大得不正常"):
        taken("alipay", bomb)


def test_a_zip_that_lies_about_its_sizes_is_refused() -> None:
    honest = bytearray(_zip("a_业务明细.csv", b"0" * 5_000))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = honest.index(mark) + place
        honest[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(FileDamaged):
        taken("alipay", bytes(honest))


@pytest.mark.parametrize(
    "name",
    [
        "../业务明细.csv",
        "/etc/业务明细.csv",
        "a/../../业务明细.csv",
        "..\\业务明细.csv",
        "C:\\业务明细.csv",
        "\\\\host\\业务明细.csv",
    ],
)
def test_a_name_that_points_elsewhere_refuses_the_zip(name: str) -> None:
    with pytest.raises(FileDamaged, match="指向别处"):
        taken("alipay", bills.zipped({name: bills.alipay_csv(some(1))}))


def test_a_locked_member_and_too_many_members_refuse_the_zip() -> None:
    locked = bytearray(bills.zipped({"业务明细.csv": bills.alipay_csv(some(1))}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1
    with pytest.raises(FileDamaged, match="密码"):
        taken("alipay", bytes(locked))
    many = bills.zipped({f"{n}_业务明细.csv": b"x" for n in range(file_zip.MAX_MEMBERS + 1)})
    with pytest.raises(FileDamaged, match="最多"):
        taken("alipay", many)


def test_two_details_in_one_zip_are_one_too_many() -> None:
    csv = bills.alipay_csv(some(1))
    with pytest.raises(FileDamaged, match="找到 2 份"):
        taken("alipay", bills.zipped({"a_业务明细.csv": csv, "b_业务明细.csv": csv}))


def test_a_gzip_bomb_and_a_gzip_with_a_tail_are_refused() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"0" * (64 << 20)) + packer.flush()
    with pytest.raises(FileDamaged, match="大得不正常"):
        taken("trade", bomb)
    packer = zlib.compressobj(wbits=31)
    whole = packer.compress(bills.trade(some(1))) + packer.flush()
    for broken in (whole + b"tail", whole[:-4]):
        with pytest.raises(FileDamaged):
            taken("trade", broken)


def test_rows_and_columns_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileDamaged, match="列"):
        taken("bank_csv", b"a," * 100_000)
    monkeypatch.setattr(file_text, "MAX_ROWS", 10)
    with pytest.raises(FileDamaged, match="行"):
        taken("bank_csv", b"\n" * 11)
    monkeypatch.setattr(file_text, "MAX_BYTES", 10)
    with pytest.raises(FileDamaged, match="没有读取"):
        taken("bank_csv", b"x" * 11)


def test_an_open_quote_swallows_nothing() -> None:
    text = bills.bank(some(3)).decode().replace("信用卡还款", '"信用卡还款', 1)
    with pytest.raises(FileDamaged):
        taken("bank_csv", text.encode())


def test_formulas_in_a_file_are_text_and_stay_text() -> None:
    text = bills.bank(some(1)).decode().replace("信用卡还款", "=HYPERLINK(1)")
    (line,) = taken("bank_csv", text.encode()).lines
    assert dict(line.cells)["摘要"] == "=HYPERLINK(1)"


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(bills.KINDS)), st.binary(max_size=400))
def test_rubbish_is_refused_and_breaks_nothing(kind: str, content: bytes) -> None:
    with pytest.raises(FileDamaged):
        taken(kind, content)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(bills.KINDS)), st.data())
def test_a_file_with_one_byte_changed_is_read_or_refused_and_never_anything_else(
    kind: str, data: st.DataObject
) -> None:
    whole = bytearray(bills.KINDS[kind](some(2)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    try:
        file = taken(kind, bytes(whole))
    except FileDamaged:
        return
    assert sum(line.amount for line in file.lines) == sum(one.amount for one in some(2))
