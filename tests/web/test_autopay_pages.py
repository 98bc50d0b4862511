"""Autopay by pages and forms: what a mandate would do is shown first, a proof gives it, one tap takes it back."""

import re
from urllib.parse import urlencode

import pytest
from tests.channels.bank import NAME
from tests.repayments.autopaying import given, run_of
from tests.repayments.conftest import clean, home, house
from tests.web.test_repay_pages import Phone, door, phone, plain

from anhuan.repayments import mandates
from anhuan.repayments.mandate_model import Mandate, Stage, Why

__all__ = ["clean", "door", "home", "house", "phone"]


def held(phone: Phone) -> tuple[Mandate, ...]:
    with phone.home.rows() as db:
        return mandates.of(db, phone.home.party)


def filled(phone: Phone, **changes: str) -> dict[str, str]:
    """The form as somebody fills it in."""
    home = phone.home
    return {"account": str(home.account_id), "source": str(home.source_id), "cap": "5000", "rule": "full",
            "timing": "before_due", "channel": NAME, **changes}  # fmt: skip


def summary(phone: Phone, **changes: str) -> str:
    return phone.get("/autopay/new?" + urlencode({**filled(phone, **changes), "look": "1"}))


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to this address."""
    form = page[page.index(f'action="{action}"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))


def give(phone: Phone, **changes: str) -> str:
    """From the summary to the proof; where it leads."""
    status, asked, _ = phone.post("/autopay", **hidden(summary(phone, **changes), "/autopay"))
    assert (status, "确认是您本人" in asked) == (200, True), plain(asked)[-800:]
    assert "每次最多扣 ¥5,000.00" in plain(asked), "the whole text stands where the proof is asked for"
    status, text, to = phone.post("/autopay", **hidden(asked, "/autopay"), code=phone.code())
    assert status == 303, plain(text)[-800:]
    return to


@pytest.mark.scope("S3-24", "S0-49")
def test_from_the_form_over_the_summary_and_a_proof_to_a_mandate(phone: Phone) -> None:
    first = plain(phone.get("/autopay"))
    assert "还没有授权" in first
    assert "开通自动还款" in first
    said = plain(summary(phone))
    assert "12月4日 周五 09:00" in said
    assert "12月3日 周四 09:00 通知" in said
    assert "¥1,000.00" in said
    assert re.search(r"只还最低 ¥100.00 利息约 ¥\d+\.\d\d", said)
    assert "每次最多扣 ¥5,000.00;超过时只扣到上限" in said
    assert held(phone) == (), "looking gives nothing"
    to = give(phone)
    (made,) = held(phone)
    assert to == f"/autopay/{made.id}"
    page = plain(phone.get(to))
    assert "下次 12月4日 周五 09:00" in page
    assert "撤回授权" in page
    assert "从“工资卡”自动还" in page
    assert "撤回授权" in plain(phone.get("/autopay"))


def test_what_is_missing_is_said_and_what_was_typed_stays(phone: Phone) -> None:
    wrong = [
        ({"cap": ""}, "请填写每次最多扣多少"),
        ({"cap": "abc"}, "没有看懂这个金额"),
        ({"rule": "custom"}, "固定金额要写明金额"),
        ({"timing": "monthly"}, "请选每月的 1 到 31 日"),
        ({"notice_hours": "2"}, "提前通知要在 24 到 168 小时之间"),
        ({"source": ""}, "请选择卡片、付款账户和方式"),
        ({"timing": "nonsense"}, "请选择卡片、付款账户和方式"),
    ]
    for changes, said in wrong:
        form = {**filled(phone, valid_to="2027-05-01"), **changes, "look": "1"}
        page = phone.get("/autopay/new?" + urlencode(form), 422)
        assert said in plain(page)
        assert 'value="2027-05-01"' in page


def test_a_fixed_day_shows_where_holidays_move_it(phone: Phone) -> None:
    said = plain(summary(phone, timing="monthly", day_of_month="31", rule="custom", amount="200", holiday="earlier"))
    assert "11月30日 周一 09:00" in said
    assert "2027年1月29日 周五 09:00" in said
    assert "日历未公布,暂定" in said


@pytest.mark.scope("S0-49")
def test_one_tap_without_a_proof_takes_it_back(phone: Phone) -> None:
    made = given(phone.home)
    token = hidden(phone.get(f"/autopay/{made.id}"), f"/autopay/{made.id}/revoke")
    status, _, to = phone.post(f"/autopay/{made.id}/revoke", **token)
    assert (status, to) == (303, "/autopay")
    assert held(phone) == ()
    assert "已撤回" in plain(phone.get(f"/autopay/{made.id}"))
    status, text, _ = phone.post(f"/autopay/{made.id}/narrow", **token, cap="10")
    assert (status, "已撤回,不能再改" in plain(text).replace("，", ",")) == (422, True)


def test_narrowing_holds_at_once_and_more_is_refused_with_the_way_to_it(phone: Phone) -> None:
    made = given(phone.home, cap=200_000)
    page = phone.get(f"/autopay/{made.id}")
    token = hidden(page, f"/autopay/{made.id}/narrow")
    status, text, _ = phone.post(f"/autopay/{made.id}/narrow", **token, cap="3000")
    assert (status, "要重新授权" in plain(text)) == (422, True)
    for unread in ({"cap": "abc"}, {"cap": "0"}, {"valid_to": "tomorrow"}, {"valid_to": "2026-02-30"}):
        assert phone.post(f"/autopay/{made.id}/narrow", **token, **unread)[0] == 422, unread
    status, _, _ = phone.post(f"/autopay/{made.id}/narrow", **token, cap="500")
    assert (status, held(phone)[0].wish.cap) == (303, 50_000)


def test_a_run_is_skipped_by_a_tap_and_its_history_says_so(phone: Phone) -> None:
    made = given(phone.home)
    run = run_of(phone.home, made)
    path = f"/autopay/{made.id}/runs/{run.id}/skip"
    status, _, _ = phone.post(path, **hidden(phone.get(f"/autopay/{made.id}"), path))
    assert status == 303
    assert (run_of(phone.home, made).stage, run_of(phone.home, made).why) == (Stage.SKIPPED, Why.BY_PAYER)
    page = plain(phone.get(f"/autopay/{made.id}"))
    assert "您跳过了这次" in page
    assert "这次跳过" not in page


def test_off_is_one_tap_and_on_asks_for_a_proof(phone: Phone) -> None:
    made = given(phone.home)
    path = f"/autopay/{made.id}"
    status, _, _ = phone.post(f"{path}/off", **hidden(phone.get(path), f"{path}/off"))
    assert (status, held(phone)[0].on) == (303, False)
    status, asked, _ = phone.post(f"{path}/on", **hidden(phone.get(path), f"{path}/on"))
    assert (status, held(phone)[0].on) == (200, False)
    status, _, _ = phone.post(f"{path}/on", **hidden(asked, f"{path}/on"), code=phone.code())
    assert (status, held(phone)[0].on) == (303, True)


def test_programs_read_and_revoke_but_never_give(phone: Phone) -> None:
    made = given(phone.home)
    heads = {"accept": "application/json"}
    (one,) = phone.client.get("/api/v1/mandates", headers=heads).json()
    assert (one["cap"], one["rule"], one["timing"]) == ("5000.00", "full", "before_due")
    shown = phone.client.get(f"/api/v1/mandates/{made.id}", headers=heads).json()
    assert [run["stage"] for run in shown["runs"]] == ["planned"]
    refused = phone.client.post("/api/v1/mandates", json={}, headers=heads)
    assert (refused.status_code, refused.json()["code"]) == (422, "mandate.needs_person")
    done = phone.client.post(f"/api/v1/mandates/{made.id}/revoke", headers=heads)
    assert (done.status_code, done.json()) == (200, {"stopped": 1, "followed": []})
    assert phone.client.get("/api/v1/mandates/00000000-0000-0000-0000-000000000001", headers=heads).status_code == 404
