"""OFX and QFX, SGML and XML: accounts and credit cards of banks abroad.

OFX is tags and text; a leaf of the SGML form is never closed. One pass over the tags builds the tree for both forms, so
there is no XML parser to attack. Amounts are signed from the customer's view: what goes out is negative, also on cards.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from anhuan.kit import money
from anhuan.statements import cells, kinds, sheets
from anhuan.statements.model import Balance, FileKind, Line, LineKind, Problem, Reading, Source, TooLarge, Unreadable

_TAG: Final = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w.]{0,40})\s*/?>(?P<text>[^<]*)|<!\[CDATA\[(?P<raw>.*?)\]\]>", re.DOTALL
)
_MAX_NODES: Final = 2_000_000
_MAX_DEPTH: Final = 40  # the deepest aggregate of the standard is 8
_CHARSET: Final = re.compile(rb"CHARSET:\s*(\d+|NONE)|encoding=[\"']([\w-]+)", re.IGNORECASE)
_TRANSFERS: Final = frozenset(("XFER", "ATM", "CASH", "DEP", "DIRECTDEP"))


@dataclass(slots=True)
class Node:
    """An element: its name, its text if it is a leaf, its children if it is an aggregate."""

    name: str
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def get(self, *path: str) -> str:
        """The text at a path of names below, blank where there is none."""
        node: Node | None = self
        for name in path:
            node = next((child for child in node.children if child.name == name), None) if node else None
        return cells.clean(node.text) if node else ""

    def all(self, name: str) -> Iterator["Node"]:
        """Every element of this name below, in order."""
        for child in self.children:
            if child.name == name:
                yield child
            else:
                yield from child.all(name)


def looks_like(head: bytes) -> bool:
    """True for the beginning of an OFX file of either form."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    return start.startswith(b"OFXHEADER") or b"<OFX>" in head[:4000].upper() or b"<?OFX" in head[:4000].upper()


def read(data: bytes) -> Reading:
    """Read all statements of the file; raises Unreadable where it holds none."""
    root = _tree(_text(data))
    statements = [(node, Source.ACCOUNT) for node in root.all("STMTRS")]
    statements += [(node, Source.CARD) for node in root.all("CCSTMTRS")]
    if not statements:
        raise Unreadable("OFX 文件里没有账户或信用卡的明细")
    accounts = cells.masked_accounts(known for node, _ in statements if (known := _account(node)))
    lines: list[Line] = []
    balances: list[Balance] = []
    problems: list[Problem] = []
    for node, source in statements:
        account = accounts.get(_account(node)) if len(accounts) > 1 else None
        for number, row in enumerate(node.all("STMTTRN"), start=1):
            line = _line(row, number, node, source, account)
            if isinstance(line, Line):
                lines.append(line)
            else:
                problems.append(line)
        balances += _balances(node, account)
    org = next((name for fi in root.all("FI") if (name := fi.get("ORG"))), "")
    return Reading(
        FileKind.STATEMENT, org.lower() or None, lines=tuple(lines), problems=tuple(problems), reader="ofx",
        template="card" if statements[0][1] is Source.CARD else "account", source=statements[0][1],
        account=next(iter(accounts.values())) if len(accounts) == 1 else None, balances=tuple(balances),
        complete=not problems,
    )  # fmt: skip


def _text(data: bytes) -> str:
    """The text by the header's own character set: files say USASCII and hold Windows-1252 or UTF-8."""
    said = _CHARSET.search(data[:1000])
    name = (said[1] or said[2] or b"").decode() if said else ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        encoding = f"cp{name}" if name.isdigit() else name or "cp1252"
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return sheets.text_of(data)[0]


