"""OFX, MT940 and camt: nothing lost, nothing doubled, balances checked."""

from datetime import date
from pathlib import Path

import mt940
import pytest
from tests.statements.tables_text import codes, read, shown

from anhuan.statements.files import read_file
from anhuan.statements.model import FileKind, LineKind, Source, Unreadable

pytestmark = pytest.mark.scope("S0-10")

SGML = """OFXHEADER:100
DATA:OFXSGML
ENCODING:USASCII
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><FI><ORG>SOMEBANK<FID>1</FI></SONRS></SIGNONMSGSRSV1>
<CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>EUR<CCACCTFROM><ACCTID>4000111122223333</CCACCTFROM>
<BANKTRANLIST><DTSTART>20240101<DTEND>20240131
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240105120000[-3:GMT]<DTUSER>20240104<TRNAMT>-13,50<FITID>A1<NAME>Café &amp; Bar<MEMO></STMTTRN>
<STMTTRN><TRNTYPE>PAYMENT<DTPOSTED>20240110<TRNAMT>100.00<FITID>A2<NAME>Thank you</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240105<TRNAMT>-13,50<FITID>A1<NAME>Café &amp; Bar</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>2024<TRNAMT>-1.00<FITID>A4</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>-27,00<DTASOF>20240131</LEDGERBAL></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>
"""  # noqa: E501

XML = """<?xml version="1.0"?><?OFX OFXHEADER="200"?><OFX><BANKMSGSRSV1>{statements}</BANKMSGSRSV1></OFX>"""
STATEMENT = (
    "<STMTTRNRS><STMTRS><CURDEF>AUD</CURDEF><BANKACCTFROM><ACCTID>{account}</ACCTID></BANKACCTFROM><BANKTRANLIST><STMTTRN>"
    "<TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20231215</DTPOSTED><TRNAMT>{amount}</TRNAMT><FITID>1</FITID><NAME/>"
    "<MEMO><![CDATA[商店 <A&B>  VIC]]></MEMO></STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS>"
)


def test_sgml_leaves_are_never_closed_and_rows_with_one_id_are_two() -> None:
    reading = read(SGML, name="x.csv", encoding="cp1252")
    assert (reading.reader, reading.bank, reading.source, reading.account) == (
        "ofx",
        "somebank",
        Source.CARD,
        "****3333",
    )
    assert shown(reading) == [
        ("13.50 EUR", "purchase", "Café & Bar"),
        ("-100.00 EUR", "repayment", "Thank you"),
        ("13.50 EUR", "purchase", "Café & Bar"),
    ]
    first = reading.lines[0]
    assert (first.posted_on, first.traded_on, first.card) == (date(2024, 1, 5), date(2024, 1, 4), "3333")
    assert [(one.code, one.amount) for one in reading.balances] == [("closing", -2700)]
    assert (codes(reading), reading.complete) == (["row.unreadable"], False)


def test_xml_with_cdata_and_two_accounts_tells_whose_row_it_is() -> None:
    both = STATEMENT.format(account="111100001111", amount="-16.85") + STATEMENT.format(
        account="222200001111", amount="5,00"
    )
    reading = read(XML.format(statements=both))
    assert [(one.account, one.amount, one.description) for one in reading.lines] == [
        ("****1100001111", 1685, "商店 <A&B> VIC"),
        ("****2200001111", -500, "商店 <A&B> VIC"),
    ]
    assert reading.account is None


def test_an_ofx_file_without_statements_is_refused() -> None:
    with pytest.raises(Unreadable):
        read(XML.format(statements=""))
    with pytest.raises(Unreadable):
        read("OFXHEADER:100\n<OFX>" + "<A>" * 5000)


