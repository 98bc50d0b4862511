"""A bill says the same whatever its HTML, its characters and its wrapping look like."""

import html
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from quopri import encodestring
from types import ModuleType
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.statements import fixtures_mail, fixtures_mail_more
from tests.statements.mail_checks import pages_of
from tests.statements.shapes_mail import SHAPES, Letter, mail, nested, plain, wrap

from anhuan.kit.errors import Refused
from anhuan.statements.mail import read_html, read_mail
from anhuan.statements.model import Bill, Reading


def _letters(*modules: ModuleType) -> dict[str, Callable[[], Letter]]:
    return {
        name: made
        for module in modules
        for name, made in vars(module).items()
        if callable(made) and getattr(made, "__annotations__", {}).get("return") is Letter
    }


LETTERS: Final = _letters(fixtures_mail, fixtures_mail_more)
IN_HTML: Final = [name for name, made in LETTERS.items() if made().pdf is None]
_TEXT: Final = re.compile(r"(?<=>)[^<>]+(?=<)")
_CELL: Final = re.compile(r"</?(?:table|tbody|tr|td)\b[^>]*>")


def _in_text(page: str, change: Callable[[str], str]) -> str:
    """Change the words between the tags, not the tags."""
    return _TEXT.sub(lambda words: html.escape(change(html.unescape(words[0])), quote=False), page)


def minified(page: str) -> str:
    """No blank between tags, none around words."""
    return re.sub(r">\s*(.*?)\s*<", r">\1<", page, flags=re.S)


def as_divs(page: str) -> str:
    """Tables become divs in divs."""
    return _CELL.sub(lambda tag: "</div>" if tag[0][1] == "/" else '<div style="float:left">', page)


def as_breaks(page: str) -> str:
    """Nothing but words and line breaks."""
    return re.sub(r"<(?!br)[^>]+>", "", re.sub(r"</(?:td|tr|p|div)>", "<br/>", page))


def as_headed_tables(page: str) -> str:
    """Capital tags, th for td, attributes with a > in them, comments and Word's own tags between."""
    page = re.sub(
        r"<td\b[^>]*>", "<TH title=\"a>b\" VALIGN=top><o:p></o:p><!-- <td>9.99</td> --><FONT face='宋体'>", page
    )
    return page.replace("</td>", "</FONT></TH>").replace("<tr>", '<TR onclick="if(a>b)c()">')


def with_spacers(page: str) -> str:
    """An empty cell before each cell, as designers keep distance."""
    return page.replace("<td", '<td width="10">&nbsp;</td><td')


def in_paragraphs(page: str) -> str:
    """Each cell's words in a paragraph and a span of their own."""
    return re.sub(r"(<td\b[^>]*>)(.*?)(</td>)", r"\1<p><span><b>\2</b></span></p>\3", page, flags=re.S)


def without_closing_tags(page: str) -> str:
    """Old HTML: nobody closes a cell, a row or a paragraph."""
    return re.sub(r"</(?:td|tr|p)>", "", page)


def hard_blanks(page: str) -> str:
    """Every blank is a hard one, and more of them stand around each cell."""
    return _in_text(page, lambda words: "\xa0" + words.replace(" ", "\xa0") + "\u3000")


def full_width_signs(page: str) -> str:
    """Colons, brackets, dollars and minus signs as Chinese keyboards write them."""
    return _in_text(page, lambda words: words.translate(str.maketrans(":()$-", "：（）＄－")))


def full_width_digits(page: str) -> str:
    """Digits and points of full width."""
    wide = str.maketrans("0123456789.,/", "０１２３４５６７８９．，／")
    return _in_text(page, lambda words: words.translate(wide) if re.search(r"\d", words) else words)


def half_width_yen(page: str) -> str:
    """The other sign of the yuan."""
    return page.replace("￥", "&yen;")


def invisible_signs(page: str) -> str:
    """Zero-width blanks and byte order marks between the characters."""
    return _in_text(page, lambda words: "\ufeff" + "\u200b".join(words))


def broken_lines(page: str) -> str:
    """The words of a cell on lines of their own, as editors fold long lines."""
    return _in_text(page, lambda words: words.replace(" ", "\r\n        "))


def inline_cells(page: str) -> str:
    """Cells that are mere spans, one against the other."""
    page = re.sub(r"<td\b[^>]*>\s*(.*?)\s*</td>", r'<span class="cell">\1</span>', page, flags=re.S)
    return re.sub(r"</tr>", "<br>", page)


DRESSES: Final = {
    dress.__name__: dress
    for dress in (
        minified, as_divs, as_breaks, as_headed_tables, with_spacers, in_paragraphs, without_closing_tags, hard_blanks,
        full_width_signs, full_width_digits, half_width_yen, invisible_signs, broken_lines, inline_cells,
    )
}  # fmt: skip


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("name", IN_HTML)
def test_the_dress_of_a_bill_changes_nothing_it_says(name: str, dress: str) -> None:
    letter = LETTERS[name]()
    assert _said(_read(wrap(letter, DRESSES[dress](nested(letter))))) == _said(_read(mail(letter)))


@pytest.mark.parametrize("shape", [*SHAPES, "plain"])
@pytest.mark.parametrize("name", IN_HTML)
def test_the_shape_of_a_bill_changes_nothing_it_says(name: str, shape: str) -> None:
    letter = LETTERS[name]()
    assert _said(_read(mail(letter, shape))) == _said(_read(mail(letter)))


