"""What each household does when: its bills, its taps, its second thoughts; an agenda by day and hour."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from anhuan import cards, repayments
from anhuan.identity import limits, stepup
from anhuan.kit import clock
from anhuan.kit.errors import Refused
from anhuan.repayments import AmountRule, OrderStatus, mandates
from anhuan.repayments.mandate_model import Wish as Mandate
from anhuan.simulation import people, rules
from anhuan.simulation.model import Card, Fate, Household, Way
from anhuan.simulation.place import Place

FRESH: Final = 9  # the hour at which post is opened
LOOKS: Final = 12  # and at which people look what became of their payments
CAP: Final = 3_000_000  # fen that a mandate takes at most
FIXED: Final = 60_000  # fen of a fixed amount
MANDATED: Final = frozenset({Way.AUTO_FULL, Way.AUTO_MINIMUM, Way.AUTO_FIXED})
TAPS: Final = frozenset({Way.FULL, Way.DOUBLE, Way.OVERDRAWN, Way.MINIMUM, Way.IN_PARTS, Way.BY_HAND, Way.PLANNER})
_DAY: Final = timedelta(days=1)
Act = Callable[[], None]
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Agenda:
    """What people have in mind, by day and hour; one household's acts follow one another."""

    by_hour: dict[tuple[date, int], list[tuple[int, Act]]] = field(default_factory=lambda: defaultdict(list))

    def plan(self, day: date, hour: int, house: Household, act: Act) -> None:
        """Put something in mind."""
        self.by_hour[day, hour].append((house.number, act))

    def due(self, moment: datetime) -> dict[int, list[Act]]:
        """What is to be done until this moment, by household; it leaves the agenda."""
        here = moment.astimezone(clock.CHINA)
        found: dict[int, list[Act]] = defaultdict(list)
        for key in sorted(key for key in self.by_hour if key <= (here.date(), here.hour)):
            for number, act in self.by_hour.pop(key):
                found[number].append(act)
        return found

    def next_at(self) -> datetime | None:
        """When somebody has something in mind next."""
        first = min((key for key, acts in self.by_hour.items() if acts), default=None)
        if first is None:
            return None
        return datetime(first[0].year, first[0].month, first[0].day, first[1], 5, tzinfo=clock.CHINA)


