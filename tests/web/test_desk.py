"""The console in a real browser: only what the role may, four eyes from form to form, no barrier."""

import pytest
from playwright.sync_api import Page, expect
from tests.identity.desk import NOW, WHY, a_person, at_desk, at_home, me, signed
from tests.people import sign_in
from tests.web.conftest import DESK, PHONE, Open, Site, axe, no_sideways, shot
from tests.web.test_signin import joined

from anhuan.identity import Role, clients, freezing, grants, sessions
from anhuan.kit import ids, page
from anhuan.kit.actors import Actor, Strength

pytestmark = pytest.mark.browser

ADMIN = Role.ADMINISTRATOR
BYTES = 280_000  # of a console page with all it needs, packed, nothing cached (web.md, section 1)
ENTRIES = {
    Role.RISK: ["今日", "用户", "变更复核", "账本", "还款单", "熔断与停用", "渠道", "持牌登记", "会话", "系统状况"],
    Role.CONTENT: ["今日", "协议文本"],
    Role.AUDITOR: [
        *("今日", "变更复核", "角色", "接口客户", "账本", "还款单", "渠道", "持牌登记", "协议文本", "审计日志"),
        "系统状况",
    ],
    ADMIN: ["今日", "用户", "变更复核", "角色", "接口客户", "渠道", "持牌登记", "会话", "协议文本", "系统状况"],
}


def at(opened: Page, site: Site, cookie: str, path: str) -> None:
    """Come as somebody else to a page."""
    name, value = cookie.split("=", 1)
    secure = site.address.replace(
        "http://", "https://"
    )  # the browser takes a __Host- cookie for localhost all the same
    opened.context.add_cookies([{"name": name, "value": value, "url": secure, "secure": True, "httpOnly": True}])
    opened.goto(site.address + path)


def cookie_of(who: Actor) -> str:
    """A fresh session of somebody, as a cookie."""
    with at_home(who) as db:
        token = sessions.open_session(db, me(who), strength=Strength.PASSKEY, now=NOW, device="Chrome on Windows")
    return f"{page.SESSION_COOKIE}={token}"


def filled_house() -> tuple[Actor, Actor, Actor]:
    """A house with something on every page: two administrators and a risk officer among others."""
    one, other, risk = a_person(ADMIN, name="郑管理(虚构)"), a_person(ADMIN, name="吴管理(虚构)"), a_person(Role.RISK)
    people = [a_person(name=name) for name in ("甲虚构", "乙虚构", "Lin Invented", "一个名字特别特别长的虚构人物")]
    with at_desk(one) as db:
        opened = clients.propose_open(
            db,
            one,
            organisation="示例记账(虚构)",
            name="记账助手",
            scopes=["partner.board"],
            quota=60,
            reason=WHY,
            now=NOW,
        )
        grants.propose(db, one, me(people[0]), Role.SUPPORT, reason="新同事入职，负责晚班客服工作", now=NOW)
        grants.propose(db, one, me(people[1]), Role.AUDITOR, reason="RC-20261122", now=NOW)
    signed(opened, other, risk)
    with at_desk(risk) as db:
        freezing.propose(db, risk, me(people[2]), told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    return one, other, risk


@pytest.mark.parametrize("role", list(ENTRIES))
def test_the_menu_has_only_what_the_role_may(open_page: Open, site: Site, role: Role) -> None:
    opened, _ = open_page("/sign-in", size=DESK)
    at(opened, site, sign_in(site.engine, ids.new_id(), roles=[role], now=NOW), "/desk")
    assert opened.locator("nav a").all_inner_texts() == ENTRIES[role]
    for entry in opened.locator("nav a").all():
        assert opened.request.get(site.address + (entry.get_attribute("href") or "")).ok


@pytest.mark.scope("S2-44")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_role_is_asked_for_by_one_and_given_by_another(open_page: Open, site: Site, scripts: bool) -> None:
    one, other, _ = filled_house()
    newcomer = a_person(name="丙虚构")
    with at_desk(one) as db:
        change = grants.propose(db, one, me(newcomer), Role.SUPPORT, reason=WHY, now=NOW)
    opened, _ = open_page("/sign-in", scripts=scripts, size=DESK)
    at(opened, site, cookie_of(one), "/desk/changes")
    expect(opened.locator("tr", has_text=WHY).get_by_text("不能复核自己的").first).to_be_visible()
    opened.goto(f"{site.address}/desk/changes/{change.id}")
    expect(opened.get_by_role("button", name="批准上面的全部内容")).to_have_count(0)
    at(opened, site, cookie_of(other), f"/desk/changes/{change.id}")
    opened.get_by_role("button", name="批准上面的全部内容").click()
    expect(opened.get_by_text("已批准")).to_be_visible()
    opened.goto(f"{site.address}/desk/roles")
    expect(opened.locator("tr", has_text=str(newcomer.person_id))).to_contain_text("客服")


def test_a_change_that_somebody_decided_meanwhile_says_so(open_page: Open, site: Site) -> None:
    one, other, _ = filled_house()
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.SUPPORT, reason=WHY, now=NOW)
    opened, _ = open_page("/sign-in", size=DESK)
    third = a_person(ADMIN)
    at(opened, site, cookie_of(third), f"/desk/changes/{change.id}")
    signed(change, other)
    opened.get_by_role("button", name="批准上面的全部内容").click()
    expect(opened.get_by_role("alert")).to_contain_text("已有结果")
    expect(opened.get_by_text("已批准")).to_be_visible()
    assert axe(opened) == []


