"""A town from its first day to its last: moved in, lived through with faults and kills, brought to rest, and judged."""

import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from anhuan.channels import simbank_http, simbank_keys
from anhuan.identity import demonstration
from anhuan.kit import clock, db
from anhuan.kit.clock import CHINA
from anhuan.simulation import days, judging, leftovers, rules
from anhuan.simulation.bank import Hand
from anhuan.simulation.habits import Habits
from anhuan.simulation.model import Ask, Diary, FolderTaken, Kind
from anhuan.simulation.people import App, People
from anhuan.simulation.place import Place, Say
from anhuan.simulation.processes import WORKERS, Town

PARTNER: Final = "town"  # as which people look at their statements and pay in the bank's app
REST_DAYS: Final = 6  # of quiet at the end: returns, late answers and last bills come in
log = structlog.get_logger(__name__)


def run(ask: Ask, *, ports: tuple[int, int], say: Say) -> Mapping[str, Any]:
    """Let a town live and judge it; what it leaves behind is gone afterwards unless it was asked to be kept."""
    rules.checked(ask)
    began = time.monotonic()
    for left in leftovers.sweep():
        say(f"taken away: {left}, whose command was killed")
    home = _home(ask)
    town = Town(home, web_port=ports[0], bank_port=ports[1])
    try:
        place = _founded(ask, town, say)
        habits = Habits(place)
        days.live(place, habits)
        days.rest(place, habits, REST_DAYS)
        report = judging.judged(place)
        report["home"] = str(home)
        report["seconds"] = round(time.monotonic() - began, 1)
        return report
    finally:
        town.end()
        _leave(ask, town)


def _home(ask: Ask) -> Path:
    if ask.keep is None:
        home = Path(tempfile.mkdtemp(prefix=leftovers.PREFIX))
        leftovers.mark(home)
    else:
        home = ask.keep.absolute()
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise FolderTaken(f"{home} 不是空文件夹。", field="--keep")
    home.chmod(0o711)  # as root the database runs as another user, who must get in
    (home / clock.MARK).touch()
    return home


def _founded(ask: Ask, town: Town, say: Say) -> Place:
    """Database, bank, web and workers, and everybody moved in."""
    begins = (clock.now() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    town.adopt_environment()
    clock.hold(town.clock_file, begins)
    say(f"a town of {ask.households} households, seed {ask.seed}, in {town.home}")
    db.migrate(town.server.join().owner)
    with db.transaction() as session:
        demonstration.declare(session, demonstration.DEMONSTRATION, now=clock.now())
    town.start(Kind.BANK)
    town.await_door(Kind.BANK)
    token = (town.home / "simbank" / "control-token").read_text().strip()
    hand = Hand(town.bank, token, tend=town.tend)
    simbank_keys.enrol(town.bank, token=token)
    town.start(Kind.WEB, *(f"worker {number + 1}" for number in range(WORKERS)))
    callbacks = f"http://127.0.0.1:{town.web_port}{simbank_http.callback_path(simbank_http.NAME)}"
    hand.say("PUT", "/sim/callbacks", {"url": callbacks})
    town.await_door(Kind.WEB)
    begins += timedelta(minutes=10)  # the bank began with a clock that ran on
    clock.hold(town.clock_file, begins)
    hand.move(begins)
    diary = Diary()
    own = _partner(town, hand)
    folk = People(town.web, hand, diary, town.tend, own, App(own))
    houses = rules.households(ask, begins=begins.astimezone(CHINA).date())
    place = Place(
        ask,
        town,
        hand,
        folk,
        App(reached(town, town.home / "keys" / "simbank.json")),
        houses,
        diary,
        begins,
        begins,
        say,
    )
    days.move_in(place)
    return place


def _partner(town: Town, hand: Hand) -> simbank_http.SimulatedBank:
    """The bank as the townspeople themselves reach it: with a key of the town, not with ours."""
    place = town.home / "simbank" / "town-keys.json"
    simbank_keys.enrol(town.bank, token=(town.home / "simbank" / "control-token").read_text().strip(), place=place)
    return reached(town, place)


def reached(town: Town, keys: Path) -> simbank_http.SimulatedBank:
    """The simulated bank by these keys; what it says is kept nowhere."""
    return simbank_http.SimulatedBank(
        town.bank, simbank_http.read_keys(keys), witness=lambda seen: None,
        callback_path=simbank_http.callback_path(simbank_http.NAME), seconds=lambda on: 20.0,
        slow_ms=lambda on: 20_000, final_codes=simbank_http.usual_final_codes,
    )  # fmt: skip


def _leave(ask: Ask, town: Town) -> None:
    """Stop the database; take everything away, or leave a demonstration that anybody can open."""
    db.close()
    with suppress(Exception):
        town.server.stop()
    if ask.keep is None:
        if not town.server.data.is_relative_to(town.home):
            shutil.rmtree(town.server.data.parent, ignore_errors=True)
        shutil.rmtree(town.home, ignore_errors=True)