MT940 = """:20:STARTUMS
:25:12345678/1020304050
:28C:1/1
:60F:C160229EUR1200,00
:61:1602300301DR6,00N024NONREF
:86:805?00ENTGELT?20Pausch
alen?32SOME BANK
:61:1603020302C100,NTRFA-REFERENCE-THAT-IS-LONGER-THAN-SIXTEEN//BANKREF
SUPPLEMENT
:86:/EREF/X1/NAME/LI SI/REMI/RENT MARCH
:61:160303RD5,00NCHG
:86:plain words

over lines
:62F:C160303EUR{closing}
-
"""


def test_mt940_keeps_every_row_and_proves_the_balance() -> None:
    reading = read(MT940.format(closing="1299,00"), name="x.pdf")
    assert (reading.reader, reading.account) == ("mt940", "****4050")
    assert [(one.amount, one.kind, one.description, one.counterparty) for one in reading.lines] == [
        (600, LineKind.PURCHASE, "ENTGELT Pauschalen", "SOME BANK"),
        (-10000, LineKind.INCOME, "RENT MARCH", "LI SI"),
        (-500, LineKind.REFUND, "plain words over lines", None),  # RD takes back a debit
    ]
    assert reading.lines[1].reference == "BANKREF"
    assert codes(reading) == ["date.impossible"]  # 30 February; 1200 - 6 + 100 + 5 = 1299
    first = reading.lines[0]
    assert (first.posted_on, first.valued_on) == (date(2016, 3, 1), date(2016, 2, 29))


def test_a_closing_balance_that_the_rows_do_not_make_is_told() -> None:
    reading = read(MT940.format(closing="1300,00"))
    assert codes(reading) == ["date.impossible", "balance.disagrees"]
    assert "1299.00，期末余额写明 1300.00" in reading.problems[1].message


@pytest.mark.parametrize(
    ("name", "rows", "found"),
    [
        ("abnamro.sta", 10, ["balance.disagrees"] * 2), ("asnb.txt", 8, []), ("cmxl.sta", 16, []),
        ("february_30.sta", 1, ["date.impossible"]), ("ing.sta", 7, ["balance.disagrees"]),
        ("rabobank-iban.sta", 4, []), ("raphaelm.sta", 9, []), ("sepa_mt9401.sta", 97, []), ("sns.sta", 2, []),
        ("triodos.sta", 2, ["balance.disagrees"]), ("with_binary_character.sta", 4, []),
    ],
)  # fmt: skip
def test_mt940_files_of_others_lose_no_row(shared_data: Path, name: str, rows: int, found: list[str]) -> None:
    data = (shared_data / "statements-intl" / "mt940" / name).read_bytes()
    reading = read_file(data, "x")
    assert (len(reading.lines), codes(reading)) == (rows, found)
    assert rows == sum(1 for line in data.splitlines() if line.lstrip().startswith(b":61:"))


def test_another_reader_of_mt940_finds_the_same_amounts(shared_data: Path) -> None:
    path = shared_data / "statements-intl" / "mt940" / "sepa_mt9401.sta"
    theirs = [int(one.data["amount"].amount * 100) for one in mt940.parse(path.read_text())]
    ours = [-one.amount for one in read_file(path.read_bytes(), "x").lines]
    assert sorted(map(abs, ours)) == sorted(map(abs, theirs))


CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>NL00BANK0123456789</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2015-01-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2015-01-02</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">20.500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>{booked}</Sts><BookgDt><DtTm>2015-01-02T13:15:00+01:00</DtTm></BookgDt>
<ValDt><Dt>2015-01-03</Dt></ValDt><NtryDtls><TxDtls><RltdPties><Dbtr>{name}</Dbtr></RltdPties><RmtInf><Ustrd>Rent</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">6.30</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>{booked}</Sts><BookgDt><Dt>2015-01-02</Dt></BookgDt><AcctSvcrRef>R2</AcctSvcrRef>
<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch><TxDtls><Amt Ccy="EUR">3.10</Amt></TxDtls><TxDtls><Amt Ccy="EUR">3.20</Amt></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">99.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>PDNG</Sts><BookgDt><Dt>2015-01-02</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""  # noqa: E501
OLD = {"version": "02", "booked": "BOOK", "name": "<Nm>李四</Nm>"}
NEW = {"version": "08", "booked": "<Cd>BOOK</Cd>", "name": "<Pty><Nm>李四</Nm></Pty>"}


