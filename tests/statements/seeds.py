"""Small files of every kind a reader knows: what fuzzers start from."""

import io
import zipfile
from collections.abc import Iterator

from tests.statements.files_pdf import placed
from tests.statements.test_foreign import CAMT, MT940, OLD, SGML
from tests.statements.test_pdf import ROWS, head
from tests.statements.test_tabular import FOREIGN_CARD, STRANGE
from tests.statements.test_wallets import ALIPAY, JD, MEITUAN, WECHAT


def texts() -> Iterator[bytes]:
    """Files that are read in this process."""
    yield from (
        text.encode() for text in (WECHAT, JD.replace("{refund}", "90.00"), MEITUAN, FOREIGN_CARD, STRANGE, SGML)
    )
    yield ALIPAY.encode("gb18030")
    yield MT940.format(closing="1299,00").encode()
    yield CAMT.format(closing="4.20", **OLD).encode()
    yield b"05/01/2023,SHOP A,1.96,,98.04\n05/01/2023,SHOP B,12.10,,85.94\n05/03/2023,EMPLOYER,,50.00,135.94\n"
    yield b"<html><table><tr><th>Date</th><th>Amount</th></tr><tr><td>2024-01-02</td><td>3.00</td></tr></table></html>"
    yield b"From: a@example.com\nSubject: hello\nMIME-Version: 1.0\nContent-Type: text/html\n\n<p>hello</p>\n"


def packed() -> Iterator[bytes]:
    """Files that are opened in the limited process."""
    yield placed([head() + ROWS])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.csv", FOREIGN_CARD)
    yield out.getvalue()