def test_a_person_is_opened_with_a_reason_and_reads_it_later(open_page: Open, site: Site) -> None:
    person = a_person(name="林小安")
    opened, _ = open_page("/sign-in", size=DESK)
    at(opened, site, sign_in(site.engine, ids.new_id(), roles=[Role.RISK], now=NOW), f"/desk/people/{me(person)}")
    expect(opened.get_by_role("heading", level=1)).to_have_text("查看用户前请写明原因")
    opened.locator("textarea[name=reason]").fill("看看看看")
    opened.get_by_role("button", name="记录并查看").click()
    expect(opened.get_by_role("alert")).to_contain_text("原因")
    opened.locator("textarea[name=reason]").fill("客户来电反映登录异常，需要核对设备")
    opened.get_by_role("button", name="记录并查看").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("用户 林**")
    assert "林小安" not in opened.content()
    assert axe(opened) == []
    shot(opened, "desk-person")
    opened.locator("form[action$=unmask] textarea").fill("客户要求核对登记的姓名")
    opened.get_by_role("button", name="记录并显示这一项").click()
    expect(opened.locator(".clear")).to_contain_text("林小安")
    shot(opened, "desk-unmasked")
    opened.set_viewport_size(PHONE)  # type: ignore[arg-type]
    at(opened, site, cookie_of(person), "/me/looks")
    expect(opened.get_by_text("客户要求核对登记的姓名")).to_be_visible()
    assert axe(opened) == []
    shot(opened, "own-looks")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("part", range(5))  # a browser looks at five pages in a test, so that none takes minutes
