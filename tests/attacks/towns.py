"""Two people with something in every room, for attacks of the one on the other. Everybody is invented."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from tests.attacks.conftest import BASE
from tests.attacks.hands import Clock, Hand, house_at
from tests.identity import twins
from tests.identity.authenticator import Authenticator
from tests.identity.households import NOW, settle
from tests.identity.twins import Twins

from anhuan import cards, channels, repayments, statements
from anhuan.cli import demo_mail
from anhuan.identity import clients, erasure, export, organisations, passkeys, sessions, stepup
from anhuan.identity.organisations import OrganisationKind
from anhuan.identity.rights import Role, rights_of
from anhuan.kit import db as database
from anhuan.kit import ids, page, postgres, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.repayments import AmountRule, RepayAsk, bindings, journey_autopay, mandates
from anhuan.repayments.mandate_model import Wish

WHY = "第三季度权限复核后的调整"


@dataclass
class Household:
    """One party: a person with a session, an organisation with a session of its own, and every id that is theirs."""

    id: UUID
    browser: Hand
    office: Hand
    organisation: UUID
    ids: dict[str, list[UUID]] = field(default_factory=dict)
    archive: UUID | None = None


class Town:
    """Mei, who has everything, and Lin, who tries to get at it; the clock stands still."""

    def __init__(self, engine: Engine, server: postgres.Access) -> None:
        self.clock = Clock()
        self.clock.at = NOW
        self.house: FastAPI = house_at(database.sessions(), self.clock)
        name = engine.url.database
        assert name
        self.twins = Twins(name, server, ())
        self.mei = settled(engine, self.house, "梅二")
        self.lin = settled(engine, self.house, "林一")
        with psycopg.connect(self.twins.url("owner")) as admin:
            self.twins = Twins(name, server, twins.tables_of(admin))
            for one in (self.mei, self.lin):
                one.ids = ids_of(admin, one)

    def marks(self, one: Household) -> dict[str, tuple[str, str]]:
        """What stands in every table for a person and the person's organisation, as hashes."""
        own, office = self.twins.marks(one.id), self.twins.marks(one.organisation)
        return {table: (own[table], office[table]) for table in own}


def settled(engine: Engine, house: FastAPI, name: str) -> Household:
    """A person with something in every room, and an organisation with a maker, an invitation and a proposal."""
    who = settle(engine, name)
    assert who.person_id
    person = who.person_id
    with Session(engine) as db, db.begin():
        wall.enter(db, party=person, person=person)
        token = sessions.open_session(db, person, strength=Strength.PASSKEY, now=NOW)
        owner = sessions.admit(db, token, now=NOW)
        bill = list(demo_mail.bills_until(demo_mail.ACCOUNTS[1], date(2026, 11, 22)))[-1]
        statements.preview(db, person, [statements.Upload("next.eml", demo_mail.mail(bill))], now=NOW)
        for bank in ("cmb", "cgb"):
            cards.add_card(db, person, bank, "6214", now=NOW)
        shared = [face.account_id for face in cards.accounts(db, person)][:2]
        cards.share_line(db, person, shared, label="一起")
        for order in (ids.new_id(), ids.new_id()):
            channels.prepare(db, person, channels.Ask(order, 1, 1, "bank_app", "cmb", "6688", "6214", 100_00), now=NOW)
        _repaying(db, person)
        clients.make_personal(db, owner, label="记账", scopes=["cards.read"], now=NOW)
        export.ask(db, person, actor=owner, now=NOW, lang="zh")
        erasure.ask(db, person, actor=owner, now=NOW, lang="zh")
        for _ in range(2):
            key = Authenticator()
            asked, options = passkeys.register_options(db, person, name=name, now=NOW, session_id=None)
            made = passkeys.check_registration(db, asked, key.make(options), now=NOW)
            passkeys.keep(db, made, name="我的手机", now=NOW)
        party = organisations.make(db, owner, kind=OrganisationKind.MERCHANT, name=f"{name}的店(虚构)", now=NOW)
    journey_autopay.take_up_bills(since=None, now=NOW)
    office = _office(engine, owner, party)
    hands = [Hand(TestClient(house, base_url=BASE), {page.SESSION_COOKIE: one}) for one in (token, office)]
    return Household(person, hands[0], hands[1], party)


