"""Batches that leave as files: the same bytes every time, sums that hold, text that stays text."""

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anhuan.channels import export_csv, export_pain, file_xml
from anhuan.channels.export_words import BadExport, BankCodes, Batch, Item, NotExportable, Party, batches, item_of
from anhuan.channels.file_xml import text
from anhuan.channels.model import Instruction
from anhuan.kit.clock import CHINA
from anhuan.kit.money import to_text

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=CHINA)
MINE = Party("林一 & Co", "6222020200001234567", "102100099996", "工商银行")
names = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30).filter(str.strip)


def _item(number: int, fen: int, name: str = "林一", **more: Any) -> Item:
    card = Party(name, f"62258800000{number:05}", "308100005027")
    return replace(Item(UUID(int=number), fen, "CNY", MINE, card, NOW + timedelta(hours=1)), **more)


def _batch(*items: Item, channel: str = "file_export") -> Batch:
    (made,) = batches(items, channel=channel, made_at=NOW, day=NOW.date(), initiator="安还")
    return made


def _payments(content: bytes) -> list[Element]:
    return list(file_xml.read(content).iter("CdtTrfTxInf"))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=8), names, names)
def test_pain001_says_every_payment_and_sums_them_to_the_fen(fen: list[int], name: str, purpose: str) -> None:
    batch = _batch(*(_item(n, amount, name, purpose=purpose) for n, amount in enumerate(fen, start=1)))
    made = export_pain.export(batch)
    root = file_xml.read(made.content)
    assert text(root, "CstmrCdtTrfInitn/GrpHdr/CtrlSum") == to_text(sum(fen)) == to_text(made.control_sum)
    assert text(root, "CstmrCdtTrfInitn/GrpHdr/NbOfTxs") == str(len(fen)) == str(made.count)
    assert [text(one, "Amt/InstdAmt") for one in _payments(made.content)] == [to_text(one) for one in fen]
    assert {text(one, "Cdtr/Nm") for one in _payments(made.content)} == {" ".join(name.split())}
    assert {text(one, "RmtInf/Ustrd") for one in _payments(made.content)} == {" ".join(purpose.split())}


@pytest.mark.parametrize("version", export_pain.VERSIONS)
def test_every_offered_version_is_valid_and_names_accounts_and_banks(version: str) -> None:
    made = export_pain.export(_batch(_item(1, 100), _item(2, 250)), version=version)
    root = file_xml.read(made.content)
    assert f"urn:iso:std:iso:20022:tech:xsd:{version}".encode() in made.content
    assert text(root, "CstmrCdtTrfInitn/PmtInf/DbtrAcct/Id/Othr/Id") == MINE.account
    assert [text(one, "PmtId/EndToEndId") for one in _payments(made.content)] == [f"{n:032x}" for n in (1, 2)]
    assert "102100099996" in {(node.text or "") for node in root.iter("MmbId")}


def test_the_same_batch_is_the_same_file_byte_for_byte_in_whatever_order_it_was_given() -> None:
    items = [_item(n, n * 100) for n in (3, 1, 2)]
    made = export_pain.export(_batch(*items))
    again = export_pain.export(_batch(*reversed(items)))
    assert (again.content, again.sha256, again.name) == (made.content, made.sha256, made.name)
    assert made.name == f"{made.message_id}.xml"
    assert len(made.message_id) <= 35
    for layout in export_csv.layouts():
        assert export_csv.export(_batch(*items), layout) == export_csv.export(_batch(*reversed(items)), layout)


def test_another_key_channel_or_day_is_another_message() -> None:
    ids = {
        _batch(_item(1, 100)).message_id, _batch(_item(2, 100)).message_id,
        _batch(_item(1, 100), channel="other").message_id,
        replace(_batch(_item(1, 100)), day=date(2026, 11, 21)).message_id,
    }  # fmt: skip
    assert len(ids) == 4