def test_no_page_of_the_console_has_a_barrier(open_page: Open, site: Site, lang: str, part: int) -> None:
    one, _, risk = filled_house()
    with at_desk(one) as db:
        change = grants.propose(db, one, me(a_person()), Role.FINANCE, reason=WHY, now=NOW)
    opened, _ = open_page("/sign-in", size=DESK)
    opened.context.add_cookies([{"name": "lang", "value": lang, "url": site.address}])
    parts: list[tuple[Actor, tuple[str, ...]]] = [
        (one, ("", "/people", "/changes", "/changes?closed=true", f"/changes/{change.id}")),
        (one, ("/roles", "/clients", "/sessions")),
        (one, ("/documents", "/health", f"/people/{ids.new_id()}")),
        (risk, ("", "/changes", f"/people/{me(one)}")),
        (
            a_person(Role.AUDITOR, Role.CONTENT),
            ("/audit", "/audit?act=no.such", "/roles", "/documents?kind=privacy_policy"),
        ),
    ]
    who, paths = parts[part]
    cookie = cookie_of(who)
    for path in paths:
        for size, name in ((DESK, "wide"), (PHONE, "narrow")):
            opened.set_viewport_size(size)  # type: ignore[arg-type]
            at(opened, site, cookie, f"/desk{path}")
            assert axe(opened) == [], path
            no_sideways(opened)
            if len(path) < 30:
                shot(opened, f"desk-{lang}-{name}{path.replace('/', '-').split('?')[0] or '-home'}")


def test_a_console_page_stays_light(open_page: Open, site: Site) -> None:
    filled_house()
    opened, watch = open_page("/sign-in", size=DESK)
    cookie = sign_in(site.engine, ids.new_id(), roles=[ADMIN], now=NOW)
    watch.responses.clear()
    at(opened, site, cookie, "/desk/roles")
    sizes = [one.request.sizes()["responseBodySize"] for one in watch.responses]
    assert sum(sizes) < BYTES, sizes


def test_an_organisation_is_made_shown_in_the_header_and_invites(open_page: Open, site: Site) -> None:
    opened, _ = open_page("/sign-in")
    at(opened, site, cookie_of(a_person(name="甲店主")), "/organisations")
    opened.locator("input[name=name]").fill("示例小店(虚构)")
    opened.get_by_role("button", name="新建并成为所有者").click()
    expect(opened.get_by_text("正在代表 示例小店(虚构)")).to_be_visible()
    opened.get_by_role("button", name="生成一次性链接").click()
    link = opened.locator("p.wrap").inner_text()
    assert axe(opened) == []
    no_sideways(opened)
    shot(opened, "org-owner")
    guest = a_person(name="乙店员")
    at(opened, site, cookie_of(guest), link[link.index("/join/") :])
    assert axe(opened) == []
    shot(opened, "org-join")
    opened.get_by_role("button", name="接受邀请").click()
    expect(opened.get_by_text("乙店员")).to_be_visible()


def test_a_frozen_person_reads_why_and_how_to_object(open_page: Open, site: Site) -> None:
    risk, other, person = a_person(Role.RISK), a_person(Role.RISK), a_person()
    with at_desk(risk) as db:
        change = freezing.propose(db, risk, me(person), told="多次收到诈骗预警，需要核实身份", reason=WHY, now=NOW)
    signed(change, other)
    opened, _ = open_page("/sign-in")
    at(opened, site, cookie_of(person), "/")
    opened.get_by_role("link", name="原因和申诉").click()
    expect(opened.get_by_text("原因:多次收到诈骗预警，需要核实身份")).to_be_visible()
    expect(opened.get_by_text("第三十二条", exact=False)).to_be_visible()
    assert axe(opened) == []
    shot(opened, "own-frozen")
    assert opened.request.post(f"{site.address}/me/keys", form={"label": "x"}).status in (403, 422)


def test_own_keys_are_shown_once(open_page: Open, site: Site) -> None:
    opened, _ = joined(open_page, site)
    opened.goto(site.address + "/me/keys")
    opened.locator("input[name=label]").fill("家里的记账表")
    opened.get_by_label("读卡片").check()
    opened.get_by_role("button", name="新建密钥").click()
    expect(opened.get_by_text("取得密钥“家里的记账表”")).to_be_visible()
    assert axe(opened) == []
    opened.get_by_role("button", name="用面容或指纹确认").click()
    key = opened.locator("p.wrap").inner_text()
    assert clients.SHAPE.fullmatch(key)
    assert axe(opened) == []
    no_sideways(opened)
    shot(opened, "own-keys")
    opened.goto(f"{site.address}/me/keys")
    assert key not in opened.content()