@pytest.mark.parametrize("shape", [OLD, NEW])
def test_camt_of_every_version_books_an_entry_once(shape: dict[str, str]) -> None:
    reading = read(CAMT.format(closing="4.20", **shape))
    assert (reading.reader, reading.account, reading.kind) == ("camt", "****6789", FileKind.STATEMENT)
    assert [(one.amount, one.counterparty, one.reference) for one in reading.lines] == [
        (-2050, "李四", None),
        (630, None, "R2"),
    ]
    assert "EUR 3.10" in reading.lines[1].description  # the batch names its payments and counts once
    assert (reading.lines[0].posted_on, reading.lines[0].valued_on) == (date(2015, 1, 2), date(2015, 1, 3))
    assert [(one.code, one.amount) for one in reading.balances] == [("opening", -1000), ("closing", 420)]
    assert codes(reading) == ["row.not_booked"]  # the pending one is told, not counted


def test_camt_balances_that_the_entries_do_not_make_are_told() -> None:
    assert codes(read(CAMT.format(closing="5.20", **OLD))) == ["row.not_booked", "balance.disagrees"]


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">{more}]>'


@pytest.mark.parametrize(
    "xml",
    [
        CAMT.format(closing="1", **OLD).replace("<Document", BOMB.replace("{more}", "") + "<Document", 1),
        CAMT.format(closing="1", **OLD).replace("<Document", '<!DOCTYPE d SYSTEM "file:///etc/passwd"><Document', 1),
        '<Document xmlns="camt.053">' + "<a>" * 3000 + "</a>" * 3000 + "</Document>",
        CAMT.format(closing="1", **OLD)[:900],
    ],
    ids=["entities", "external", "deep", "cut"],
)
def test_hostile_xml_is_refused(xml: str) -> None:
    with pytest.raises(Unreadable):
        read(xml)


@pytest.mark.parametrize(
    ("name", "rows", "found"),
    [
        ("camt052.v2.xml", 1, []), ("camt053.v2.all-balance-types.xml", 1, ["balance.disagrees"]),
        ("camt053.v2.minimal.xml", 1, ["balance.unchecked"]), ("camt053.v2.multi.statement.xml", 2, []),
        ("camt053.v4.xml", 1, ["balance.unchecked"]), ("camt053.v8.xml", 1, ["balance.unchecked"]),
        ("camt054.v4.xml", 1, []),
    ],
)  # fmt: skip
def test_camt_files_of_others_lose_no_entry(shared_data: Path, name: str, rows: int, found: list[str]) -> None:
    reading = read_file((shared_data / "statements-intl" / "camt" / name).read_bytes(), "x")
    assert (len(reading.lines), codes(reading)) == (rows, found)


def test_ofx_files_of_others_are_read(shared_data: Path) -> None:
    wanted = {
        "ofx-au-suncorp.ofx": [1685], "ofx-br-nubank-creditcard.ofx": [1300, 16290, 3346, 902, 10353, 95900],
        "ofx-euro.ofx": [20000, 30000], "ofx-us-bank.ofx": [20000, 30000],
    }  # fmt: skip
    for name, amounts in wanted.items():
        reading = read_file((shared_data / "statements-intl" / name).read_bytes(), "x")
        assert [one.amount for one in reading.lines] == amounts, name
        assert reading.complete
    card = read_file((shared_data / "statements-intl" / "ofx-br-nubank-creditcard.ofx").read_bytes(), "x")
    assert sum(one.amount for one in card.lines) == -card.balances[0].amount