@dataclass(slots=True)
class Habits:
    """The habits of the whole town."""

    place: Place
    agenda: Agenda = field(default_factory=Agenda)

    def new_day(self, day: date) -> None:
        """Salaries come, bills that were printed last night are fetched in the morning."""
        for house in self.place.houses:
            if day.day == house.payday:
                self.place.hand.open_account(house.funding, house.name, house.income)
            for card in house.cards:
                if rules.is_statement_day(card, day - _DAY) and day - _DAY >= self.place.begins.date():
                    self.agenda.plan(day, FRESH, house, self._bring(house, card, day - _DAY))

    # --- bills ---

    def _bring(self, house: Household, card: Card, on: date) -> Act:
        def bring() -> None:
            said = self.place.people.bring_bill(house, card, on)
            if said not in ("new", "same"):
                self.place.diary.skipped[f"bill {said}"] += 1
                return
            if self.place.dice.percent(85, "checks what came back", house.number, on):
                self.place.people.check_bindings(house)
            bill = self._bill(house, card)
            if bill is not None and bill.due_on is not None and bill.total_due > 0:
                self._intend(house, card, bill.due_on)

        return bring

    def _bill(self, house: Household, card: Card) -> cards.BillView | None:
        account = house.accounts.get(card.number)

        def look(session: Any, who: Any) -> cards.BillView | None:
            bills = cards.current_bills(session, who.party_id, on=clock.today())
            return next((one for one in bills if one.account_id == account), None)

        return None if account is None else self.place.people.acting(house, look)

    def _intend(self, house: Household, card: Card, due_on: date) -> None:
        """What a household has in mind for a new bill, by its habit."""
        pay, today = max(due_on - house.lead_days * _DAY, clock.today()), clock.today()
        full = self._tap(house, card, AmountRule.FULL)
        acts: dict[Way, list[tuple[date, Act]]] = {
            Way.FULL: [(pay, full)], Way.DOUBLE: [(pay, full)], Way.OVERDRAWN: [(pay, full)],
            Way.PLANNER: [(today, self._whole_plan(house, card))],
            Way.MINIMUM: [(pay, self._tap(house, card, AmountRule.MINIMUM))],
            Way.IN_PARTS: [(max(today, pay - 3 * _DAY), self._part(house, card)), (pay, full)],
            Way.BY_HAND: [(pay, self._by_hand(house, card))],
        }  # fmt: skip
        if house.way is Way.FORGETFUL and self.place.dice.percent(60, "remembers", house.number, due_on):
            acts[Way.FORGETFUL] = [(due_on + 2 * _DAY, full)]
        if house.way in MANDATED and card.number not in house.mandates:
            acts[house.way] = [(today, self._mandate(house, card))]
        for day, act in acts.get(house.way, []):
            self.agenda.plan(day, house.hour, house, act)
        if house.way in TAPS:
            self.agenda.plan(due_on - _DAY, LOOKS, house, self._look_again(house, card))

    # --- paying ---

    def _tap(self, house: Household, card: Card, rule: AmountRule, **more: str) -> Act:
        def tap() -> None:
            account = house.accounts.get(card.number)
            if account is not None:
                twice = house.way is Way.DOUBLE
                self.place.people.tap(house, account, twice=twice, rule=rule.value, **more)

        return tap

    def _whole_plan(self, house: Household, card: Card) -> Act:
        """Confirm the plan over all bills at once; where none can be made, the bill is tapped by itself."""

        def confirm() -> None:
            if not self.place.people.submit(house, "/plan/confirm", "/plan/confirm", having="key"):
                self.place.diary.skipped["no plan"] += 1
                self._tap(house, card, AmountRule.FULL)()

        return confirm

    def _mandate(self, house: Household, card: Card) -> Act:
        """Give a mandate for this card, once; the proof is bound to every field of it."""
        rule, amount = {
            Way.AUTO_MINIMUM: (AmountRule.MINIMUM, None), Way.AUTO_FIXED: (AmountRule.CUSTOM, FIXED),
        }.get(house.way, (AmountRule.FULL, None))  # fmt: skip

        def give() -> None:
            account, source = house.accounts.get(card.number), house.source
            if account is None or source is None:
                return
            wish = Mandate(account, source, CAP, rule, amount, channel=people.CHANNEL)

            def work(session: Any, who: Any) -> None:
                if any(one.wish.account_id == account for one in mandates.of(session, who.party_id)):
                    return
                now = clock.now()
                act = mandates.act_of(session, who.party_id, wish, now=now)
                asked = stepup.begin(session, who, act, shown="", now=now)
                mandates.give(session, who, wish, answer=stepup.Answer(asked.id), now=now)

            try:
                self.place.people.acting(house, work)
                house.mandates.add(card.number)
            except Refused as refused:
                self.place.diary.skipped[refused.code] += 1

        return give

    def second_thoughts(self, day: date) -> None:
        """Now and then somebody stops: pauses everything for two days, cancels what has not gone, or revokes."""
        dice = self.place.dice
        for house in self.place.houses:
            if house.party is None or not house.accounts or not dice.percent(1, "second thoughts", house.number, day):
                continue
            what = dice.one_of(("paused", "cancelled", "revoked"), "which", house.number, day)
            act = {"paused": self._pause, "cancelled": self._cancel, "revoked": self._revoke}[what]
            self.agenda.plan(day, house.hour, house, act(house, day))

    def _pause(self, house: Household, day: date) -> Act:
        def stop() -> None:
            self._noted(house, day, "paused everything")
            self.place.people.acting(house, lambda session, who: limits.pause_everything(session, who, now=clock.now()))
            self.agenda.plan(day + 2 * _DAY, LOOKS, house, self._lift(house))

        return stop

    def _lift(self, house: Household) -> Act:
        def lift() -> None:
            def work(session: Any, who: Any) -> None:
                now = clock.now()
                paused = limits.at(session, who.party_id, now=now).pause
                if paused is None:
                    return
                asked = stepup.begin(session, who, limits.lift_act(who.party_id, paused), shown="", now=now)
                limits.lift_pause(session, who, now=now, answer=stepup.Answer(asked.id))
                repayments.service.wake(session, who.party_id)

            self.place.people.acting(house, work)

        return lift

    def _cancel(self, house: Household, day: date) -> Act:
        def cancel() -> None:
            def work(session: Any, who: Any) -> int:
                done = 0
                for one in repayments.orders(session, who.party_id, open_only=True):
                    try:
                        with session.begin_nested():
                            repayments.cancel(session, who, who.party_id, one.order_id, now=clock.now())
                        done += 1
                    except repayments.TooLateToCancel:
                        continue
                return done

            if self.place.people.acting(house, work):
                self._noted(house, day, "cancelled an order")

        return cancel

    def _revoke(self, house: Household, day: date) -> Act:
        def revoke() -> None:
            def work(session: Any, who: Any) -> None:
                for one in mandates.of(session, who.party_id):
                    mandates.revoke(session, who, one.id, now=clock.now())

            if house.mandates:
                self._noted(house, day, "revoked its mandates")
                self.place.people.acting(house, work)
                house.mandates.clear()

        return revoke

    def _noted(self, house: Household, day: date, what: str) -> None:
        with self.place.people.lock:
            self.place.diary.stops.setdefault(house.number, []).append((day, what))

    def _part(self, house: Household, card: Card) -> Act:
        def part() -> None:
            bill = self._bill(house, card)
            if bill is not None and bill.open > 3:
                amount = bill.open // 3
                yuan = f"{amount // 100}.{amount % 100:02d}"
                self._tap(house, card, AmountRule.CUSTOM, amount=yuan)()

        return part

    def _look_again(self, house: Household, card: Card) -> Act:
        """The day before it is due: what is neither paid nor on its way is tapped once more, by most people."""

        def look() -> None:
            if not self.place.dice.percent(85, "looks again", house.number, clock.today()):
                return
            rule = AmountRule.MINIMUM if house.way is Way.MINIMUM else AmountRule.FULL
            if self._left(house, card) > 0:
                self._tap(house, card, rule)()

        return look

    def _left(self, house: Household, card: Card) -> int:
        bill = self._bill(house, card)
        account = house.accounts.get(card.number)
        if bill is None or account is None:
            return 0

        def look(session: Any, who: Any) -> int:
            return repayments.on_its_way(session, who.party_id, on=clock.today()).get(account, 0)

        return bill.open - self.place.people.acting(house, look)

    def _by_hand(self, house: Household, card: Card) -> Act:
        """Take the steps from us, pay in the bank's app, come back and say so."""

        def pay() -> None:
            account = house.accounts.get(card.number)
            if account is None:
                return
            folk = self.place.people
            tap = folk.tap(house, account, rule=AmountRule.FULL.value, channel=people.BY_HAND)
            if tap.fate is not Fate.TAKEN:
                return
            for key, amount in self._waiting(house, account):
                if folk.pay_in_app(house, card, amount):
                    folk.submit(house, f"/repay/by-hand/{key}", f"/repay/by-hand/{key}/paid")

        return pay

    def _waiting(self, house: Household, account: UUID) -> list[tuple[UUID, int]]:
        def look(session: Any, who: Any) -> list[tuple[UUID, int]]:
            found = repayments.orders(session, who.party_id, account_id=account, open_only=True)
            waiting = (OrderStatus.PLACED, OrderStatus.SENT)
            mine = [one for one in found if one.channel == people.BY_HAND and one.status in waiting]
            return [(one.key, one.amount) for one in mine if one.key is not None]

        return self.place.people.acting(house, look)