def _repaying(db: Session, person: UUID) -> None:
    """Two payments by hand, a mandate, and an account and a card bound at a channel."""
    token = sessions.open_session(db, person, strength=Strength.DEMO, now=NOW)
    who = sessions.admit(db, token, now=NOW)
    own = cards.own_accounts(db, person)[0]
    bill = cards.current_bills(db, person, on=date(2026, 11, 22))[0]
    for _ in range(2):
        ask = RepayAsk(bill.account_id, own.account_id, AmountRule.CUSTOM, 10_00, "bank_app")
        quote = repayments.quote(db, person, ask, now=NOW)
        repayments.place(db, person, [quote], key=ids.new_id(), kind=repayments.GroupKind.ONE, now=NOW, who=who)
    for kind, subject in ((bindings.Kind.SOURCE, own.account_id), (bindings.Kind.CARD, bill.account_id)):
        how = bindings.Proved.HOLDER_CHECK
        bindings.bind(db, who, person, kind, subject, "simbank", ref="6214", name="林", how=how, now=NOW)
    wish = Wish(bill.account_id, own.account_id, cap=10_000_00)
    act = mandates.act_of(db, person, wish, now=NOW)
    asked = stepup.begin(db, who, act, shown="", now=NOW)
    mandates.give(db, who, wish, answer=stepup.Answer(asked.id), now=NOW)


def _office(engine: Engine, owner: Actor, party: UUID) -> str:
    """A session of the owner for the organisation, which then has a maker and two things that wait."""
    assert owner.person_id
    with Session(engine) as db, db.begin():
        wall.enter(db, party=party, person=owner.person_id)
        token = sessions.open_session(db, owner.person_id, strength=Strength.PASSKEY, now=NOW, party_id=party)
        acting = sessions.admit(db, token, now=NOW)
        link, _ = (organisations.invite(db, acting, Role.MAKER, now=NOW) for _ in range(2))
        maker = sessions.add_person(db, now=NOW, name="马三")
        joining = Actor(ActorKind.PERSON, maker, maker, rights=rights_of([Role.HOLDER]))
        organisations.join(db, joining, link, now=NOW)
        wall.enter(db, party=party, person=owner.person_id)
        organisations.propose_role(db, acting, maker, Role.CHECKER, reason=WHY, now=NOW)
    return token


def ids_of(admin: psycopg.Connection, one: Household) -> dict[str, list[UUID]]:
    """Every id of a party by the name that a path has for it."""
    asked = {
        "account_id": "SELECT id FROM card_accounts WHERE user_id = %(p)s"
                      " UNION SELECT id FROM own_accounts WHERE user_id = %(p)s",
        "own_id": "SELECT id FROM own_accounts WHERE user_id = %(p)s",
        "bill_id": "SELECT id FROM bills WHERE user_id = %(p)s",
        "card_id": "SELECT id FROM cards WHERE user_id = %(p)s",
        "line_id": "SELECT id FROM credit_lines WHERE user_id = %(p)s",
        "flow_id": "SELECT id FROM plan_flows WHERE user_id = %(p)s",
        "preview_id": "SELECT id FROM statement_imports WHERE user_id = %(p)s",
        "import_id": "SELECT id FROM statement_imports WHERE user_id = %(p)s",
        "request_id": "SELECT id FROM data_requests WHERE user_id = %(p)s",
        "session_id": "SELECT id FROM sessions WHERE person_id = %(p)s",
        "key_id": "SELECT id FROM personal_keys WHERE person_id = %(p)s"
                  " UNION SELECT id FROM passkeys WHERE person_id = %(p)s",
        "invitation_id": "SELECT id FROM organisation_invitations WHERE user_id = %(o)s",
        "change_id": "SELECT id FROM change_requests WHERE organisation_id = %(o)s",
        "instruction_id": "SELECT key FROM channel_instructions WHERE user_id = %(p)s",
        "order_id": "SELECT id FROM repay_orders WHERE user_id = %(p)s",
        "group_id": "SELECT id FROM repay_groups WHERE user_id = %(p)s",
        "binding_id": "SELECT id FROM repay_bindings WHERE user_id = %(p)s",
        "mandate_id": "SELECT id FROM mandates WHERE user_id = %(p)s",
        "run_id": "SELECT id FROM mandate_runs WHERE user_id = %(p)s",
        "person_id": "SELECT person_id FROM members WHERE organisation_id = %(o)s"
                     " AND person_id <> %(p)s",
    }  # fmt: skip
    values: dict[str, Any] = {"p": one.id, "o": one.organisation}
    return {name: [row[0] for row in admin.execute(sql.encode(), values)] for name, sql in asked.items()}
