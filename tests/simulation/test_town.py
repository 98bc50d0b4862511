"""How a town is made of a seed, and how its people read the forms that they fill in."""

from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException

from anhuan.simulation import forms, rules, ticking
from anhuan.simulation.dice import Dice
from anhuan.simulation.model import Ask, BadPlan, Kind, Way
from anhuan.simulation.processes import Town

BEGINS = date(2026, 11, 22)
LONG = Ask(households=200, days=90, seed=5, faults=tuple(range(1, 36)), kills=300)


def test_the_same_seed_gives_the_same_town() -> None:
    assert rules.households(LONG, begins=BEGINS) == rules.households(LONG, begins=BEGINS)
    assert rules.kills(LONG) == rules.kills(LONG)
    assert rules.script(LONG, 500) == rules.script(LONG, 500)


def test_another_seed_gives_another_town() -> None:
    other = Ask(200, 90, 6, LONG.faults, 300)
    assert rules.households(other, begins=BEGINS) != rules.households(LONG, begins=BEGINS)


def test_every_household_has_cards_of_its_own() -> None:
    numbers = [card.number for house in rules.households(LONG, begins=BEGINS) for card in house.cards]
    assert len(numbers) == len(set(numbers)) > 200


def test_a_large_town_has_every_habit() -> None:
    assert {house.way for house in rules.households(LONG, begins=BEGINS)} == set(Way)


def test_every_kind_of_process_is_a_tenth_of_the_kills_at_least() -> None:
    deck = rules.kills(LONG)
    assert len(deck) == 300
    assert all(deck.count(kind) >= 30 for kind in Kind)


@pytest.mark.parametrize("kills", [0, 1, 4, 8, 20])
def test_so_many_are_killed_as_were_asked_for(kills: int) -> None:
    deck = rules.kills(Ask(6, 40, 7, (), kills))
    assert len(deck) == kills
    assert kills < 4 or set(deck) == set(Kind)


def test_payments_meet_every_scenario_of_payments_in_each_round() -> None:
    met = {number for step in rules.script(LONG, 200) for number in step}
    assert met == set(rules.OF_PAYMENTS)


def test_who_asks_for_one_fault_gets_that_alone() -> None:
    assert {number for step in rules.script(Ask(6, 40, 7, (17,), 0), 100) for number in step} == {17}
    assert rules.script(Ask(6, 40, 7, (), 0), 100) == []


@pytest.mark.parametrize(
    ("said", "meant"), [("all", tuple(range(1, 36))), ("none", ()), ("17,7", (7, 17)), (" ALL ", tuple(range(1, 36)))]
)
def test_faults_are_read(said: str, meant: tuple[int, ...]) -> None:
    assert rules.faults_of(said) == meant


def test_what_cannot_be_a_town_is_refused_by_its_option() -> None:
    for ask, option in ((Ask(0, 40, 1), "--households"), (Ask(6, 0, 1), "--days"), (Ask(6, 9, 1, (36,)), "--faults")):
        with pytest.raises(BadPlan) as refused:
            rules.checked(ask)
        assert refused.value.field == option
    with pytest.raises(BadPlan):
        rules.faults_of("seven")


def test_a_statement_of_the_31st_comes_on_the_last_day_of_a_short_month() -> None:
    card = next(card for house in rules.households(LONG, begins=BEGINS) for card in house.cards if card.bank == "sim_d")
    assert rules.statement_on(card, 2027, 2) == date(2027, 2, 28)
    assert rules.is_statement_day(card, date(2026, 12, 31))


def test_a_cron_of_the_hours_that_were_skipped_is_seen() -> None:
    at = datetime.fromisoformat
    assert ticking.slots("41 3 * * *", at("2026-11-22T03:00:00+00:00"), at("2026-11-22T09:00:00+00:00"))
    assert not ticking.slots("41 3 * * *", at("2026-11-22T04:00:00+00:00"), at("2026-11-22T09:00:00+00:00"))


def test_dice_do_not_depend_on_the_order_of_questions() -> None:
    first = Dice(3)
    assert [first.between(0, 9, "a"), first.between(0, 9, "b")] == [
        Dice(3).between(0, 9, "a"), Dice(3).between(0, 9, "b")
    ]  # fmt: skip


PAGE = b"""<form method="post" action="/repay" id="f"><input type="hidden" name="csrf" value="c1">
<input type="hidden" name="key" value="k1"><input type="radio" name="rule" value="full" checked>
<input type="radio" name="rule" value="minimum"><input type="checkbox" name="later" value="yes">
<input type="checkbox" name="read" value="yes" required><select name="source"><option value="a">A</option>
<option value="b" selected>B</option></select><input name="gone" value="x" disabled></form>
<button form="f" name="act" value="pay">pay</button><form action="/other"><input name="q"></form>"""


def test_a_form_sends_what_a_browser_would_send() -> None:
    form = forms.form_to(PAGE, "/repay", having="key")
    assert form is not None
    assert form.filled(act="pay", key="k2") == b"csrf=c1&rule=full&read=yes&source=b&act=pay&key=k2"
    assert form.has("act")
    form.tick("later")
    form.tick("never")
    assert form.filled(act="pay") == b"csrf=c1&key=k1&rule=full&read=yes&source=b&later=yes&act=pay"
    assert forms.form_to(PAGE, "/repay", having="step_up") is None


def test_nothing_of_the_installation_reaches_a_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://real.example/real")
    monkeypatch.setenv("ANHUAN_SIMBANK_KEYS", "/etc/keys.json")
    town = Town(tmp_path, web_port=1, bank_port=2)
    assert "DATABASE_URL" not in town.env
    assert "ANHUAN_SIMBANK_KEYS" not in town.env
    assert town.env["ANHUAN_HOME"] == str(tmp_path)


def test_whoever_hears_from_the_queue_that_the_database_died_tends_the_town_and_tries_again() -> None:
    tended, tries = list[bool](), list[bool]()
    place: Any = SimpleNamespace(town=SimpleNamespace(tend=lambda: tended.append(True)))

    def sweep() -> str:
        tries.append(True)
        if len(tries) == 1:
            raise ConnectorException  # a sweep of dead workers' jobs goes by the queue's own connection
        return "done"

    assert ticking.patiently(place, sweep) == "done"
    assert tended == [True]
