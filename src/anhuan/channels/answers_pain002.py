"""pain.002 客户付款状态报告, any version: what the bank says of a file, of a part of it, and of each payment.

A payment's own status counts before that of its part, and that before the file's. Only RJCT and CANC are a no, and only
ACSC and ACCC are a yes; everything else is on its way. A file refused as a duplicate of itself says nothing about the
payments of the first one, which may have gone through: that is unknown, never a no.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, tostring

from anhuan.channels.answers_model import REJECTED, Asked, Said, Sent, Told, Unmatched
from anhuan.channels.answers_model import Why as NoMatch
from anhuan.channels.file_camt import NO_REFERENCE, amount_of
from anhuan.channels.file_model import same_reference
from anhuan.channels.file_text import moment, yuan
from anhuan.channels.file_xml import text
from anhuan.channels.model import FileDamaged, Rejected, Settled, Unknown, Why
from anhuan.kit.clock import CHINA

# ISO 20022 external code sets ExternalPaymentTransactionStatus1Code, ...GroupStatus1Code and ...StatusReason1Code.
PAID: Final = frozenset(("ACSC", "ACCC"))
REFUSED: Final = frozenset(("RJCT", "CANC"))
ACCEPTED: Final = frozenset(("RCVD", "ACTC", "ACCP", "ACFC", "ACWC", "PATC"))
ON_THE_WAY: Final = frozenset(("ACSP", "ACWP", "PDNG", "BLCK", "PRES", "ACIS"))
PARTIAL: Final = "PART"
DUPLICATES: Final = frozenset(("AM05", "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL"))


@dataclass(frozen=True, slots=True)
class _Status:
    """One status with its reasons, and the element that says it."""

    code: str
    reasons: tuple[str, ...]
    words: str
    node: Element

    @property
    def told(self) -> str:
        """The status and its reasons as one text."""
        return " ".join((self.code, *self.reasons))


def read(root: Element, asked: Asked) -> tuple[list[Told], list[Unmatched]]:
    """What the report says of the payments asked about, and what was laid to none; raises FileDamaged."""
    report = root.find("CstmrPmtStsRpt")
    if report is None:
        raise FileDamaged("pain.002 文件里没有状态报告")
    group = report.find("OrgnlGrpInfAndSts")
    if group is None:
        raise FileDamaged("pain.002 没有写明是哪一个文件的回执")
    return _Report(report, group, asked).result()


class _Report:
    """One report under way: statuses of payments first, then those of whole files for what is left."""

    def __init__(self, report: Element, group: Element, asked: Asked) -> None:
        self._report, self._group, self._asked = report, group, asked
        self._message = text(group, "OrgnlMsgId")
        self._made = _moment(text(report, "GrpHdr/CreDtTm"))
        self._told: dict[str, list[Told]] = {}
        self._unmatched: list[Unmatched] = []

    def result(self) -> tuple[list[Told], list[Unmatched]]:
        """Everything told, in the order of the file."""
        for part in self._report.findall("OrgnlPmtInfAndSts"):
            for place, node in enumerate(part.findall("TxInfAndSts"), start=1):
                self._payment(node, f"TxInfAndSts {place}")
        for place, node in enumerate(self._report.findall("TxInfAndSts"), start=1):  # versions before 03
            self._payment(node, f"TxInfAndSts {place}")
        for part in self._report.findall("OrgnlPmtInfAndSts"):
            self._whole(_status(part, "PmtInfSts"), part, "OrgnlPmtInfAndSts", text(part, "OrgnlPmtInfId"))
        self._whole(_status(self._group, "GrpSts"), self._group, "OrgnlGrpInfAndSts", self._message)
        return self._settled(), self._unmatched

    def _payment(self, node: Element, where: str) -> None:
        status = _status(node, "TxSts")
        reference, sent = self._sent(node)
        code = "" if status is None else status.told
        if status is None:
            return  # it repeats the payment and says nothing of it
        if not reference:
            self._unmatched.append(Unmatched(NoMatch.NO_REFERENCE, "", code, where))
        elif sent is None:
            self._unmatched.append(Unmatched(NoMatch.NOT_OURS, reference, code, where))
        elif sent.message_id and self._message and sent.message_id != self._message:
            self._unmatched.append(Unmatched(NoMatch.OTHER_MESSAGE, reference, code, where))
        else:
            self._tell(reference, sent, status, where)

    def _sent(self, node: Element) -> tuple[str, Sent | None]:
        for path in ("OrgnlEndToEndId", "OrgnlInstrId"):
            said = text(node, path)
            if said not in NO_REFERENCE and (found := self._asked.get(same_reference(said))):
                return same_reference(said), found
        named = text(node, "OrgnlEndToEndId")
        return ("" if named in NO_REFERENCE else named), None

    def _whole(self, status: _Status | None, node: Element, where: str, message: str) -> None:
        """A status of the whole file holds for each payment of it of which nothing nearer was said."""
        if status is None or status.code == PARTIAL:
            return
        mine = {reference: sent for reference, sent in self._asked.items() if message and sent.message_id == message}
        if not mine:
            if not self._told:
                self._unmatched.append(Unmatched(NoMatch.OTHER_MESSAGE, message, status.told, where))
            return
        if not _counts_agree(node, mine.values()):
            self._unmatched.append(Unmatched(NoMatch.OTHER_COUNT, message, status.told, where))
            return
        for reference, sent in mine.items():
            if reference not in self._told:
                self._tell(reference, sent, status, where)

    def _tell(self, reference: str, sent: Sent, status: _Status, where: str) -> None:
        said = _said(status, sent, self._made)
        if said is None:
            self._unmatched.append(Unmatched(NoMatch.UNKNOWN_STATUS, reference, status.told, where))
            return
        raw = tostring(status.node) if where.startswith("Tx") else status.told.encode()
        self._told.setdefault(reference, []).append(Told(sent.key, said, status.told, where, raw))

    def _settled(self) -> list[Told]:
        """One word for each payment: the last one, save where the file says both yes and no of it."""
        result = []
        for reference, told in self._told.items():
            if len({type(one.said) for one in told if not isinstance(one.said, Unknown)}) > 1:
                codes = ", ".join(one.code for one in told)
                self._unmatched.append(Unmatched(NoMatch.CONTRADICTS, reference, codes, told[-1].where))
            else:
                final = [one for one in told if not isinstance(one.said, Unknown)]
                result.append((final or told)[-1])
        return result


def _status(node: Element, name: str) -> _Status | None:
    code = text(node, name)
    if not code:
        return None
    reasons = tuple(_reasons(node))
    words = " ".join(" ".join((one.text or "").split()) for one in node.findall("StsRsnInf/AddtlInf"))
    return _Status(code, reasons, words, node)


def _reasons(node: Element) -> Iterator[str]:
    for reason in node.findall("StsRsnInf/Rsn"):
        if said := text(reason, "Cd", "Prtry"):
            yield said


def _said(status: _Status, sent: Sent, made: datetime | None) -> Said | None:
    if status.code in REFUSED:
        if DUPLICATES & set(status.reasons):
            return Unknown(Why.NO_ANSWER)
        return Rejected(REJECTED, f"{status.told} {status.words}".strip()[:500])
    if status.code in PAID:
        node = status.node
        printed = amount_of(node.find("OrgnlTxRef/Amt/InstdAmt"), what="OrgnlTxRef")
        at = _moment(text(node, "AccptncDtTm", "FctvIntrBkSttlmDt/DtTm")) or made
        if at is None:
            raise FileDamaged("pain.002 没有写明时间")
        return Settled(text(node, "AcctSvcrRef", "ClrSysRef", "StsId"), at, printed[0] if printed else sent.amount)
    if status.code in ACCEPTED:
        return Unknown(Why.ACCEPTED)
    return Unknown(Why.PROCESSING) if status.code in ON_THE_WAY else None


def _counts_agree(node: Element, mine: Collection[Sent]) -> bool:
    """Whether the count and sum that the bank repeats are those of our file; what it does not repeat says nothing."""
    number, total = text(node, "OrgnlNbOfTxs"), text(node, "OrgnlCtrlSum")
    if number and number != str(len(mine)):
        return False
    return not total or yuan(total, what="OrgnlCtrlSum") == sum(one.amount for one in mine)


def _moment(said: str) -> datetime | None:
    """A moment of the standard; one without a zone is the bank's, UTC+8."""
    if not said:
        return None
    day, at = moment(said, what="时间")
    return at or datetime(day.year, day.month, day.day, tzinfo=CHINA)
