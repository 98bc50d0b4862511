"""Receipts: what a paper says and proves at each stage, in both languages, the same facts as the same bytes."""

import re

import pypdfium2
import pytest
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards
from anhuan.repayments import OrderView, receipts, screen_orders, views
from anhuan.repayments.receipts import Receipt

__all__ = ["clean", "home", "house"]


def receipt(home: Home, order: OrderView, lang: str = "zh") -> tuple[Receipt, bytes]:
    """The receipt as the page asks for it, and its paper."""
    with home.rows() as db:
        found = views.find(db, home.party, order.order_id)
        progress = screen_orders.progress_of(db, home.party, found, today=home.clock().date(), lang=lang)
        made = receipts.receipt_of(db, home.party, progress, lang=lang)
        return made, receipts.pdf(made, at=receipts.last_of(progress))


def text_of(paper: bytes) -> str:
    """What can be selected on the paper, without breaks."""
    document = pypdfium2.PdfDocument(paper)
    said = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return re.sub(r"\s+", "", said)


def rows_of(made: Receipt, title: str) -> dict[str, str]:
    return dict(next(part.rows for part in made.parts if part.title == title))


@pytest.mark.scope("S0-40")
def test_until_bank_data_show_it_the_paper_is_no_receipt_and_says_so(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    made, paper = receipt(home, order)
    assert made.title == "还款进度单"
    assert "渠道说已付,等银行入账" in made.stand
    said = text_of(paper)
    assert "不证明钱已到卡" in said
    assert "还款回单" not in said.replace("才出具还款回单", "")
    assert receipt(home, order, "en")[0].title == "Progress of a repayment"


@pytest.mark.scope("S0-40", "S3-02")
def test_a_receipt_names_both_ends_masked_every_stage_the_proof_and_the_postings(home: Home) -> None:
    [order] = home.tap()
    home.deliver(order)
    home.prove(order)
    made, paper = receipt(home, order)
    assert (made.title, made.amount) == ("还款回单", "¥1,000.00")
    paid = rows_of(made, "付款")
    assert (paid["付款账户"], paid["还到"]) == ("工商银行 尾号 1024", "招商银行 尾号 6214")
    assert paid["合计扣款"] == paid["到卡金额"] == "¥1,000.00"
    assert paid["渠道回执号"].startswith("R")
    assert "card-6214" not in str(made), "what the channel calls the card is nobody's business"
    assert list(rows_of(made, "每一步").values())[-1:] == ["已到账"]
    evidence = " ".join(rows_of(made, "凭证与往来消息").values())
    assert re.search(r"付款的回答 · SHA-256 [0-9a-f]{16}…", evidence) or "银行文件" in evidence
    books = rows_of(made, "账本凭证")
    assert sum("¥1,000.00" in said for said in books.values()) >= 2, "taken and arrived, each a posting with its id"
    assert "签名" in books["签名根"]
    said = text_of(paper)
    for fact in ("还款回单", "¥1,000.00", "招商银行尾号6214", str(order.order_id)[:8], "本回单证明"):
        assert fact in said


def test_the_same_facts_make_the_same_bytes_and_text_is_never_markup(home: Home) -> None:
    with home.rows() as db:
        cards.set_account(db, home.party, "icbc", "1024", label="#pagebreak() *x* $1$")
    [order] = home.tap()
    first, again = receipt(home, order)[1], receipt(home, order)[1]
    home.clock.pass_(hours=5)
    assert first == again == receipt(home, order)[1]
    assert len(pypdfium2.PdfDocument(first)) == 1
