"""Stops and breakers at the operators' console: what is closed, why, since and until when, and what waits behind it.

One person closes with a reason, at once; two people open again, unless an end was given. What opened by itself one
person may close. A card's own stop is one person's matter: ending it is a look with its reason, which the person reads.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, health, stops, store_stops
from anhuan.channels.capabilities import Way
from anhuan.channels.health import State as Standing
from anhuan.channels.stops import BadStop, Case, Scope, Stop
from anhuan.identity import looking
from anhuan.identity.desk_page import Notice, attempt, said
from anhuan.kit import clock, page
from anhuan.kit.actors import Actor

router = APIRouter(prefix="/desk/stops", include_in_schema=False)
RIGHT: Final = "desk.stops"
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=2000)]
Short = Annotated[str, Form(max_length=200)]
OVER: Final = 20  # stops that have ended, on one page
SOON: Final = timedelta(hours=24)  # before the last safe moment, what waits is marked
HOURS: Final = ("1", "4", "24")  # ends that are offered; without one, two people lift it


@dataclass(frozen=True, slots=True)
class Behind:
    """What waits unsent behind something closed: how many, since when, and the earliest last safe moment of them."""

    count: int
    oldest_at: datetime | None
    safe_by_at: datetime | None
    late: bool  # that moment is near, or past


@dataclass(frozen=True, slots=True)
class Named:
    """A channel or bank by its name in both languages; of a stop of everything both are empty."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One stop with what waits behind it; `mine`: its reader asked to lift it."""

    case: Case
    named: Named
    behind: Behind
    mine: bool


@dataclass(frozen=True, slots=True)
class Breaker:
    """One channel whose breaker opened by itself."""

    standing: Standing
    why: str
    since: datetime | None
    behind: Behind


@dataclass(frozen=True, slots=True)
class Card:
    """One card that its bank takes no money for, at one channel; whose it is stays a number."""

    party: UUID
    card: str
    way: Way
    code: str
    since: datetime
    until: datetime
    waiting: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form of a new stop: `what` is a scope with its name, `channel:simbank`."""

    what: str = ""
    hours: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stops:
    """Everything that is closed now, the form to close more, and what was closed before."""

    template: ClassVar[str] = "channels/stops.html"
    stops: tuple[Shown, ...]
    breakers: tuple[Breaker, ...]
    cards: tuple[Card, ...]
    over: tuple[tuple[Stop, Named], ...]
    ways: tuple[Way, ...]
    banks: tuple[Named, ...]
    hours: tuple[str, ...]
    typed: Typed
    trouble: str


@dataclass(frozen=True, slots=True)
class OneStop:
    """One stop, complete, with everybody's words and what its reader may do about it."""

    template: ClassVar[str] = "channels/stops_one.html"
    shown: Shown
    ended: bool
    fingerprint: str
    trouble: str
    typed: str


@dataclass(frozen=True, slots=True)
class Release:
    """Before something that opened by itself is closed: why. `place` is the form's address."""

    template: ClassVar[str] = "channels/stops_release.html"
    place: str
    way: Way
    of_card: bool
    until: datetime
    trouble: str
    typed: str


@router.get("", dependencies=[page.needs(RIGHT)])
def all_stops(request: Request, db: page.Desk, channel: str = "") -> Response:
    """What is closed now; `channel` fills the form of a new stop."""
    typed = Typed(f"{Scope.CHANNEL}:{channel}" if channel else "")
    return page.render(request, _stops(request, db, typed))


@router.post("", dependencies=[page.needs(RIGHT), Ours])
def stop(request: Request, db: page.Desk, what: Short = "", hours: Short = "", reason: Words = "") -> Response:
    """Close a channel, a bank or everything, from this moment on."""
    scope, _, name = what.partition(":")
    made: list[UUID] = []

    def write() -> None:
        if scope not in Scope.__members__.values():
            raise BadStop("请选择要停用的渠道或银行。", field="what")
        who, now = page.actor(request), page.now(request)
        until = _until(hours, now)
        made.append(stops.stop(db, who, Scope(scope), name, reason=reason, until=until, now=now))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, _stops(request, db, Typed(what, hours, reason), trouble), status=422)
    note = said(request, "已停用,从现在起不再发送;等待的付款会保留。", "Stopped from now on; what waits is kept.")
    return page.go(f"/desk/stops/{made[0]}", request=request, note=note)


