"""The books, the register and the channels of a demonstration in a real browser, on desktop and phone: no barrier."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.people import sign_in
from tests.web.conftest import PHONE, Open, Site, axe, no_sideways, shot
from tests.web.test_desk import at

from anhuan.cli import demo
from anhuan.identity import Role, demonstration
from anhuan.kit import terminal

pytestmark = pytest.mark.browser

WIDE = {"width": 1280, "height": 900}
HOLDER, RISK, FINANCE, OPERATIONS = (
    next(one.id for one in demonstration.PEOPLE if one.role is role)
    for role in (Role.HOLDER, Role.RISK, Role.FINANCE, Role.OPERATIONS)
)


@pytest.fixture
def shown(own_database: object, site: Site) -> Site:
    """The demonstration as `make run` fills it."""
    terminal.may("installer")(demo.prepare)()
    return site


def both(opened: Page, name: str) -> None:
    """No barrier and nothing sideways, wide and narrow, with a picture of each."""
    for size, word in ((WIDE, "wide"), (PHONE, "narrow")):
        opened.set_viewport_size(size)  # type: ignore[arg-type]
        assert axe(opened) == [], name
        no_sideways(opened)
        shot(opened, f"{name}-{word}")
    opened.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_books_of_a_demonstration_are_read_without_a_barrier(open_page: Open, shown: Site, lang: str) -> None:
    opened, _ = open_page("/sign-in", size=WIDE)
    opened.context.add_cookies([{"name": "lang", "value": lang, "url": shown.address}])
    at(opened, shown, sign_in(shown.engine, FINANCE, roles=[Role.FINANCE]), "/desk/ledger")
    both(opened, f"books-{lang}-accounts")
    opened.goto(f"{shown.address}/desk/ledger/house?unit=CNY/tracked&kind=transit&sub=bank_app")
    both(opened, f"books-{lang}-account")
    opened.locator("table tbody tr").first.locator("a").last.click()
    expect(opened.locator(".hash").first).to_be_visible()
    both(opened, f"books-{lang}-posting")
    reversed_row = opened.request.get(f"{shown.address}/desk/ledger/health")
    assert reversed_row.ok
    opened.goto(f"{shown.address}/desk/ledger/health")
    both(opened, f"books-{lang}-health")
    opened.goto(f"{shown.address}/desk/ledger/find?number=42")
    both(opened, f"books-{lang}-trouble")
    opened.goto(f"{shown.address}/desk")
    both(opened, f"books-{lang}-home")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_register_and_channels_are_read_without_a_barrier(open_page: Open, shown: Site, lang: str) -> None:
    opened, _ = open_page("/sign-in", size=WIDE)
    opened.context.add_cookies([{"name": "lang", "value": lang, "url": shown.address}])
    at(opened, shown, sign_in(shown.engine, OPERATIONS, roles=[Role.OPERATIONS]), "/desk/partners")
    both(opened, f"partners-{lang}-list")
    opened.locator("table tbody tr").nth(1).get_by_role("link").click()
    both(opened, f"partners-{lang}-entry")
    opened.goto(f"{shown.address}/desk/partners/new")
    both(opened, f"partners-{lang}-new")
    opened.goto(f"{shown.address}/desk/channels")
    both(opened, f"channels-{lang}-all")
    opened.goto(f"{shown.address}/desk/channels/simbank")
    both(opened, f"channels-{lang}-one")


def test_a_person_pays_by_hand_on_a_phone(open_page: Open, shown: Site) -> None:
    opened, _ = open_page("/repay/by-hand")
    assert axe(opened) == []
    shot(opened, "by-hand-list")
    opened.locator("a.row[href^='/repay/by-hand/']", has_text="待付款").first.click()
    assert axe(opened) == []
    no_sideways(opened)
    shot(opened, "by-hand-to-pay")
    opened.get_by_role("button", name="我已付款").click()
    expect(opened.get_by_role("heading", name="等下一张账单确认")).to_be_visible()
    assert axe(opened) == []
    shot(opened, "by-hand-marked")


def test_one_persons_accounts_open_from_the_persons_page(open_page: Open, shown: Site) -> None:
    opened, _ = open_page("/sign-in", size=WIDE)
    at(opened, shown, sign_in(shown.engine, RISK, roles=[Role.RISK]), f"/desk/people/{HOLDER}")
    opened.locator("textarea[name=reason]").fill("客户来电询问一笔还款去了哪里")
    opened.get_by_role("button", name="记录并查看").click()
    opened.get_by_role("link", name="查看账本里的账户").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("个人账户")
    both(opened, "books-person")
    opened.get_by_role("link", name="本人银行账户").click()
    expect(opened.locator("svg.curve")).to_be_visible()
    both(opened, "books-person-account")
    assert re.search(r"look=[0-9a-f-]{36}", opened.url)
