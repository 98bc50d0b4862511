"""Bills as mail: the HTML of each bank, and the mail around it."""

from email.message import EmailMessage
from html import escape
from typing import Final

from anhuan.simbank import printing_files
from anhuan.simbank.printed import COLUMNS, Arrangement, Face, Printed, in_words

_STYLE: Final = "font-family:sans-serif;font-size:14px"
_RIGHT: Final = "text-align:right"


def html(bill: Printed, face: Face, *, changed: bool = False) -> str:
    """The bill as a page."""
    head, rows = (_new_head(bill), _new_rows(bill)) if changed else (_head(bill, face), _rows(bill, face))
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(bill.title)}</title></head>\n'
        f'<body style="{_STYLE}">\n<h1>{escape(bill.title)}</h1>\n'
        f"<p>尊敬的{escape(bill.holder)}，您好！以下是您的{escape(bill.bank_zh)}信用卡账单。</p>\n"
        f"<p>卡号 {escape(bill.card)}</p>\n{head}\n{rows}\n"
        f"<p>本账单由模拟银行生成，不涉及任何真实账户。</p>\n</body></html>\n"
    )


def eml(bill: Printed, face: Face, *, changed: bool = False) -> bytes:
    """The bill as a mail from the bank's own address; where the bank does so, the bill hangs on it as a PDF."""
    mail = EmailMessage()
    mail["From"] = f"estatement@creditcard.{bill.domain}"
    mail["To"] = bill.mailbox
    mail["Subject"] = f"{bill.bank_zh}信用卡电子账单-{bill.statement_on:%Y年%m月}"
    mail["Date"] = f"{bill.statement_on:%a, %d %b %Y} 09:00:00 +0800"
    mail["Message-ID"] = f"<{bill.statement_on:%Y%m%d}.{bill.number}.{bill.card[-4:]}.{bill.currency}@{bill.domain}>"
    if face.pdf_in_mail:
        mail.set_content("您好：本期信用卡电子账单见附件。\n", charset="utf-8", cte="base64")
        mail.add_attachment(
            printing_files.pdf(bill, face, changed=changed), maintype="application", subtype="pdf",
            filename=f"{bill.bank_zh}信用卡账单{bill.statement_on:%Y%m%d}.pdf",
        )  # fmt: skip
        mail.set_boundary(f"=={bill.domain}-{bill.statement_on:%Y%m%d}-{bill.card[-4:]}==")
    else:
        mail.set_content(html(bill, face, changed=changed), subtype="html", charset="utf-8", cte="base64")
    return mail.as_bytes()


def _head(bill: Printed, face: Face) -> str:
    shown = [(escape(label), escape(value)) for label, value in bill.head(face)]
    match face.arrangement:
        case Arrangement.PAIRS:
            cells = "".join(f"<tr><td>{label}</td><td>{value}</td></tr>\n" for label, value in shown)
            return f"<table>\n{cells}</table>"
        case Arrangement.COLUMNS:
            labels = "".join(f"<th>{label}</th>" for label, _ in shown)
            values = "".join(f"<td>{value}</td>" for _, value in shown)
            return f"<table>\n<tr>{labels}</tr>\n<tr>{values}</tr>\n</table>"
        case Arrangement.BLOCK:
            return "".join(f"<div>{label}</div><div><b>{value}</b></div>\n" for label, value in shown)


def _rows(bill: Printed, face: Face) -> str:
    heads = "".join(f"<th>{name}</th>" for name in COLUMNS)
    lines = [
        f"<tr><td>{traded.strftime(face.day)}</td><td>{posted.strftime(face.day)}</td><td>{escape(words)}</td>"
        f'<td style="{_RIGHT}">{escape(amount)}</td><td>{tail}</td></tr>\n'
        for traded, posted, words, amount, tail in bill.rows
    ]
    return f"<h2>账单明细</h2>\n<table>\n<tr>{heads}</tr>\n{''.join(lines)}</table>"


def _new_head(bill: Printed) -> str:
    """Scenario 35: one sentence instead of labels, days in words and without a year."""
    return (
        f"<p>请您在{in_words(bill.due_on)}之前存入 <b>{escape(bill.total_due)}</b>，"
        f"至少 <b>{escape(bill.minimum_due)}</b>。出账于{in_words(bill.statement_on)}。</p>"
    )


def _new_rows(bill: Printed) -> str:
    """Scenario 35: the amount comes first, the day last and in words."""
    lines = [
        f"<tr><td>{escape(amount)}</td><td>{escape(words)}</td><td>{in_words(posted)}</td></tr>\n"
        for _, posted, words, amount, _ in bill.rows
    ]
    return f"<table>\n{''.join(lines)}</table>"