def test_each_account_that_pays_has_its_own_file() -> None:
    other = _item(2, 200, debtor=replace(MINE, account="999"))
    made = batches([_item(1, 100), other, _item(3, 300)], channel="x", made_at=NOW, day=NOW.date(), initiator="安还")
    assert [[item.amount for item in one.items] for one in made] == [[100, 300], [200]]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"expires_at": NOW}, "过期"),
        ({"amount": 0}, "大于零"),
        ({"amount": -5}, "大于零"),
        ({"currency": "USD"}, "人民币"),
    ],
)
def test_what_must_not_leave_stops_the_whole_batch(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(NotExportable, match=named):
        batches([_item(1, 100), _item(2, 5, **wrong)], channel="x", made_at=NOW, day=NOW.date(), initiator="安还")


def test_one_instruction_twice_is_refused() -> None:
    with pytest.raises(NotExportable, match="两次"):
        batches([_item(1, 100), _item(1, 100)], channel="x", made_at=NOW, day=NOW.date(), initiator="安还")


@pytest.mark.parametrize("name", ["", "   ", "x" * 141, "a\x00b", "a\x07b", "\ud800"])
def test_a_name_that_the_standard_cannot_hold_is_refused_and_never_cut(name: str) -> None:
    with pytest.raises(NotExportable):
        export_pain.export(_batch(_item(1, 100, name)))


def test_markup_in_names_and_purposes_stays_text() -> None:
    sly = "</Nm><Amt>9</Amt><Nm>&lt; {{7*7}} ]]>"
    made = export_pain.export(_batch(_item(1, 100, sly, purpose=sly)))
    (one,) = _payments(made.content)
    assert (text(one, "Cdtr/Nm"), text(one, "RmtInf/Ustrd"), text(one, "Amt/InstdAmt")) == (sly, sly, "1.00")


def test_a_version_that_nobody_offers_is_refused() -> None:
    for version in ("pain.001.001.04", "pain.001.001.99", "../../etc/passwd"):
        with pytest.raises(NotExportable):
            export_pain.export(_batch(_item(1, 100)), version=version)


def test_a_file_that_does_not_say_what_its_batch_says_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    right = export_pain._generated

    def wrong(rows: list[dict[str, object]], version: str) -> bytes:
        return right(rows, version).replace(b">1.00<", b">1.01<")

    monkeypatch.setattr(export_pain, "_generated", wrong)
    with pytest.raises(BadExport):
        export_pain.export(_batch(_item(1, 100)))


# --- a bank's CSV ---


def _csv(name: str = "林一", *, bank: str = "generic", purpose: str = "信用卡还款") -> list[list[str]]:
    layout = export_csv.layout_of(bank, on=NOW.date())
    made = export_csv.export(_batch(_item(1, 12_345, name, purpose=purpose), _item(2, 1, name)), layout)
    return list(csv.reader(io.StringIO(made.content.decode(layout.encoding), newline="")))


def test_the_csv_has_its_layouts_columns_rows_and_sums() -> None:
    rows = _csv()
    assert rows[0][:3] == ["序号", "业务参考号", "付款账号"]
    assert rows[1][rows[0].index("金额")] == "123.45"
    assert rows[1][rows[0].index("业务参考号")] == f"{1:032x}\t"
    assert rows[-1][:2] == ["2", "123.46"]


def test_the_csv_of_another_bank_is_in_gb18030_without_sums() -> None:
    rows = _csv("𠮷野", bank="jia")
    assert len(rows) == 3
    assert rows[1][2] == "𠮷野"


@pytest.mark.parametrize(
    "sly", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "=1\r\n=2", "|x"]
)
def test_no_cell_begins_a_formula_or_breaks_its_row(sly: str) -> None:
    rows = _csv(sly, purpose=sly)
    assert len(rows) == 5
    for cell in (cell for row in rows for cell in row):
        assert not cell.strip(" \t\u3000").startswith(("=", "+", "-", "@", "＝", "|"))


@settings(max_examples=60, deadline=None)
@given(names, st.sampled_from(("generic", "jia")))
def test_any_name_makes_rows_of_one_width(name: str, bank: str) -> None:
    rows = _csv(name, bank=bank)
    assert len({len(row) for row in rows[:3]}) == 1


def test_a_layout_is_asked_for_by_its_day_and_one_without_needed_columns_is_refused() -> None:
    with pytest.raises(NotExportable):
        export_csv.layout_of("generic", on=date(2025, 12, 31))
    with pytest.raises(NotExportable):
        export_csv.layout_of("nobody", on=NOW.date())
    said: dict[str, Any] = {
            "bank": "x", "name": "x", "from": date(2026, 1, 1), "source": "x", "encoding": "utf-8", "line_end": "lf",
            "columns": [["参考", "reference"], ["账号", "creditor_account"], ["金额", "amount"]]}  # fmt: skip
    assert export_csv.read_layout(said).columns[2] == ("金额", "amount")
    strange = [*said["columns"], ["x", "x"]]
    for wrong in ({"columns": said["columns"][:2]}, {"encoding": "latin-1"}, {"columns": strange}):
        with pytest.raises(NotExportable):
            export_csv.read_layout({**said, **wrong})


def test_an_operators_own_layout_stands_in_the_home_and_comes_before_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    own = """[[write]]
bank = "generic"
name = "mine"
from = 2026-01-01
source = "the bank's form"
encoding = "gb18030"
line_end = "lf"
columns = [["No", "reference"], ["Card", "creditor_account"], ["Fen", "amount_fen"]]
"""
    (tmp_path / "bank_files.toml").write_text(own, "utf-8")
    assert _csv()[0] == ["No", "Card", "Fen"]
    assert _csv()[1][2] == "12345"
    for wrong in ("[[write]]", "write = 1", "x", own.replace("amount_fen", "money")):
        (tmp_path / "bank_files.toml").write_text(wrong, "utf-8")
        with pytest.raises(NotExportable):
            _csv()


# --- from an instruction ---


def _instruction(**said: object) -> Instruction:
    body = {"key": str(UUID(int=9)), "amount": 100, "name": "林一", "funding": "111", "card": "222"} | said
    return Instruction(
        UUID(int=9), UUID(int=1), 1, 1, "file_export", "111", "222", 100, "CNY", NOW + timedelta(hours=1),
        json.dumps(body).encode(), bank="cmb",
    )  # fmt: skip


def test_an_item_is_made_from_the_frozen_bytes_alone() -> None:
    codes = BankCodes(("102", "工商银行"), {"cmb": ("308", "招商银行")})
    item = item_of(_instruction(), codes)
    assert (item.debtor.name, item.creditor.name) == ("林一", "林一")
    assert (item.debtor.account, item.creditor.account, item.creditor.bank_name) == ("111", "222", "招商银行")
    for wrong in ({"name": ""}, {"card": None}, {"funding": " "}):
        with pytest.raises(NotExportable):
            item_of(_instruction(**wrong), codes)
    for other in ({"amount": 101}, {"key": str(UUID(int=8))}):
        with pytest.raises(BadExport):
            item_of(_instruction(**other), codes)
    for body in (b"", b"[]", b"\xff"):
        with pytest.raises(BadExport):
            item_of(replace(_instruction(), body=body), codes)
