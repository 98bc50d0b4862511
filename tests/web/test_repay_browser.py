"""Repaying in a real browser: from the first page to the proof on the card, by a sheet, and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect
from tests.web.conftest import DESK, NARROW, Open, Site, axe, no_sideways, shot
from tests.web.shops import Shop, open_shop
from tests.web.test_signin import joined

from anhuan.repayments import OrderStatus

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(site: Site) -> Iterator[Shop]:
    with open_shop(site.moment) as made:
        yield made


def confirm(page: Page) -> None:
    page.get_by_role("button", name="验证并还款").click()
    page.get_by_role("button", name="用面容或指纹确认").click()
    page.wait_for_url("**/repay/group/*")


@pytest.mark.scope("S3-01", "S3-02", "S3-03", "S2-29")
def test_a_bill_is_repaid_in_three_taps_and_followed_to_the_card(open_page: Open, site: Site, shop: Shop) -> None:
    page, _ = joined(open_page, site)
    page.goto(site.address + "/")
    page.get_by_role("link", name="立即还款").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_role("heading", name="确认还款")).to_be_focused()
    expect(dialog.get_by_text("仅从您本人账户付至您本人信用卡")).to_be_in_viewport()
    shot(page, "repay-sheet")
    assert axe(page) == []
    confirm(page)
    expect(page.get_by_role("heading", name="已受理,钱在路上")).to_be_visible()
    page.get_by_role("link", name="看进度").click()
    expect(page.locator(".timeline .now")).to_contain_text("银行受理")
    [order] = shop.orders()
    shop.deliver(order)
    expect(page.locator(".timeline .now")).to_contain_text("入账待确认")  # the page asked by itself
    shop.prove(order)
    page.get_by_role("link", name="刷新").click()
    expect(page.locator(".timeline li").last).to_contain_text("已到账")
    shot(page, "repay-arrived")
    assert axe(page) == []
    page.get_by_role("link", name="回单").click()
    expect(page.get_by_role("heading", name="还款回单")).to_be_visible()
    assert axe(page) == []
    with page.expect_download() as taken:
        page.get_by_role("link", name="存为 PDF").click()
    assert taken.value.suggested_filename.endswith(".pdf")


@pytest.mark.scope("S3-06", "S0-43")
def test_the_sheet_follows_each_choice_and_closes_without_a_trace(open_page: Open, site: Site, shop: Shop) -> None:
    page, _ = joined(open_page, site)
    page.goto(f"{site.address}/cards/{shop.account_id}")
    page.get_by_role("link", name="还款", exact=True).click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_role("radio", name="最低").check()
    expect(sheet.locator(".big")).to_have_text("¥1,286.05")
    expect(sheet.get_by_text("我已看到这笔费用")).to_be_visible()
    sheet.get_by_label("自定(元)", exact=True).fill("5000")
    sheet.get_by_label("自定(元)", exact=True).blur()
    expect(sheet.locator(".big")).to_have_text("¥5,000.00")
    expect(sheet.get_by_role("button", name="验证并还款 ¥5,000.00")).to_be_enabled()
    sheet.get_by_role("button", name="验证并还款").click()
    expect(page.get_by_role("alert").first).to_contain_text("请先勾选")
    page.goto(f"{site.address}/cards/{shop.account_id}")
    page.get_by_role("link", name="还款", exact=True).click()
    expect(page.locator("dialog[open] .big")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("link", name="还款", exact=True)).to_be_focused()
    assert shop.orders() == []


def test_a_tap_before_the_script_is_there_leads_to_the_sheet_as_a_page(open_page: Open, site: Site, shop: Shop) -> None:
    page, _ = open_page("/calendar")
    held: list[Route] = []
    page.route("**/anhuan.*.js", lambda one: one.continue_() if held else held.append(one))
    page.goto(site.address + "/", wait_until="commit")
    link = page.get_by_role("link", name="立即还款")
    expect(link).to_be_visible()
    page.wait_for_function("performance.getEntriesByType('resource').some(one => one.name.includes('htmx'))")
    assert len(held) == 1, "the script is still on its way"
    link.click()
    page.wait_for_url(f"**/repay/{shop.account_id}")
    expect(page.get_by_role("heading", name="确认还款")).to_be_visible()


def test_a_sheet_that_the_network_drops_comes_as_a_page(open_page: Open, site: Site, shop: Shop) -> None:
    page, watch = open_page("/")
    page.route(
        "**/repay/*", lambda asked: asked.abort() if "hx-request" in asked.request.headers else asked.continue_()
    )
    page.get_by_role("link", name="立即还款").click()
    page.wait_for_url(f"**/repay/{shop.account_id}")
    expect(page.get_by_role("heading", name="确认还款")).to_be_visible()
    assert watch.complaints, "the browser tells its console of the request that was dropped"
    watch.complaints.clear()


def test_everything_works_without_scripts(open_page: Open, site: Site, shop: Shop) -> None:
    page, _ = open_page(f"/repay/{shop.account_id}", scripts=False)
    page.get_by_role("radio", name="最低").check()
    page.get_by_role("button", name="按上面的选择更新").click()
    expect(page.locator(".big")).to_have_text("¥1,286.05")
    page.get_by_label("自定(元)", exact=True).fill("2000")
    page.get_by_role("button", name="验证并还款").click()
    expect(page.get_by_role("alert").first).to_contain_text("内容有变")
    expect(page.locator(".big")).to_have_text("¥2,000.00")


def test_the_states_a_person_meets_are_drawn_for_every_eye(open_page: Open, site: Site, shop: Shop) -> None:
    page, _ = joined(open_page, site)
    page.goto(site.address + "/repay/orders")
    expect(page.get_by_text("还没有还款")).to_be_visible()
    page.goto(f"{site.address}/repay/{shop.account_id}?rule=custom&amount=99999")
    assert axe(page) == []
    page.goto(f"{site.address}/repay/{shop.account_id}")
    confirm(page)
    shop.bank.next.append("no:insufficient_funds")
    shop.deliver(shop.orders()[0])
    assert shop.orders()[0].status is OrderStatus.FAILED
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for path in ("/", "/repay", f"/repay?accounts={shop.account_id},{shop.other_id}", "/me/bindings",
                 f"/repay/orders/{shop.orders()[0].order_id}"):  # fmt: skip
        page.goto(site.address + path)
        no_sideways(page)
        assert axe(page) == [], path
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.get_by_role("button", name="English").click()
    page.goto(f"{site.address}/repay/{shop.account_id}")
    expect(page.get_by_role("heading", name="Confirm the repayment")).to_be_visible()
    no_sideways(page)
    page.goto(site.address + "/repay/orders")
    expect(page.get_by_text("The money never left your account")).to_be_visible()
