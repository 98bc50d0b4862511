"""ISO 20022 camt.052, camt.053 and camt.054 of any version: reports, statements and notifications of accounts.

One line per booked entry, as the account shows it; the payments inside a batch entry are named in its description and
never counted beside it. Entries that are pending or for information are told and not counted: they come again, booked.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from anhuan.kit import money
from anhuan.statements import cells, kinds, xml_tree
from anhuan.statements.model import Balance, FileKind, Line, LineKind, Problem, Reading, Source, Unreadable

_STATEMENTS: Final = frozenset(("Stmt", "Rpt", "Ntfctn"))
_CODES: Final = {
    "OPBD": "opening", "PRCD": "previous", "CLBD": "closing", "OPAV": "opening_available", "CLAV": "available",
    "FWAV": "forward", "ITBD": "interim", "ITAV": "interim_available", "INFO": "information", "XPCD": "expected",
}  # fmt: skip
_NAMED: Final = 20  # payments of a batch named in its description
_NO_REFERENCE: Final = frozenset(("", "NOTPROVIDED", "NONREF"))


def looks_like(head: bytes) -> bool:
    """True for the beginning of a camt file: its namespace or the name of its message."""
    return b"camt.05" in head[:4000] or b"<BkToCstmr" in head[:4000]


def read(data: bytes) -> Reading:
    """Read all statements of the file; raises Unreadable for broken or hostile XML and for files without any."""
    root = xml_tree.read(data)
    statements = [node for node in root.iter() if node.tag in _STATEMENTS]
    if not statements:
        raise Unreadable("camt 文件里没有账户明细")
    accounts = cells.masked_accounts(number for node in statements if (number := _account(node)))
    lines: list[Line] = []
    balances: list[Balance] = []
    problems: list[Problem] = []
    for node in statements:
        account = accounts.get(_account(node)) if len(accounts) > 1 else None
        mine = list(_lines(node, account, problems))
        printed = list(_balances(node, account))
        problems += _check(printed, mine)
        lines += mine
        balances += printed
    return Reading(
        FileKind.STATEMENT, None, lines=tuple(lines), problems=tuple(problems), reader="camt", template=_version(data),
        source=Source.ACCOUNT, account=next(iter(accounts.values())) if len(accounts) == 1 else None,
        balances=tuple(balances), complete=not problems,
    )  # fmt: skip


def _version(data: bytes) -> str:
    start = data.find(b"camt.05")
    return data[start : start + 15].decode("ascii", errors="replace") if start >= 0 else "camt"


def _get(node: Element, path: str) -> str:
    return cells.clean(node.findtext(path) or "")


def _first(node: Element, *paths: str) -> str:
    return next((text for path in paths if (text := _get(node, path))), "")


def _account(node: Element) -> str:
    return _first(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id")


def _lines(statement: Element, account: str | None, problems: list[Problem]) -> Iterator[Line]:
    waiting: list[str] = []
    for number, entry in enumerate(statement.iter("Ntry"), start=1):
        line = _line(entry, number, account)
        if line is None:
            problems.append(Problem("row.unreadable", f"第 {number} 笔（Ntry）无法读取，没有计入"))
        elif _first(entry, "Sts/Cd", "Sts") not in ("BOOK", ""):
            waiting.append(f"{money.to_text(line.amount, line.currency)} {line.currency} {line.description}".strip())
        else:
            yield line
    if waiting:
        said = "；".join(waiting[:_NAMED])
        problems.append(Problem("row.not_booked", f"{len(waiting)} 笔尚未入账，没有计入：{said}"))


def _line(entry: Element, number: int, account: str | None) -> Line | None:
    found = _amount(entry)
    booked, valued = _date(entry, "BookgDt"), _date(entry, "ValDt")
    if found is None or (booked is None and valued is None):
        return None
    minor, currency = found
    details = list(entry.iter("TxDtls"))
    amount = _way(entry) * minor
    words = _words(entry, details)
    reversal = _get(entry, "RvslInd") == "true"
    kind = kinds.kind_of(words, spent=amount >= 0, source=Source.ACCOUNT)
    return Line(
        booked or valued, None, cells.masked(words), amount, currency,
        kind=LineKind.REFUND if reversal and amount < 0 else kind, span=f"Ntry {number}",
        reference=_reference(entry, details), counterparty=_party(details[0], amount) if len(details) == 1 else None,
        original=_original(details, currency), account=account, valued_on=valued,
    )  # fmt: skip


def _amount(node: Element) -> tuple[int, str] | None:
    amount = node.find("Amt")
    if amount is None:
        return None
    currency = amount.get("Ccy", "XXX")
    try:
        return abs(money.from_text((amount.text or "").strip(), currency)), currency
    except money.NotMoney:
        return None


def _way(node: Element) -> int:
    """+1 for money that goes out: a debit of the account (a reversal's indicator already says its own direction)."""
    return 1 if _get(node, "CdtDbtInd") == "DBIT" else -1


def _date(node: Element, path: str) -> date | None:
    text = _first(node, f"{path}/Dt", f"{path}/DtTm")[:10]
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _words(entry: Element, details: Sequence[Element]) -> str:
    """What the entry was: the bank's words, the purpose of its only payment, or the payments of a batch by name."""
    own = _get(entry, "AddtlNtryInf")
    if len(details) > 1:
        named = [
            f"{_party(one, _way(entry)) or ''} {_printed(one)} {_purpose(one)}".strip() for one in details[:_NAMED]
        ]
        more = f"; … {len(details) - _NAMED}" if len(details) > _NAMED else ""
        return f"{own} [{len(details)}: {'; '.join(cells.clean(one) for one in named)}{more}]".strip()
    parts = [own]
    if details:
        parts += [_purpose(details[0]), _party(details[0], _way(entry)) or "", _get(details[0], "AddtlTxInf")]
    shown = [part for number, part in enumerate(parts) if part and not any(part in other for other in parts[:number])]
    return " ".join(shown) or _first(entry, "BkTxCd/Domn/Fmly/SubFmlyCd", "BkTxCd/Prtry/Cd")


def _purpose(details: Element) -> str:
    texts = [cells.clean(node.text or "") for node in details.iter("Ustrd")]
    texts += [cells.clean(node.text or "") for node in details.iter("AddtlRmtInf")]
    return " ".join(text for text in texts if text) or _get(details, "RmtInf/Strd/CdtrRefInf/Ref")


def _printed(details: Element) -> str:
    found = _amount(details)
    return f"{found[1]} {money.to_text(*found)}" if found else ""


def _party(details: Element, way: int) -> str | None:
    """Who is at the other end: the creditor of what goes out, the debtor of what comes in."""
    sides = ("Cdtr", "Dbtr") if way > 0 else ("Dbtr", "Cdtr")
    names = (_first(details, f"RltdPties/{side}/Nm", f"RltdPties/{side}/Pty/Nm") for side in sides)
    return next((name for name in names if name), None)


def _reference(entry: Element, details: Sequence[Element]) -> str | None:
    """The bank's own reference, which no two entries share; else the payer's end-to-end id."""
    own = _first(entry, "AcctSvcrRef", "NtryRef")
    if not own and len(details) == 1:
        own = _first(details[0], "Refs/AcctSvcrRef", "Refs/EndToEndId", "Refs/TxId", "Refs/InstrId")
    return None if own in _NO_REFERENCE else own


def _original(details: Sequence[Element], currency: str) -> tuple[int, str] | None:
    """The amount of the trade where it was in another currency."""
    for path in ("AmtDtls/InstdAmt", "AmtDtls/TxAmt", "."):
        node = details[0].find(path) if len(details) == 1 else None
        found = _amount(node) if node is not None else None
        if found and found[0] and found[1] != currency:
            return found
    return None


def _balances(statement: Element, account: str | None) -> Iterator[Balance]:
    for node in statement.findall("Bal"):
        code = _first(node, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry")
        if found := _amount(node):
            minor, currency = found
            yield Balance(_CODES.get(code, code.lower()), -_way(node) * minor, currency, _date(node, "Dt"), account)


def _check(balances: Sequence[Balance], lines: Sequence[Line]) -> list[Problem]:
    """Opening (or previous closing) and entries must make the closing balance, where all are of one currency."""
    by_code = {balance.code: balance for balance in balances}
    opening, closing = by_code.get("opening") or by_code.get("previous"), by_code.get("closing")
    if opening is None or closing is None:
        return []
    if {opening.currency, closing.currency, *(line.currency for line in lines)} != {opening.currency}:
        return [Problem("balance.unchecked", "期初、期末余额和明细不是同一币种，无法核对")]
    counted = opening.amount - sum(line.amount for line in lines)
    if counted == closing.amount:
        return []
    printed = money.to_text(closing.amount, closing.currency)
    said = f"期初加明细为 {money.to_text(counted, closing.currency)}，期末余额写明 {printed}"
    return [Problem("balance.disagrees", said)]
