"""The whole way of a person in a real browser: import, board, card, plan, what if, calendar and paper."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from icalendar import Calendar
from playwright.sync_api import Page, expect
from tests.web import households
from tests.web.conftest import DESK, NARROW, NOW, Open, Site, no_sideways, shot

from anhuan import cards
from anhuan.kit import db as database
from anhuan.kit.ids import LOCAL_USER

pytestmark = pytest.mark.browser

DROP = """([selector, names, texts]) => {
  const held = new DataTransfer();
  names.forEach((name, n) => held.items.add(new File([texts[n]], name, {type: "message/rfc822"})));
  const zone = document.querySelector(selector);
  for (const kind of ["dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, {dataTransfer: held, bubbles: true, cancelable: true}));
  }
}"""


def import_files(page: Page, files: list[Path]) -> None:
    """Choose files, preview, confirm."""
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    page.get_by_role("button", name="确认导入").click()
    page.wait_for_url("**/import/history/*")


@pytest.mark.scope("S0-10", "S0-02")
def test_bills_dropped_on_the_page_are_previewed_stored_shown_and_taken_back(open_page: Open, tmp_path: Path) -> None:
    page, _ = open_page("/")
    expect(page.get_by_text("先添加一张信用卡")).to_be_visible()
    page.get_by_role("link", name="导入账单").click()
    files = households.mails(tmp_path, NOW)
    page.evaluate(DROP, ["[data-drop]", [one.name for one in files], [one.read_text() for one in files]])
    expect(page.locator("[data-chosen] li")).to_have_count(len(files))
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    expect(page.get_by_text("确认后会保存这些")).to_be_visible()
    expect(page.get_by_text("可以导入")).to_have_count(len(files))
    totals = page.locator("main section.card .big").all_inner_texts()
    shot(page, "preview")
    page.get_by_role("button", name="确认导入").click()
    page.wait_for_url("**/import/history/*")
    page.get_by_role("link", name="看待还列表").click()
    board = page.locator("main").inner_text()
    assert [total for total in totals if total.replace("\\n", "") not in board] == []
    page.go_back()
    page.get_by_role("button", name="整次撤销").click()
    expect(page.get_by_text("这次导入已撤销")).to_be_visible()
    page.goto(page.url.split("/import")[0] + "/")
    expect(page.get_by_text("先添加一张信用卡")).to_be_visible()


def test_the_same_file_again_changes_nothing(open_page: Open, tmp_path: Path) -> None:
    page, _ = open_page("/import")
    file = households.mails(tmp_path, NOW)[0]
    import_files(page, [file])
    page.goto(page.url.split("/import")[0] + "/import")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    expect(page.get_by_text("这次没有新内容")).to_be_visible()
    expect(page.get_by_role("button", name="确认导入")).to_have_count(0)


def test_a_file_nobody_can_read_says_so_and_stores_nothing(open_page: Open, tmp_path: Path) -> None:
    page, _ = open_page("/import")
    (tmp_path / "empty.pdf").write_bytes(b"")
    page.locator("input[type=file]").set_input_files(tmp_path / "empty.pdf")
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    expect(page.get_by_text("没有读出")).to_be_visible()
    expect(page.get_by_role("button", name="确认导入")).to_have_count(0)


def test_an_unknown_table_is_mapped_by_hand_and_then_read(open_page: Open, tmp_path: Path) -> None:
    page, _ = open_page("/import")
    table = tmp_path / "own.csv"
    rows = "".join(f"2026/11/{day:02d},小店{day},{day}.50\n" for day in range(1, 8))
    table.write_text("甲列,乙列,丙列\n" + rows, encoding="utf-8")
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_role("button", name="预览").click()
    page.wait_for_url("**/import/preview/*")
    expect(page.get_by_text("需要指定列")).to_be_visible()
    page.locator("select[name=traded_on]").select_option("甲列")
    page.locator("select[name=description]").select_option("乙列")
    page.locator("select[name=amount]").select_option("丙列")
    page.locator("select[name=spending]").select_option("positive")
    page.locator("input[name=files]").set_input_files(table)
    before = page.url
    page.get_by_role("button", name="记住并重新读取").click()
    page.wait_for_url(lambda url: "/import/preview/" in url and url != before)
    expect(page.get_by_text("可以导入")).to_be_visible()
    expect(page.get_by_text("新明细 7 笔")).to_be_visible()


@pytest.mark.scope("S3-06", "S0-03")
def test_a_card_page_says_what_a_part_payment_costs_before_it_is_paid(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page("/cards")
    page.get_by_role("link", name="工商银行 尾号 3096").click()
    expect(page.locator(".big").first).to_have_text("¥5,000.00")
    part = page.locator("#part")
    expect(part.get_by_text("只还最低")).to_be_visible()
    page.get_by_label("自定金额(元)").fill("4900")
    page.get_by_role("button", name="算一算").click()
    expect(part.get_by_text("¥4,900.00")).to_be_visible()
    expect(part.get_by_text("多付 ¥").first).to_be_visible()
    assert "part=" not in page.url  # htmx swapped the part alone
    page.get_by_label("自定金额(元)").fill("四千")
    page.get_by_role("button", name="算一算").click()
    expect(part.get_by_text("请填一个金额")).to_be_visible()


@pytest.mark.scope("S0-20", "S0-05")
def test_sliders_ask_the_server_again_and_can_be_undone(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page("/plan")
    expect(page.get_by_text("钱不够还齐所有最低还款")).to_be_visible()
    before = page.locator("#answer .big").first.inner_text()
    slider = page.locator("input[name=money]")
    slider.evaluate(
        "(slider) => { slider.value = slider.max; slider.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    expect(page.get_by_text("比原来少付")).to_be_visible()
    assert page.locator("#answer .big").first.inner_text() != before
    expect(page.get_by_text("钱不够还齐所有最低还款")).to_have_count(0)
    expect(page.locator("#more").get_by_text("笔还款")).to_be_visible()
    page.locator("select[name=skip]").select_option(label="工商银行 尾号 3096")
    expect(page.locator("#more").get_by_text("没有还清的")).to_be_visible()
    page.get_by_role("link", name="恢复").click()
    expect(page.locator("#answer .big").first).to_have_text(before)


@pytest.mark.scope("S3-22", "S0-24")
def test_the_plan_is_taken_away_as_calendar_and_as_paper(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/plan")
    with page.expect_download() as wanted:
        page.get_by_role("link", name="加入日历").click()
    calendar = Calendar.from_ical(Path(wanted.value.path()).read_bytes())
    events = [part for part in calendar.walk() if part.name == "VEVENT"]
    assert events
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert all(event["dtstart"].params["TZID"] == "Asia/Shanghai" for event in events)
    assert all("¥" not in str(event["summary"]) + str(event["description"]) for event in events)
    assert all(any(part.name == "VALARM" for part in event.walk()) for event in events)
    with page.expect_download() as wanted:
        page.get_by_role("link", name="存为 PDF").click()
    paper = pypdfium2.PdfDocument(io.BytesIO(Path(wanted.value.path()).read_bytes()))
    text = "".join(sheet.get_textpage().get_text_range() for sheet in paper)
    paper.close()
    cost = page.locator("#answer .big").first.inner_text().replace("\\n", "")
    assert "还款方案" in text
    assert f"总费用 {cost}" in text


def test_the_language_is_switched_and_kept(open_page: Open) -> None:
    page, _ = open_page("/me")
    page.get_by_role("button", name="English").first.click()
    expect(page.get_by_role("heading", name="Me", exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Add a credit card first")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_text("先添加一张信用卡")).to_be_visible()


def test_a_narrow_phone_keeps_the_last_digits_in_sight(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/", size=NARROW)
    cut = (
        "[...document.querySelectorAll('.row .what')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).length"
    )
    assert page.evaluate(cut) == 0
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("My cards")).to_be_visible()
    assert page.evaluate(cut) == 0
    expect(page.get_by_role("link", name="CCB 9490")).to_be_visible()


def test_amounts_are_hidden_on_wish(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page("/")
    expect(page.locator(".hero .big")).to_have_text("¥5,000.00")
    page.get_by_role("button", name="隐藏金额").click()
    expect(page.locator(".hero .big")).to_have_text("****")
    assert "¥" not in page.locator("main").inner_text()


def test_everything_needed_works_without_scripts(open_page: Open, site: Site, tmp_path: Path) -> None:
    page, _ = open_page("/import", scripts=False)
    import_files(page, households.mails(tmp_path, NOW))
    page.get_by_role("link", name="看待还列表").click()
    expect(page.locator(".hero .big")).to_be_visible()
    page.goto(site.address + "/me/money")
    page.get_by_label("卡号后四位").fill("0099")
    page.get_by_label("现在的余额(元)").fill("8000")
    page.get_by_role("button", name="添加").click()
    page.goto(site.address + "/plan")
    expect(page.get_by_text("这样还,总费用")).to_be_visible()
    page.get_by_role("button", name="重新计算").click()
    page.wait_for_url("**/plan?money=*")
    page.goto(site.address + "/cards")
    page.locator("a.row").first.click()
    page.get_by_label("自定金额(元)").fill("100")
    page.get_by_role("button", name="算一算").click()
    page.wait_for_url("**part=100*")
    expect(page.get_by_text("¥100.00").first).to_be_visible()


def test_own_money_income_and_channels_are_entered_and_removed(open_page: Open, site: Site) -> None:
    page, _ = open_page("/me/money")
    page.get_by_label("卡号后四位").fill("6222 0212 3456 0099"[-4:])
    page.get_by_label("现在的余额(元)").fill("12,000.50")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_text("¥12,000.50")).to_be_visible()
    page.goto(site.address + "/me/income")
    page.get_by_label("金额(元)").fill("9000")
    page.get_by_label("每月几号").fill("15")
    page.get_by_label("名字").fill("工资")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_text("每月 15 日")).to_be_visible()
    page.get_by_role("button", name="移除 工资").click()
    expect(page.get_by_text("还没有填写")).to_be_visible()
    page.goto(site.address + "/me/money")
    page.get_by_text("更新余额").click()
    page.get_by_role("button", name="移除这个账户").click()
    expect(page.get_by_text("还没有账户")).to_be_visible()


def test_a_card_is_added_named_grouped_and_put_away(open_page: Open, site: Site) -> None:
    page, _ = open_page("/cards/new")
    page.get_by_label("发卡银行").select_option("cmb")
    page.get_by_label("卡号后四位").fill("6214")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("heading", name="招商银行 尾号 6214")).to_be_visible()
    page.get_by_text("修改", exact=True).click()
    page.get_by_label("分组(可几个)").fill("家用 旅行")
    page.get_by_role("button", name="保存").nth(1).click()
    page.goto(site.address + "/cards?group=家用")
    expect(page.get_by_role("link", name="招商银行 尾号 6214")).to_be_visible()
    page.get_by_role("link", name="招商银行 尾号 6214").click()
    page.get_by_text("修改", exact=True).click()
    page.get_by_role("button", name="移除尾号 6214").click()
    expect(page.get_by_text("还没有卡片")).to_be_visible()


@pytest.mark.scope("S0-02")
def test_one_calendar_holds_statement_due_and_last_safe_days_of_all_cards(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page("/calendar")
    days = page.locator("section", has=page.get_by_role("heading", name="这个月的日子")).locator("li")
    expect(days).to_have_count(1)
    expect(days.first).to_contain_text("账单日")
    page.get_by_role("link", name="下个月").click()
    expect(days.filter(has_text="还款日")).not_to_have_count(0)
    expect(days.filter(has_text="最稳妥的最后一天")).to_have_count(1)
    expect(days.filter(has_text="推算").first).to_be_visible()  # the next statement is worked out, and says so


@pytest.mark.scope("S2-37", "S0-19")
def test_the_calculator_works_out_the_first_golden_case_step_by_step(open_page: Open) -> None:
    page, _ = open_page(
        "/education/late?amount=10000&paid=9900&posted_on=2026-03-10&statement_on=2026-04-05&due_on=2026-04-25"
        "&paid_on=2026-04-25&basis=full"
    )
    expect(page.locator(".big")).to_have_text("¥230.50")
    expect(page.locator(".steps li")).not_to_have_count(0)
    page.get_by_label("计息方式").select_option("unpaid")
    page.get_by_role("button", name="算一算").click()
    expect(page.locator(".big")).to_have_text("¥2.80")


@pytest.mark.scope("S2-37")
def test_the_true_rate_of_twelve_instalments_is_thirteen_percent(open_page: Open) -> None:
    page, _ = open_page("/education/instalment?amount=12000&periods=12&fee=0.6")
    expect(page.locator(".big")).to_have_text("13.03%")
    expect(page.get_by_text("¥1,072.00")).to_be_visible()
    expect(page.get_by_text("¥864.00")).to_be_visible()


def test_cards_that_share_a_limit_count_it_once(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
    page, _ = open_page("/cards")
    limits = page.locator("section", has=page.get_by_role("heading", name="额度", exact=True)).locator("li")
    before = limits.count()
    page.get_by_text("几张卡共用一个额度?").click()
    for name in limits.locator(".what").all_inner_texts()[:2]:
        page.get_by_role("checkbox", name=name).check()
    page.get_by_label("给这个额度起个名字(可不填)").fill("家里的额度")
    page.get_by_role("button", name="保存").click()
    expect(limits.get_by_text("家里的额度")).to_be_visible()
    expect(limits).to_have_count(before - 1)
    page.get_by_role("button", name="拆开").click()
    expect(limits).to_have_count(before)


def test_a_term_from_the_contract_loses_its_mark_of_doubt(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.poor_household(db, NOW)
    page, _ = open_page("/cards")
    page.locator("a.row").first.click()
    row = page.locator("details", has=page.get_by_text("日利率")).first
    expect(row.get_by_text("通常值")).to_be_visible()
    row.locator("summary").click()
    row.locator("input[name=value]").fill("0.045")
    row.get_by_role("button", name="按合同保存").click()
    row = page.locator("details", has=page.get_by_text("日利率")).first
    expect(row.get_by_text("0.045%")).to_be_visible()
    expect(row.get_by_text("通常值")).to_have_count(0)


STRANGER = "01900000-0000-7000-8000-00000000ffff"


@pytest.mark.parametrize(
    "path", [f"/cards/{STRANGER}", f"/import/preview/{STRANGER}", f"/import/history/{STRANGER}", "/nowhere"]
)
def test_what_is_not_yours_is_not_there(site: Site, open_page: Open, path: str) -> None:
    page, _ = open_page("/me")
    answer = page.goto(site.address + path)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="没有找到")).to_be_visible()
    said = page.locator("main").inner_text()
    assert "there is no" not in said, "a refusal in English reached a Chinese page"
    assert re.search(r"编号 [0-9A-F]{8} · [a-z]+\.[a-z_0-9]+", said), "the number and the code to quote"


def test_a_form_with_a_foreign_token_changes_nothing(site: Site, open_page: Open) -> None:
    page, _ = open_page("/me/money")
    page.locator("form[action='/me/money'] input[name=csrf]").first.evaluate(
        "(field) => { field.value = '00'.repeat(64) }"
    )
    page.get_by_label("卡号后四位").fill("0099")
    page.get_by_label("现在的余额(元)").fill("1")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_text("这个表单已失效")).to_be_visible()
    page.goto(site.address + "/me/money")
    expect(page.get_by_text("还没有账户")).to_be_visible()


@pytest.mark.scope("S0-23")
def test_sixty_cards_are_grouped_searched_and_counted(open_page: Open, site: Site) -> None:
    with database.transaction() as db:
        households.sixty_bills(db, NOW)
    page, _ = open_page("/")
    expect(page.locator("a.row")).to_have_count(60)
    page.locator("[data-filter]").fill("1007")
    expect(page.locator("a.row:visible")).to_have_count(1)
    no_sideways(page)


Check = Callable[[Page], None]


@pytest.mark.parametrize("size", [NARROW, None, DESK], ids=["360", "390", "1440"])
def test_no_page_scrolls_to_the_side(open_page: Open, site: Site, size: dict[str, int] | None) -> None:
    with database.transaction() as db:
        households.demo_household(db, NOW)
        card = str(cards.accounts(db, LOCAL_USER)[0].account_id)
    page, _ = open_page("/", size=size)
    for path in ("/", "/cards", f"/cards/{card}", "/cards/new", "/plan", "/import", "/import/health", "/calendar",
                 "/me", "/me/money", "/me/income", "/education/late", "/education/instalment"):  # fmt: skip
        page.goto(site.address + path)
        no_sideways(page)
