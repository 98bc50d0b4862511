"""ISO 20022 camt.053, camt.052 and camt.054 of versions 02 to 14: booked entries with their end-to-end ids.

Namespaces differ, names do not. An entry with several payments inside becomes one line for each of them, where their
amounts add up to the entry; a statement whose balances, counts or sums disagree refuses the file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, tostring

from anhuan.channels import file_xml
from anhuan.channels.file_model import FileLine, LineKind, LineState, Total, same_reference
from anhuan.channels.file_table import copies
from anhuan.channels.file_text import moment
from anhuan.channels.file_xml import text
from anhuan.channels.model import FileDamaged
from anhuan.kit.money import NotMoney, from_text, to_text

STATEMENTS: Final = frozenset(("Stmt", "Rpt", "Ntfctn"))
NO_REFERENCE: Final = frozenset(("", "NOTPROVIDED", "NONREF", "NOT PROVIDED"))
_STATES: Final = {"BOOK": LineState.DONE, "": LineState.DONE, "PDNG": LineState.PENDING, "INFO": LineState.PENDING,
                  "FUTR": LineState.PENDING}  # fmt: skip
_RETURNS: Final = frozenset(("RRTN", "RPCR", "RCDT-RRTN", "ARET"))  # families of the external bank transaction codes


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment inside an entry, or the entry itself where it names none. Minor units of its currency."""

    entry: Element
    details: Element | None
    amount: int
    currency: str
    came: bool  # CRDT: money came to the account
    back: bool  # a return or a reversal
    reversal: bool
    state: LineState
    reference: str
    channel_reference: str
    fee: int
    printed_day: str
    reason: str


def read(content: bytes) -> tuple[list[FileLine], list[Total], list[str]]:
    """Lines, figures compared, and figures that could not be; raises FileDamaged."""
    paid, totals, unchecked = verified(content)
    raws = [tostring(one.entry if one.details is None else one.details) for one in paid]
    numbers = copies(raws)
    lines = [_line(one, place, numbers[place - 1], raws[place - 1]) for place, one in enumerate(paid, start=1)]
    return lines, totals, unchecked


def verified(content: bytes) -> tuple[list[Payment], list[Total], list[str]]:
    """Every payment of the file after its balances, counts and sums were compared; raises FileDamaged."""
    found = statements(content)
    paid = [one for statement in found for one in payments(statement)]
    totals: list[Total] = []
    unchecked: list[str] = []
    for statement in found:
        _compare(statement, totals, unchecked)
    return paid, totals, unchecked


def statements(content: bytes) -> list[Element]:
    """The statements, reports or notifications of a file; raises FileDamaged where there are none."""
    found = [node for node in file_xml.read(content).iter() if node.tag in STATEMENTS]
    if not found:
        raise FileDamaged("camt 文件里没有账户明细")
    return found


def payments(statement: Element) -> Iterator[Payment]:
    """Every payment of a statement in its order; raises FileDamaged for an entry without amount or date."""
    for place, entry in enumerate(statement.findall("Ntry"), start=1):
        details = entry.findall("NtryDtls/TxDtls")
        whole = _payment(entry, None, place)
        inside = [_payment(entry, one, place) for one in details]
        if len(inside) > 1:
            _add_up(whole, inside, place)
        yield from inside or [whole]


def amount_of(node: Element | None, *, what: str) -> tuple[int, str] | None:
    """Minor units and currency of an `Amt` element, None where there is no element; raises FileDamaged."""
    if node is None:
        return None
    currency = node.get("Ccy", "")
    try:
        return from_text((node.text or "").strip(), currency or "CNY"), currency
    except NotMoney as error:
        raise FileDamaged(f"{what}「{(node.text or '')[:40]}」不是金额") from error


