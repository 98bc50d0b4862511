"""What tests of channels share: a database of the test alone, a bank with a memory of its own, a licence that holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.channels.bank import NAME, RECORD, Bank, Connector, running
from tests.conftest import TEMPLATE, _admin, _on, other_logins
from tests.identity.desk import acting, at_desk

from anhuan import channels
from anhuan.channels import delivery, instructions, register, registry
from anhuan.channels.model import Ask, Instruction
from anhuan.identity import Role
from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles, wall

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # ten o'clock in China
TODAY = date(2026, 11, 22)
WHY = "与持牌机构签订的合作协议第十七号"
ENTRY = register.Entry(
    partner=NAME, licence_kind="支付业务许可证", licence_number="Z2000000000001", holder="小银行支付有限公司",
    verbs=("pay", "ask", "statement"), channels=(NAME,), products=("信用卡还款",), valid_from=date(2026, 1, 1),
    valid_to=date(2027, 1, 1), custody_bank="招商银行", document_sha256="ab" * 32, reason=WHY,
)  # fmt: skip


def licensed(entry: register.Entry = ENTRY, *, now: datetime = NOW, approved: bool = True) -> UUID:
    """An entry of the register, by two people."""
    one, other = acting(ids.new_id(), Role.OPERATIONS), acting(ids.new_id(), Role.RISK)
    with at_desk(one) as db:
        made = register.enter(db, one, entry, now=now)
    if approved:
        with at_desk(other) as db:
            shown = register.find(db, made, on=TODAY).shown
            register.approve(db, other, made, shown=shown, now=now)
    return made


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: int) -> datetime:
        self.now += timedelta(**span)
        return self.now


@dataclass
class World:
    """A party, a bank, a clock: what a story needs."""

    bank: Bank
    connector: Connector
    clock: Clock
    party: UUID

    def prepare(self, **changes: Any) -> Instruction:
        """One instruction of 500.00 yuan, or as said."""
        with self.rows() as db:
            return channels.prepare(db, self.party, replace(self.ask, **changes), now=self.clock())

    @property
    def ask(self) -> Ask:
        return Ask(self._order, 1, 1, NAME, "cmb", "debit-1", "card-6214", 50_000, name="林")

    @property
    def _order(self) -> UUID:
        return UUID(int=self.party.int ^ 1)

    def deliver(self, instruction: Instruction) -> channels.Answer:
        return delivery.deliver(self.party, instruction.key, now=self.clock)

    def again(self, instruction: Instruction) -> channels.Answer:
        return delivery.ask(self.party, instruction.key, now=self.clock)

    def state(self, instruction: Instruction) -> channels.State:
        with self.rows() as db:
            return instructions.state_of(db, self.party, instruction.key)

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """The party's rows, by the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            yield db


@pytest.fixture(scope="module")
def house(server: postgres.Access) -> Iterator[Engine]:
    """A database of this file's tests alone, for all logins; each test brings a party of its own."""
    name = f"anhuan_channels_{ids.new_id().hex[-12:]}"
    with _admin(server) as admin:
        roles.create_database(admin, name, template=TEMPLATE)
    engine = database.open_engine(_on(server.app, name))
    before = database.use(engine)
    with other_logins(server, name):
        worker = database.open_engine(_on(str(server.work), name))  # keeps its connections: it works most
        database.use_login("work", worker)
        yield engine
        worker.dispose()
    database.use(before)
    engine.dispose()
    with _admin(server) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def clean(house: Engine, server: postgres.Access) -> Engine:
    """The same without what the tests before told about channels."""
    owner = _on(server.owner, str(house.url.database))
    with psycopg.connect(owner, autocommit=True) as inside:
        inside.execute("SET ROLE anhuan_owner")
        inside.execute(
            "TRUNCATE partner_entries, partner_words, channel_breakers, channel_flags, channel_health,"
            " channel_callbacks, channel_arrivals, channel_files, channel_stops, rate_counters,"
            " procrastinate_jobs CASCADE"
        )
    return house


@pytest.fixture
def world(clean: Engine) -> Iterator[World]:
    """A licensed little bank behind a port."""
    with running(Bank()) as bank:
        connector = Connector(bank, registry._tell)
        with registry.only(**{NAME: connector}):
            licensed()
            yield World(bank, connector, Clock(), ids.new_id())


def recorded(world: World, **changes: Any) -> None:
    """Let the bank promise something else."""
    world.connector.record = replace(RECORD, **changes)