WRAPPINGS: Final[dict[str, Callable[[Letter], bytes]]] = {
    "gbk in base64": lambda letter: mail(letter, charset="gbk"),
    "gb2312 in quoted-printable": lambda letter: mail(letter, charset="gb2312", encoding="quoted-printable"),
    "gb18030 as it is": lambda letter: mail(letter, charset="gb18030", encoding="8bit"),
    "utf-8 in quoted-printable": lambda letter: mail(letter, encoding="quoted-printable"),
    "gbk under an empty charset": lambda letter: wrap(letter, nested(letter), charset="gbk", says=""),
    "gbk that claims utf-8": lambda letter: wrap(letter, nested(letter), charset="gbk", says="utf-8"),
    "utf-8 that claims gb2312": lambda letter: wrap(letter, nested(letter), says="gb2312"),
    "utf-8 under an unknown charset": lambda letter: wrap(letter, nested(letter), says="x-unknown"),
    "a message inside a part": lambda letter: _twice(letter),
    "an idle text beside the HTML": lambda letter: _beside(letter, "您的邮件客户端不支持 HTML。", nested(letter)),
    "a full text beside the HTML": lambda letter: _beside(letter, plain(letter), nested(letter)),
    "a full text beside an idle HTML": lambda letter: _beside(letter, plain(letter), "<p>请查看账单。</p>"),
    "lines without carriage returns": lambda letter: mail(letter).replace(b"\r\n", b"\n"),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("name", IN_HTML)
def test_the_wrapping_of_a_bill_changes_nothing_it_says(name: str, wrapping: str) -> None:
    letter = LETTERS[name]()
    assert _said(_read(WRAPPINGS[wrapping](letter))) == _said(_read(mail(letter)))


@pytest.mark.parametrize("name", IN_HTML)
def test_a_saved_page_says_the_same_with_less_confidence(name: str) -> None:
    letter = LETTERS[name]()
    saved = read_html(nested(letter).encode("gb18030"), f"{letter.subject}.html")
    mailed = _read(mail(letter))
    assert mailed is not None
    assert [_bill(bill)[:6] for bill in saved.bills] == [_bill(bill)[:6] for bill in mailed.bills]
    assert all(saved.bills[at].confidence[name] < sure for at, bill in enumerate(mailed.bills)
               for name, sure in bill.confidence.items())  # fmt: skip


@pytest.mark.parametrize("name", IN_HTML)
def test_a_bill_cut_short_at_any_place_is_read_or_refused_and_nothing_else(name: str) -> None:
    whole = mail(LETTERS[name]())
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        _read(whole[:cut], may_be_refused=True)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_bill_torn_and_patched_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    letter = LETTERS[data.draw(st.sampled_from(IN_HTML))]()
    page = SHAPES[data.draw(st.sampled_from(sorted(SHAPES)))](letter)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(page)))
        end = data.draw(st.integers(start, min(len(page), start + 80)))
        patch = data.draw(st.one_of(st.text(max_size=12), st.sampled_from(_PATCHES)))
        page = page[:start] + patch + page[end:]
    _read(wrap(letter, page.encode("utf-8", "ignore").decode()), may_be_refused=True)


_PATCHES: Final = (
    "", "0", "9" * 30, "2026/02/30", "99.999", "￥", "-", "00000000", "********1234", "13/45", "（）", "</table>",
    "<td", "&#0;", "&#x110000;", "本期应还款额", "账单日", "到期还款日", "每月31日", "无欠款", "---", "JPY 1.5",
    "2026年2月29日",
)  # fmt: skip


def _twice(letter: Letter) -> bytes:
    head, _, _ = mail(letter).partition(b"Content-Type")
    inner = b64encode(mail(letter, charset="gbk"))
    start = (
        b'Content-Type: multipart/mixed; boundary="outer"\r\n\r\n--outer\r\nContent-Type: text/html; charset="gbk"\r\n'
    )
    return head + start + b"Content-Transfer-Encoding: base64\r\n\r\n" + inner + b"\r\n--outer--\r\n"


def _beside(letter: Letter, text: str, page: str) -> bytes:
    head, _, _ = mail(letter).partition(b"Content-Type")
    start = b'Content-Type: multipart/alternative; boundary="edge"\r\n\r\n'
    parts = b"".join(
        b"--edge\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n"
        % (kind, encodestring(words.encode()))
        for kind, words in ((b"plain", text), (b"html", page))
    )
    return head + start + parts + b"--edge--\r\n"


def _read(data: bytes, *, may_be_refused: bool = False) -> Reading | None:
    try:
        return read_mail(data, pages_of=pages_of)
    except Refused:
        if not may_be_refused:
            raise
        return None


def _said(reading: Reading | None) -> tuple[object, ...]:
    """What a reading says, without where it stood and how sure it is; words by their characters alone."""
    assert reading is not None
    rows = [
        (line.traded_on, line.posted_on, line.amount, line.currency, line.card, line.kind, line.original,
         line.instalment, _bare(line.description))
        for line in reading.lines
    ]  # fmt: skip
    codes = sorted(problem.code for problem in reading.problems)
    return (
        reading.bank,
        reading.kind,
        reading.template,
        reading.complete,
        [_bill(bill) for bill in reading.bills],
        rows,
        codes,
    )


def _bill(bill: Bill) -> tuple[object, ...]:
    return (bill.currency, bill.total_due, bill.minimum_due, bill.statement_on, bill.due_on, bill.cards,
            bill.credit_limit, bill.level, bill.cycle_from, bill.cycle_to, bill.inferred)  # fmt: skip


def _bare(words: str) -> str:
    return re.sub(r"[\s\u200b\ufeff]", "", unicodedata.normalize("NFKC", words))