@router.get("/breakers/{channel}", dependencies=[page.needs(RIGHT)])
def breaker(request: Request, db: page.Desk, channel: str) -> Response:
    """Before a channel's breaker is closed: why."""
    return page.render(request, _of_breaker(request, db, channel))


@router.post("/breakers/{channel}", dependencies=[page.needs(RIGHT), Ours])
def close_breaker(request: Request, db: page.Desk, channel: str, reason: Words = "") -> Response:
    """Close a channel's breaker before its time."""
    who, now = page.actor(request), page.now(request)
    before = _of_breaker(request, db, channel)
    trouble = attempt(request, db, lambda: stops.close_breaker(db, who, channel, reason=reason, now=now))
    if trouble:
        shown = Release(before.place, before.way, before.of_card, before.until, trouble, reason)
        return page.render(request, shown, status=422)
    note = said(request, "熔断已结束,等待的付款会继续发送。", "The breaker is closed; what waits goes out.")
    return page.go("/desk/stops", request=request, note=note)


@router.get("/cards/{party}/{channel}/{card}", dependencies=[page.needs(RIGHT)])
def card(request: Request, db: page.Desk, party: UUID, channel: str, card: str) -> Response:
    """Before the stop of one card is ended: why."""
    return page.render(request, _of_card(request, db, party, channel, card))


@router.post("/cards/{party}/{channel}/{card}", dependencies=[page.needs(RIGHT), Ours])
def release(request: Request, db: page.Desk, party: UUID, channel: str, card: str, reason: Words = "") -> Response:
    """End the stop of one card; the reason is a look that its person can read."""
    who, now = page.actor(request), page.now(request)
    before = _of_card(request, db, party, channel, card)

    def write() -> None:
        look = looking.begin(db, who, party, reason=reason, now=now, right=RIGHT)
        looking.open_person(db, who, party, look, now=now)
        stops.release_card(db, who, party, channel, bytes.fromhex(card), now=now)

    trouble = attempt(request, db, write)
    if trouble:
        shown = Release(before.place, before.way, before.of_card, before.until, trouble, reason)
        return page.render(request, shown, status=422)
    note = said(request, "暂停已结束,等待的付款会继续发送。", "The stop has ended; what waits goes out.")
    return page.go("/desk/stops", request=request, note=note)


@router.get("/{stop_id}", dependencies=[page.needs(RIGHT)])
def one_stop(request: Request, db: page.Desk, stop_id: UUID) -> Response:
    """One stop, complete."""
    return page.render(request, _one(request, db, stop_id))


@router.post("/{stop_id}/{verb}", dependencies=[page.needs(RIGHT), Ours])
def decide(
    request: Request, db: page.Desk, stop_id: UUID, verb: str, shown: Short = "", reason: Words = ""
) -> Response:  # fmt: skip
    """Ask to lift a stop, or confirm or refuse exactly what the page showed."""
    who, now = page.actor(request), page.now(request)

    def act() -> None:
        match verb:
            case "ask":
                stops.ask_lift(db, who, stop_id, reason=reason, now=now)
            case "confirm":
                stops.confirm_lift(db, who, stop_id, shown=shown, now=now)
            case "refuse":
                stops.refuse_lift(db, who, stop_id, shown=shown, reason=reason, now=now)
            case _:
                raise page.NotFound("没有这个操作。")

    trouble = attempt(request, db, act)
    if trouble:
        db.expire_all()
        return page.render(request, _one(request, db, stop_id, trouble, reason), status=409)
    note = {
        "ask": said(request, "已提出,等待第二人确认。", "Asked; somebody else has to confirm it."),
        "confirm": said(request, "已解除,等待的付款会继续发送。", "Lifted; what waited goes out."),
    }.get(verb) or said(request, "已记录。", "Recorded.")
    return page.go(f"/desk/stops/{stop_id}", request=request, note=note)


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """What is closed, on the desk's first page, for whoever may open it; and what waits for a second person."""
    if not who.may(RIGHT):
        return []
    held = stops.all_standing(db, now)
    others = sum(one.waiting is not None and one.waiting.asked_by != who.person_id for one in held)
    opened = sum(one.breaker_until is not None for one in health.health(db, now=now))
    told = (
        ("late", len(held), f"{len(held)} 项停用生效中,等待的付款不会发出", f"stops in force: {len(held)}"),
        ("soon", others, f"{others} 项解除停用等待第二人确认", f"liftings that wait for a second person: {others}"),
        ("soon", opened, f"{opened} 个渠道自动熔断", f"channels with an open breaker: {opened}"),
    )
    return [Notice(tone, zh, en, "/desk/stops") for tone, count, zh, en in told if count]