def _tree(text: str) -> Node:
    """One pass over the tags; an element with text is a leaf, whether or not it is closed."""
    root = Node("")
    open_ones = [root]
    last = root
    for count, tag in enumerate(_TAG.finditer(text)):
        if count > _MAX_NODES:
            raise TooLarge("OFX 文件的元素太多")
        if tag["raw"] is not None:
            last.text += tag["raw"]
            if open_ones[-1] is last:
                open_ones.pop()
            continue
        name = tag["name"].upper()
        if tag["close"]:
            _close(open_ones, name)
            continue
        last = Node(name, html.unescape(tag["text"]).strip())
        open_ones[-1].children.append(last)
        if not last.text:
            open_ones.append(last)
            if len(open_ones) > _MAX_DEPTH:
                raise Unreadable("OFX 文件的层次太深")
    return root


def _close(open_ones: list[Node], name: str) -> None:
    """Close the aggregate of this name and, with it, the empty leaves that SGML left open inside."""
    names = [node.name for node in open_ones]
    if name not in names[1:]:
        return  # the end tag of a leaf
    while open_ones.pop().name != name:
        inner = open_ones[-1].children.pop()
        open_ones[-1].children += [Node(inner.name, inner.text), *inner.children]


def _account(node: Node) -> str:
    return node.get("BANKACCTFROM", "ACCTID") or node.get("CCACCTFROM", "ACCTID")


def _line(row: Node, number: int, node: Node, source: Source, account: str | None) -> Line | Problem:
    currency = row.get("CURRENCY", "CURSYM") or node.get("CURDEF") or "XXX"
    card = node.get("CCACCTFROM", "ACCTID")
    try:
        amount = cells.amount_of(row.get("TRNAMT"), currency)
    except money.NotMoney:
        amount = None
    posted = _date(row.get("DTPOSTED"))
    if amount is None or posted is None:
        return Problem("row.unreadable", f"第 {number} 笔的金额或日期无法读取，没有计入")
    out = -amount.minor
    name, memo = row.get("NAME") or row.get("PAYEE", "NAME"), row.get("MEMO")
    words = name if memo in name else memo if name and memo.startswith(name) else f"{name} {memo}".strip()
    words = words or f"{row.get('TRNTYPE')} {row.get('CHECKNUM')}".strip()
    return Line(
        posted, _date(row.get("DTUSER")), cells.masked(words), out, currency, kind=_kind(row, words, out, source),
        card=cells.card_tail(card) if card.strip("*xX").isdigit() else None, span=f"STMTTRN {number}",
        reference=row.get("FITID") or None, counterparty=name or None, account=account,
    )  # fmt: skip


def _kind(row: Node, words: str, out: int, source: Source) -> LineKind:
    """The bank's own word for the row where it says more than the text does."""
    said = row.get("TRNTYPE").upper()
    if said == "INT":
        return LineKind.INTEREST if out >= 0 else LineKind.INCOME
    if said in ("FEE", "SRVCHG"):
        return LineKind.FEE
    if source is Source.CARD and said == "PAYMENT" and out < 0:
        return LineKind.REPAYMENT
    if source is Source.CARD and said in ("CASH", "ATM") and out >= 0:
        return LineKind.CASH_ADVANCE
    if source is Source.ACCOUNT and said in _TRANSFERS and (out >= 0 or said == "XFER"):
        return LineKind.TRANSFER
    return kinds.kind_of(words, spent=out >= 0, source=source)


def _balances(node: Node, account: str | None) -> list[Balance]:
    found = []
    for name, code in (("LEDGERBAL", "closing"), ("AVAILBAL", "available")):
        for balance in node.all(name):
            currency = node.get("CURDEF") or "XXX"
            try:
                amount = cells.amount_of(balance.get("BALAMT"), currency)
            except money.NotMoney:
                amount = None
            if amount is not None:
                found.append(Balance(code, amount.minor, currency, _date(balance.get("DTASOF")), account))
    return found


def _date(text: str) -> date | None:
    """The day of an OFX timestamp as the bank's own clock shows it: YYYYMMDD, then a time and a zone nobody needs."""
    digits = text[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) if len(digits) == 8 else None
    except ValueError:
        return None
