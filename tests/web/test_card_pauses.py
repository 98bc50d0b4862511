"""A card whose repayments are paused: its holder pauses with a tap and resumes with one more proof."""

import pytest
from tests.repayments.conftest import clean, home, house
from tests.web.test_repay_pages import Phone, door, phone, plain

from anhuan.identity import stepup
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import card_pauses

__all__ = ["clean", "door", "home", "house", "phone"]
HOUSE = Actor(ActorKind.WORKER)


def paused(phone: Phone) -> bool:
    with phone.home.rows() as db:
        return card_pauses.find(db, phone.home.party, phone.home.account_id) is not None


@pytest.mark.parametrize("by_house", [True, False])
def test_a_paused_card_goes_on_after_one_more_proof(phone: Phone, by_house: bool) -> None:
    place = f"/repay/paused/{phone.home.account_id}"
    if by_house:
        with phone.home.worker() as db:
            card_pauses.pause(db, HOUSE, phone.home.party, phone.home.account_id, why="insufficient_funds",
                              now=phone.home.clock())  # fmt: skip
    else:
        assert phone.post(f"{place}/pause", **phone.form(phone.get(place)))[0] == 303
    status, asked, _ = phone.post(f"{place}/lift", **phone.form(phone.get(place)))
    assert (status, "确认是您本人" in asked) == (200, True)
    assert "恢复 招商银行 尾号 6214 的还款" in plain(asked), "the sentence names the card"
    assert paused(phone), "whoever holds the phone alone lifts nothing"
    status, _, to = phone.post(f"{place}/lift", **phone.form(asked), code=phone.code())
    assert (status, to) == (303, place)
    assert not paused(phone)


def test_the_proof_of_one_pause_lifts_no_other(phone: Phone) -> None:
    home, who = phone.home, Actor(ActorKind.PERSON, phone.home.party, phone.home.party)
    with home.rows() as db:
        card_pauses.pause(db, who, home.party, home.account_id, now=home.clock())
        one = card_pauses.find(db, home.party, home.account_id)
        assert card_pauses.lift(db, home.me, home.party, home.account_id, now=home.clock()), "the command line proves"
        home.clock.pass_(minutes=5)
        card_pauses.pause(db, who, home.party, home.account_id, now=home.clock())
        other = card_pauses.find(db, home.party, home.account_id)
        assert one is not None
        assert other is not None
        bound = [card_pauses.lift_act(home.party, pause).binding() for pause in (one, other)]
        assert bound[0] != bound[1]
        with pytest.raises(stepup.StepUpNeeded):
            card_pauses.lift(db, who, home.party, home.account_id, now=home.clock())