def _stops(request: Request, db: Session, typed: Typed, trouble: str = "") -> Stops:
    now, on, who = page.now(request), page.today(request), page.actor(request)
    unsent = store_stops.unsent(db)
    rows = store_stops.breakers(db, now)
    states = {one.channel: one for one in health.health(db, now=now)}
    return Stops(
        stops=tuple(_shown(one, unsent, who, now) for one in stops.all_standing(db, now)),
        breakers=tuple(
            Breaker(states[row.channel], row.why, row.first_failed_at,
                    _behind([one for one in unsent if one[0] == row.channel], now))
            for row in rows if row.channel in states
        ),
        cards=tuple(
            Card(party, card.hex(), capabilities.way(channel, on=on), code, since, until, waiting)
            for party, channel, card, code, since, until, waiting in store_stops.cards(db, now)
        ),
        over=tuple((one, _named(one, on)) for one in stops.over(db, now, at_most=OVER)),
        ways=tuple(capabilities.way(one, on=on) for one in capabilities.ids(on=on)),
        banks=tuple(Named(bank, zh, en) for bank, (zh, en) in capabilities.banks(on=on).items()),
        hours=HOURS, typed=typed, trouble=trouble,
    )  # fmt: skip


def _one(request: Request, db: Session, stop_id: UUID, trouble: str = "", typed: str = "") -> OneStop:
    now = page.now(request)
    try:
        case = stops.find(db, stop_id)
    except stops.NoStop as none:
        raise page.NotFound(none.message) from None
    shown = _shown(case, store_stops.unsent(db), page.actor(request), now)
    ended = case.stop.lifted_at is not None or (case.stop.until is not None and case.stop.until <= now)
    fingerprint = case.waiting.shown_hash.hex() if case.waiting else ""
    return OneStop(shown, ended, fingerprint, trouble, typed)


def _of_breaker(request: Request, db: Session, channel: str) -> Release:
    now, on = page.now(request), page.today(request)
    row = next((one for one in store_stops.breakers(db, now) if one.channel == channel), None)
    if row is None or row.open_until_at is None:
        raise page.NotFound("这个渠道没有熔断，或熔断已经结束。")
    place, way = f"/desk/stops/breakers/{channel}", capabilities.way(channel, on=on)
    return Release(place, way, of_card=False, until=row.open_until_at, trouble="", typed="")


def _of_card(request: Request, db: Session, party: UUID, channel: str, card: str) -> Release:
    on, now = page.today(request), page.now(request)
    for owner, at, key, _, _, until, _ in store_stops.cards(db, now):
        if (owner, at, key.hex()) == (party, channel, card):
            place = f"/desk/stops/cards/{party}/{channel}/{card}"
            return Release(place, capabilities.way(channel, on=on), of_card=True, until=until, trouble="", typed="")
    raise page.NotFound("这张卡没有暂停，或暂停已经结束。")


def _shown(case: Case, unsent: store_stops.Unsent, who: Actor, now: datetime) -> Shown:
    behind = _behind([one for one in unsent if case.stop.closes(one[0], one[1])], now)
    mine = case.waiting is not None and case.waiting.asked_by == who.person_id
    return Shown(case, _named(case.stop, now.astimezone(clock.CHINA).date()), behind, mine)


def _behind(rows: store_stops.Unsent, now: datetime) -> Behind:
    safe = min((one[4] for one in rows if one[4] is not None), default=None)
    late = safe is not None and safe - now < SOON
    return Behind(sum(one[2] for one in rows), min((one[3] for one in rows), default=None), safe, late)


def _named(stop: Stop, on: date) -> Named:
    if stop.scope is Scope.CHANNEL:
        way = capabilities.way(stop.name, on=on)
        return Named(stop.name, way.zh, way.en)
    zh, en = capabilities.banks(on=on).get(stop.name, (stop.name, stop.name))
    return Named(stop.name, zh, en)


def _until(hours: str, now: datetime) -> datetime | None:
    if not hours:
        return None
    if hours not in HOURS:
        raise BadStop("请选择结束时间。", field="hours")
    return now + timedelta(hours=int(hours))
