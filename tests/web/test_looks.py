"""What good looks like, as far as a machine can tell: no barrier by WCAG A and AA, few bytes, nothing cut or hidden."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect
from tests.web import households
from tests.web.conftest import DESK, NARROW, NOW, Open, Site, Watch, axe, no_sideways, shot

from anhuan import cards
from anhuan.kit import db as database
from anhuan.kit import wall
from anhuan.kit.ids import LOCAL_USER

pytestmark = pytest.mark.browser

PAGES = (
    *("/", "/cards", "/cards/new", "/plan", "/import", "/import/health", "/calendar"),
    *("/me", "/me/money", "/me/income", "/education/late", "/education/instalment", "/nowhere"),
)
TROUBLES = (
    *("/", "/plan", "/plan?money=-50&income=-100", "/calendar?month=2027-02"),
    *("/education/late?paid=zz", "/education/instalment?fee=zz"),
)
BYTES = 90_000  # of a phone page with all it needs, packed, nothing cached (web.md, section 1)
REQUESTS = 6


def card_path() -> str:
    """The page of the first card of the household."""
    with database.transaction() as db:
        wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
        return f"/cards/{cards.accounts(db, LOCAL_USER)[0].account_id}"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_of_a_household_has_a_barrier(open_page: Open, site: Site, lang: str) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/me")
    page.context.add_cookies([{"name": "lang", "value": lang, "url": site.address}])
    card = card_path()
    for path in (*PAGES, card, f"{card}?part=100"):
        page.goto(site.address + path)
        open_details(page)
        assert axe(page) == [], path
        no_sideways(page)
        shot(page, f"{lang}{path.replace('/', '-').split('?')[0][:24]}")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_barrier_on_first_use(open_page: Open, path: str) -> None:
    page, _ = open_page(path)
    assert axe(page) == []


@pytest.mark.parametrize("path", TROUBLES)
def test_no_state_of_trouble_has_a_barrier(open_page: Open, site: Site, path: str) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page(path)
    open_details(page)
    assert axe(page) == []
    shot(page, "poor" + path.replace("/", "-").split("?")[0])


def test_no_preview_has_a_barrier_whatever_the_files_are(open_page: Open, tmp_path: Path) -> None:
    page, _ = open_page("/import")
    files = households.mails(tmp_path, NOW)
    (tmp_path / "empty.pdf").write_bytes(b"")
    (tmp_path / "own.csv").write_text("甲列,乙列,丙列\n2026/11/01,小店,1.50\n2026/11/02,小店,2.50\n", encoding="utf-8")
    page.locator("input[type=file]").set_input_files([*files, tmp_path / "empty.pdf", tmp_path / "own.csv"])
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    open_details(page)
    assert axe(page) == []
    no_sideways(page)
    page.get_by_role("button", name="确认导入").click()
    page.wait_for_url("**/import/history/*")
    assert axe(page) == []


@pytest.mark.parametrize("path", ["/", "/cards", "/plan", "/import", "/me"])
def test_a_phone_page_is_light(open_page: Open, site: Site, path: str) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, watch = open_page(path)
    page.wait_for_load_state("networkidle")
    wire = sum(size_of(answer) for answer in watch.responses)
    assert wire <= BYTES * 1.1, f"{path}: {wire} bytes"
    assert len(watch.responses) <= REQUESTS, [answer.url for answer in watch.responses]


def size_of(answer: Response) -> int:
    """Bytes of one answer on the wire, head lines included."""
    sizes = answer.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def test_static_files_are_kept_for_ever_and_pages_never(open_page: Open) -> None:
    _, watch = open_page("/")
    for answer in watch.responses:
        kept = answer.headers["cache-control"]
        assert kept == ("public, max-age=31536000, immutable" if "/static/" in answer.url else "no-store"), answer.url


@pytest.mark.parametrize("size", [None, NARROW], ids=["390", "360"])
def test_amount_day_and_button_stand_in_the_first_view(
    open_page: Open, site: Site, size: dict[str, int] | None
) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/", size=size)
    for part in (
        page.locator(".hero .big"),
        page.locator(".hero .line2"),
        page.get_by_role("link", name="立即还款"),
    ):
        expect(part).to_be_in_viewport(ratio=1)


def test_the_longest_amount_stays_on_one_line(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
        bill = cards.due_board(db, LOCAL_USER, on=NOW.date()).entries[0].bill
        facts = cards.BillFacts(
            bank="icbc", currency="CNY", total_due=123_456_789, minimum_due=12_345_679, cards=("3096",),
            statement_on=bill.statement_on, due_on=(bill.due_on or NOW.date()) + timedelta(days=1),
        )  # fmt: skip
        cards.record_bill(db, LOCAL_USER, facts, now=NOW)
    page, _ = open_page("/", size=NARROW)
    for place in (page.locator(".hero .big"), page.locator(".row .num").first):
        assert place.evaluate("(one) => one.getClientRects().length") == 1
    expect(page.locator(".row .num").first).to_have_text("¥1,234,567.89")
    no_sideways(page)


def test_touch_targets_are_large_enough(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/")
    small = page.evaluate(
        "[...document.querySelectorAll('button, .btn, a.row, .tabs a, summary, input:not([type=hidden]), select')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 47.5).map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []


def test_a_keyboard_reaches_the_content_first(open_page: Open) -> None:
    page, _ = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("跳到正文")).to_be_focused()


def test_the_desk_shows_the_same_in_two_columns(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/", size=DESK)
    hero, rows = page.locator(".hero").bounding_box(), page.locator("a.row").first.bounding_box()
    assert hero is not None
    assert rows is not None
    assert rows["x"] > hero["x"] + hero["width"]
    assert axe(page) == []
    shot(page, "desk-home")


def open_details(page: Page) -> None:
    """Unfold everything that can be unfolded, so that nothing escapes the look."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def test_the_watch_would_notice_a_violation(open_page: Open) -> None:
    page, watch = open_page("/")
    page.evaluate(
        "new Promise(told => { addEventListener('securitypolicyviolation', told, {once: true});"
        " document.body.setAttribute('style', 'color: red') }).then(() => anhuanViolation('that was all'))"
    )
    assert isinstance(watch, Watch)
    assert [said for said in watch.violations if said.startswith("style-src")]
    watch.violations.clear()
    watch.complaints.clear()
