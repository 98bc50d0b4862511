"""Reads a bill that came by mail: an .eml, a saved .html, or the pages of a PDF that was attached.

Two gates: a mail is a bank's bill only by its sender and its subject. A stranger who writes a bank's subject is told
apart from a person who forwards a bill; what was forwarded or saved without a sender is read with less confidence.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from anhuan.statements import banks
from anhuan.statements.bill_reader import Bank, Template, less_sure, read_bill
from anhuan.statements.mime import Envelope, Leaf, Mail, mail_of, text_of
from anhuan.statements.model import FileKind, NeedsPassword, Page, Problem, Reading
from anhuan.statements.text import Sheet, sheet_of_html, sheet_of_pages, sheet_of_text

PagesOf = Callable[[bytes, str | None], Sequence[Page]]  # takes a PDF and its password

_FORWARDED: Final = re.compile(r"^\s*(?:(?:转发|轉寄|转|fwd?|fw|i)\s*[:：]\s*)+|^\s*[\[【]转发[\]】]\s*", re.I)
_REPLIED: Final = re.compile(r"^\s*(?:(?:回复|答复|re)\s*[:：]\s*)+", re.I)
_INNER_SENDER: Final = re.compile(
    r"(?:发件人|寄件人|From)\s*[:：]?\s*[^\n@]{0,80}?([\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.I
)
_INNER_SUBJECT: Final = re.compile(r"(?:主\s*题|Subject)\s*[:：]\s*([^\n\t\r]{2,120})", re.I)
_FAILED: Final = re.compile(r"\b(?:dkim|spf|dmarc)\s*=\s*(?:fail|softfail|permerror)\b|^\s*(?:fail|softfail)\b", re.I)


@dataclass(frozen=True)
class _Gate:
    """Which templates of which bank a mail may be read by, and how sure its origin is."""

    bank: Bank
    templates: tuple[tuple[str, Template], ...]
    sure: float = 1.0
    notes: tuple[Problem, ...] = ()


def read_mail(data: bytes, name: str = "", *, pages_of: PagesOf | None = None, password: str | None = None) -> Reading:
    """Read an .eml; Unreadable when it is broken, NeedsPassword when its PDF is locked.

    `pages_of` reads an attached PDF; without it a PDF is left unread and named in the problems.
    """
    mail = mail_of(data)
    sheets = _Sheets(mail, pages_of, password)
    gate = _gate(mail, sheets, name)
    if isinstance(gate, Reading):
        return gate
    reading = _best(gate.bank, gate.templates, sheets)
    if reading is None:
        reading = Reading(FileKind.UNKNOWN, gate.bank.id, reader=gate.bank.id, problems=_not_met(gate.bank, sheets))
    if mail.truncated:
        note = Problem("mail.truncated", "邮件不完整：结尾缺失，明细可能不全")
        reading = replace(reading, complete=False, problems=(*reading.problems, note))
    if gate.sure < 1.0:
        reading = less_sure(reading, gate.sure)
    return replace(reading, problems=(*reading.problems, *gate.notes))


def read_html(data: bytes, name: str = "") -> Reading:
    """Read the HTML of a bill that was saved from a mail, by the marks of its own; the file name may be the subject."""
    sheet = sheet_of_html(text_of(data))
    return _by_marks(sheet, name) or _nobodys()


def read_pdf_pages(pages: Sequence[Page], name: str = "") -> Reading | None:
    """Read a bill that a bank attached as PDF and a person saved; None when it is no bill of a known bank."""
    return _by_marks(sheet_of_pages(pages), name)


def _by_marks(sheet: Sheet, hint: str, sure: float = 0.8) -> Reading | None:
    sheet.subject = sheet.subject or hint
    for bank in banks.banks_by_marks(sheet, hint):
        templates = (*bank.templates, *(one for _, other in bank.others for one in other))
        reading = read_bill(bank, sheet, templates)
        if reading is not None and (reading.bills or reading.problems or reading.kind is FileKind.DAILY):
            return less_sure(reading, sure)
    return None


def _nobodys() -> Reading:
    return Reading(FileKind.UNKNOWN, problems=(Problem("bill.template_unknown", "没有认出是哪家银行的账单"),))


# --- the gates ----------------------------------------------------------------------------------------------------


def _gate(mail: Mail, sheets: "_Sheets", name: str) -> "_Gate | Reading":
    """By sender and subject, for forwarded mail by the sender inside; a Reading answers mail that is no bill."""
    outer = mail.envelope
    bank = banks.bank_of_sender(outer.sender)
    if bank is not None:
        return _own_mail(bank, outer)
    forwarded = _FORWARDED.match(outer.subject) is not None or _REPLIED.match(outer.subject) is not None
    for inner in dict.fromkeys(leaf.envelope for leaf in mail.leaves):
        if inner is not outer and (bank := banks.bank_of_sender(inner.sender)):
            return _own_mail(bank, inner, sure=0.8, notes=(_as_forwarded(inner.sender),))
    if forwarded or not outer.sender:
        return _forwarded(replace(outer, subject=outer.subject or name.rpartition(".")[0]), sheets)
    note = Problem("mail.sender_unknown", f"发件人 {outer.sender} 不是已知的银行账单地址，未按账单读取")
    return Reading(FileKind.UNKNOWN, problems=(note,))


def _own_mail(
    bank: Bank, envelope: Envelope, *, sure: float = 1.0, notes: tuple[Problem, ...] = ()
) -> "_Gate | Reading":
    subject = _REPLIED.sub("", _FORWARDED.sub("", envelope.subject)).strip()
    templates = bank.templates_for(subject)
    if _FAILED.search(envelope.checks):
        notes = (*notes, Problem("mail.sender_unproved", "邮件服务器的 SPF/DKIM/DMARC 检查未通过，发件人可能是伪造的"))
    if not templates:
        advert = Problem("mail.not_a_bill", f"{bank.name}发来的邮件，但主题不是账单：{subject[:60]}")
        return Reading(FileKind.UNKNOWN, bank.id, problems=(advert, *notes), reader=bank.id)
    return _Gate(bank, templates, sure, notes)


def _forwarded(outer: Envelope, sheets: "_Sheets") -> "_Gate | Reading":
    """The sender as the forwarding mail program quotes it in the body, else the marks of the bill itself."""
    subject = _REPLIED.sub("", _FORWARDED.sub("", outer.subject)).strip()
    for sheet in sheets:
        quoted = _INNER_SENDER.search(sheet.text)
        bank = banks.bank_of_sender(quoted[1].lower()) if quoted else None
        if bank is not None and quoted is not None:
            titled = _INNER_SUBJECT.search(sheet.text)
            inner = replace(outer, sender=quoted[1].lower(), subject=titled[1].strip() if titled else subject)
            return _own_mail(bank, inner, sure=0.75, notes=(_as_forwarded(inner.sender),))
        for bank in banks.banks_by_marks(sheet, subject):
            templates = bank.templates_for(subject) if subject else bank.templates
            if templates and read_bill(bank, sheet, templates) is not None:
                note = Problem("mail.sender_unknown", "看不到原发件人，仅凭账单自身的文字识别")
                return _Gate(bank, templates, 0.6, (note,))
    return _nobodys()


def _as_forwarded(sender: str) -> Problem:
    return Problem("mail.forwarded", f"转发的邮件：原发件人 {sender} 无法核实")


# --- the sheets ---------------------------------------------------------------------------------------------------


class _Sheets:
    """What a mail offers to read, in order: HTML bodies, HTML attachments, plain text, PDF; each is opened once."""

    def __init__(self, mail: Mail, pages_of: PagesOf | None, password: str | None) -> None:
        self._leaves = sorted(mail.leaves, key=_order)
        self._opened: dict[int, Sheet] = {}
        self._pages_of, self._password = pages_of, password
        self.unread: list[str] = []  # names of PDFs that nobody could open
        self.locked: NeedsPassword | None = None

    def __iter__(self) -> Iterator[Sheet]:
        for number, leaf in enumerate(self._leaves):
            if _order(leaf) > _PDF:
                return
            if number not in self._opened:
                sheet = self._open(leaf)
                if sheet is None:
                    continue
                self._opened[number] = sheet
            yield self._opened[number]

    def _open(self, leaf: Leaf) -> Sheet | None:
        if _order(leaf) < _PDF:
            text = leaf.text()
            sheet = (
                sheet_of_html(text) if _order(leaf) < _PLAIN or "<td" in text or "<div" in text else sheet_of_text(text)
            )
        else:
            found = self._pages(leaf)
            if found is None:
                return None
            sheet = found
        sheet.sent_on, sheet.subject = leaf.envelope.sent_on, leaf.envelope.subject
        return sheet

    def _pages(self, leaf: Leaf) -> Sheet | None:
        if self._pages_of is None:
            self.unread.append(leaf.name or "PDF")
            return None
        try:
            return sheet_of_pages(self._pages_of(leaf.bytes(), self._password))
        except NeedsPassword as locked:
            self.locked = locked
            return None


_PLAIN: Final = 2
_PDF: Final = 3


def _order(leaf: Leaf) -> int:
    name = leaf.name.lower()
    if leaf.kind == "application/pdf" or name.endswith(".pdf"):
        return _PDF
    if name.endswith((".html", ".htm")) or (leaf.kind == "text/html" and name):
        return 1
    if leaf.kind == "text/html":
        return 0
    return _PLAIN if leaf.kind.startswith("text/") else 9


def _best(bank: Bank, templates: tuple[tuple[str, Template], ...], sheets: _Sheets) -> Reading | None:
    """The first sheet that gives bills; else the first that was met at all (a refused bill, a daily mail)."""
    met: Reading | None = None
    for sheet in sheets:
        reading = read_bill(bank, sheet, templates)
        if reading is not None and (reading.bills or reading.kind is FileKind.DAILY):
            return reading
        met = met or reading
    if met is None and sheets.locked is not None:
        raise sheets.locked
    return met


def _not_met(bank: Bank, sheets: _Sheets) -> tuple[Problem, ...]:
    if sheets.unread:
        return (Problem("mail.pdf_unread", f"账单在 PDF 附件中，未能打开：{'、'.join(sheets.unread)}"),)
    return (Problem("bill.template_unknown", f"{bank.name}的账单，但没有认出版式：银行可能换了模板"),)
