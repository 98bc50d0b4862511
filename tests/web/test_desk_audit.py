"""The audit page of the console on its screens: one row of filters, who in words with a short id, a calm foot."""

import pytest
from playwright.sync_api import expect
from tests.identity.desk import a_person, me
from tests.web.conftest import DESK, PHONE, Open, Site, axe, no_sideways, shot
from tests.web.test_desk import at, cookie_of

from anhuan.identity import Role

pytestmark = pytest.mark.browser


def test_the_filters_stand_in_one_row_and_under_each_other_on_a_phone(open_page: Open, site: Site) -> None:
    auditor = a_person(Role.AUDITOR)
    page, _ = open_page("/sign-in", size=DESK)
    at(page, site, cookie_of(auditor), "/desk/audit")
    page.reload()  # the first look is a record by now
    form = page.locator("form.filters")
    fields = [*form.locator(".form-control, .form-select").all(), form.get_by_role("button")]
    boxes = [box for field in fields if (box := field.bounding_box())]
    whole = form.bounding_box()
    assert whole
    assert len(boxes) == 4
    ends = [box["y"] + box["height"] for box in boxes]
    assert max(ends) - min(ends) < 2, ends
    assert [box["x"] for box in boxes] == sorted(box["x"] for box in boxes)
    assert boxes[0]["x"] - whole["x"] < 40, "from the left"
    feet = [box for one in page.locator(".side .foot button").all() if (box := one.bounding_box())]
    assert len(feet) == 2
    assert abs(feet[0]["y"] - feet[1]["y"]) < 1
    who = page.locator("table.log tbody tr td:nth-child(3)").first
    expect(who).to_contain_text("审计")
    expect(who.locator(".hash")).to_have_text(str(me(auditor))[:8])
    expect(who.locator(".hash")).to_have_attribute("title", str(me(auditor)))
    assert axe(page) == []
    shot(page, "desk-audit-row")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    no_sideways(page)
    narrow = [box for field in fields if (box := field.bounding_box())]
    assert len({round(box["x"]) for box in narrow}) == 1
    assert len({round(box["width"]) for box in narrow}) == 1