def _payment(entry: Element, details: Element | None, place: int) -> Payment:
    what = f"第 {place} 笔（Ntry）"
    printed = amount_of(entry.find("Amt"), what=what)
    day = text(entry, "BookgDt/DtTm", "BookgDt/Dt", "ValDt/DtTm", "ValDt/Dt")
    if printed is None or not day:
        raise FileDamaged(f"{what}没有金额或日期")
    if details is not None:
        printed = _inner(details, printed, what, alone=len(entry.findall("NtryDtls/TxDtls")) == 1)
    status = text(entry, "Sts/Cd", "Sts", "Sts/Prtry")
    if status not in _STATES:
        raise FileDamaged(f"{what}的状态「{status}」不认识")
    came = _side(details, entry, what) == "CRDT"
    reversal = text(entry, "RvslInd") == "true"
    node = entry if details is None else details
    returned = details is not None and details.find("RtrInf") is not None
    family = text(node, "BkTxCd/Domn/Fmly/SubFmlyCd") or text(entry, "BkTxCd/Domn/Fmly/SubFmlyCd")
    return Payment(
        entry, details, abs(printed[0]), printed[1], came, reversal or returned or family in _RETURNS, reversal,
        _STATES[status], _reference(node), text(node, "Refs/AcctSvcrRef") or text(entry, "AcctSvcrRef", "NtryRef"),
        _fee(entry, details, what), day, text(node, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/AddtlInf"),
    )  # fmt: skip


def _inner(details: Element, whole: tuple[int, str], what: str, *, alone: bool) -> tuple[int, str]:
    """The amount of a payment inside an entry: printed in the entry's currency, else its own, else the entry's."""
    printed = [
        amount_of(details.find(path), what=what) for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
    ]
    found = [(one[0], one[1] or whole[1]) for one in printed if one and one[0]]
    if alone:
        return next((one for one in found if one[1] == whole[1]), whole)
    if not found:
        raise FileDamaged(f"{what}有几笔付款，却没有写明各笔的金额")
    return next((one for one in found if one[1] == whole[1]), found[0])


def _add_up(whole: Payment, inside: Sequence[Payment], place: int) -> None:
    """The payments of a batch entry make its amount, where every one of them prints its own in that currency."""
    if any(one.currency != whole.currency for one in inside):
        return
    total = sum(one.amount if one.came == whole.came else -one.amount for one in inside)
    if total != whole.amount:
        shown = (to_text(total, whole.currency), to_text(whole.amount, whole.currency))
        raise FileDamaged(f"第 {place} 笔（Ntry）内各笔合计 {shown[0]}，本笔写 {shown[1]}")


def _side(details: Element | None, entry: Element, what: str) -> str:
    side = (text(details, "CdtDbtInd") if details is not None else "") or text(entry, "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise FileDamaged(f"{what}没有写明借贷")
    return side


def _reference(node: Element) -> str:
    """The end-to-end id; an instruction id where the bank does not pass that on. Empty where it names neither."""
    paths = ("Refs/EndToEndId", "Refs/InstrId", "Refs/TxId")
    return next((found for path in paths if (found := text(node, path)) not in NO_REFERENCE), "")


def _fee(entry: Element, details: Element | None, what: str) -> int:
    """Charges printed beside the payment; those of a single entry may stand on the entry."""
    alone = len(entry.findall("NtryDtls/TxDtls")) <= 1
    nodes = [] if details is None else details.findall("Chrgs/Rcrd/Amt")
    nodes = nodes or (entry.findall("Chrgs/Rcrd/Amt") if alone else [])
    found = [amount_of(node, what=what) for node in nodes]
    return sum(one[0] for one in found if one)


def _line(one: Payment, place: int, copy: int, raw: bytes) -> FileLine:
    day, at = moment(one.printed_day, what=f"第 {place} 笔的日期")
    kind = LineKind.RETURN if one.back else LineKind.RECEIVED if one.came else LineKind.PAYMENT
    return FileLine(
        place, copy, kind, one.state, same_reference(one.reference), one.channel_reference, day, at, one.printed_day,
        one.amount, one.fee, one.currency, _cells(one), raw,
    )  # fmt: skip


def _cells(one: Payment) -> tuple[tuple[str, str], ...]:
    node = one.entry if one.details is None else one.details
    said = {
        "Amt": text(one.entry, "Amt"), "CdtDbtInd": text(one.entry, "CdtDbtInd"), "EndToEndId": one.reference,
        "AcctSvcrRef": one.channel_reference, "Ustrd": text(node, "RmtInf/Ustrd"), "RtrInf": one.reason,
        "AddtlNtryInf": text(one.entry, "AddtlNtryInf"),
    }  # fmt: skip
    return tuple((name, value) for name, value in said.items() if value)


def _compare(statement: Element, totals: list[Total], unchecked: list[str]) -> None:
    """Balances, counts and sums of one statement against its entries."""
    booked = [entry for entry in statement.findall("Ntry") if text(entry, "Sts/Cd", "Sts") in ("BOOK", "")]
    _balances(statement, booked, totals, unchecked)
    entries = statement.findall("Ntry")
    for name, side in (("TtlNtries", ""), ("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
        node = statement.find(f"TxsSummry/{name}")
        if node is not None:
            _sums(node, name, [one for one in entries if not side or text(one, "CdtDbtInd") == side], totals, unchecked)


def _sums(node: Element, name: str, entries: Sequence[Element], totals: list[Total], unchecked: list[str]) -> None:
    number, total = text(node, "NbOfNtries"), text(node, "Sum")
    if number:
        _agree(f"{name}/NbOfNtries", number, str(len(entries)), totals, same=int(number or 0) == len(entries))
    if total:
        moved = [found for one in entries if (found := amount_of(one.find("Amt"), what=name))]
        currencies = {currency for _, currency in moved}
        if len(currencies) > 1:
            unchecked.append(f"{name}/Sum：明细不是同一币种")
            return
        currency = currencies.pop() if currencies else "CNY"
        counted = sum(minor for minor, _ in moved)
        same = _minor(total, currency, name) == counted
        _agree(f"{name}/Sum", total, to_text(counted, currency), totals, same=same)


def _balances(statement: Element, booked: Sequence[Element], totals: list[Total], unchecked: list[str]) -> None:
    """Opening (or previous closing) and booked entries must make the closing balance, where all share a currency."""
    by_code: dict[str, tuple[int, str]] = {}
    for node in statement.findall("Bal"):
        found = amount_of(node.find("Amt"), what="余额")
        if found:
            signed = -found[0] if text(node, "CdtDbtInd") == "DBIT" else found[0]
            by_code.setdefault(text(node, "Tp/CdOrPrtry/Cd"), (signed, found[1]))
    opening, closing = by_code.get("OPBD") or by_code.get("PRCD"), by_code.get("CLBD")
    if opening is None or closing is None:
        return
    moved = [(found, text(one, "CdtDbtInd")) for one in booked if (found := amount_of(one.find("Amt"), what="Ntry"))]
    if len({opening[1], closing[1], *(found[1] for found, _ in moved)}) > 1:
        unchecked.append("余额：期初、期末和明细不是同一币种")
        return
    counted = opening[0] + sum(found[0] if side == "CRDT" else -found[0] for found, side in moved)
    shown = to_text(closing[0], closing[1])
    _agree("期末余额（CLBD）", shown, to_text(counted, opening[1]), totals, same=counted == closing[0])


def _agree(name: str, printed: str, counted: str, totals: list[Total], *, same: bool) -> None:
    if not same:
        raise FileDamaged(f"{name}：文件写 {printed}，逐笔合计 {counted}", figure=name)
    totals.append(Total(name, printed, counted))


def _minor(said: str, currency: str, name: str) -> int:
    try:
        return from_text(said, currency)
    except NotMoney as error:
        raise FileDamaged(f"{name}/Sum「{said[:40]}」不是金额") from error
