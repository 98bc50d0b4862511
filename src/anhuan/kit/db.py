"""The database as rooms see it: the base of mapped rows, transactions that end well, and the line of migrations."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import psycopg
from sqlalchemy import BigInteger, Connection, DateTime, Engine, MetaData, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import NullPool

from anhuan.kit import binaries, postgres, roles, settings
from anhuan.kit.errors import Broken, Refused, Unavailable
from anhuan.kit.postgres import Access

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

POOL: Final = 10  # connections of one process at rest; the web server lends no more threads than pool and overflow
OVERFLOW: Final = 10
COUNTING: Final = 4  # more, for counters of tries: a thread that holds a connection needs a second one for a moment
_AGAIN: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock


class SchemaBehind(Broken):
    """The tables are older or newer than this program; `anhuan db migrate` brings them up to date."""

    code = "database.schema_behind"


class NoDatabase(Unavailable):
    """The server named by DATABASE_URL does not answer."""

    code = "database.unreachable"


class NoLogin(Refused):
    """With DATABASE_URL each kind of work needs the address of its own login; this one is not set."""

    code = "database.no_login"


class NotTheOwner(Refused):
    """The login for migrations may not act as the owner of the tables."""

    code = "database.not_the_owner"


class Base(DeclarativeBase):
    """What every mapped row is: whole numbers are bigint, moments are timestamptz, constraints have steady names."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


_bound: Engine | Connection | None = None
_logins: dict[str, Engine] = {}  # engines of the other logins of this process
_server: postgres.Embedded | None = None


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: committed at the end, rolled back by any exception."""
    with sessions().begin() as db:
        yield db


def sessions(login: str = "app") -> sessionmaker[Session]:
    """The maker of sessions as one login (`app`, `desk`, `work`, `audit`), for doors that open one transaction each."""
    bind = _bind() if login == "app" else _login(login)
    return sessionmaker(bind, join_transaction_mode="create_savepoint", expire_on_commit=False)


def url_of(login: str) -> str:
    """The address at which this login (`app`, `desk`, `work`, `audit`) enters; refuses one that is not set up."""
    found: str | None = getattr(access(), login)
    if found is None:
        name = f"ANHUAN_{login.upper()}_URL"
        raise NoLogin(f"with DATABASE_URL set, {name} must name the same server as anhuan_{login}", field=name)
    return found


def retry_tx(work: Callable[[Session], T], *, attempts: int = 5) -> T:
    """Do the work in a transaction, again if the server asks for it; the work must bear being repeated (a key)."""
    for attempt in range(1, attempts + 1):
        try:
            with transaction() as db:
                return work(db)
        except DBAPIError as error:
            code = getattr(error.orig, "sqlstate", None)
            if attempt == attempts or not (code in _AGAIN or error.connection_invalidated):
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def access() -> Access:
    """Where the database is: DATABASE_URL, else the embedded server, which is started when it does not run."""
    global _server  # one embedded server per process, left by `close`
    given = settings.read()
    if given.database_url is not None:
        _check_version(given.database_url)
        owner = given.owner_url or given.database_url
        others = (given.audit_url, given.desk_url, given.work_url)
        return Access(given.database_url, *others, owner, found="DATABASE_URL")
    if _server is None:
        _server = postgres.Embedded(given.home, pg_bin=given.pg_bin)
    return _server.join()


def use(bind: Engine | Connection | None) -> Engine | Connection | None:
    """Let `transaction` work on this engine or connection from now on; returns what it worked on before."""
    global _bound  # one database per process
    before, _bound = _bound, bind
    return before


def use_login(login: str, engine: Engine | None) -> None:
    """Let `sessions(login)` work on this engine from now on, or on the installation's own with None."""
    _logins.pop(login, None)
    if engine is not None:
        _logins[login] = engine


def open_engine(url: str) -> Engine:
    """A pool of connections to the address, in UTC."""
    return create_engine(
        driver_url(url),
        pool_size=POOL,
        max_overflow=OVERFLOW + COUNTING,
        pool_pre_ping=True,
        hide_parameters=True,  # what people own does not belong into an error's text
        connect_args={"options": "-c timezone=UTC"},
    )


def close() -> None:
    """Give back the connections and leave the embedded server; the last process out stops it."""
    global _server  # see access
    bind = use(None)
    for engine in (bind, *_logins.values()):
        if isinstance(engine, Engine):
            engine.dispose()
    _logins.clear()
    server, _server = _server, None
    if server is not None:
        server.leave()


def driver_url(url: str) -> str:
    """The address with our driver named, as SQLAlchemy wants it."""
    return (
        make_url(url.replace("postgres://", "postgresql://", 1))
        .set(drivername="postgresql+psycopg")
        .render_as_string(hide_password=False)
    )


def migrate(owner_url: str | None = None) -> str:
    """Bring the tables to this program's version, as the owner; safe to call twice or at once; returns the version."""
    from alembic import command  # here, because the command line's help must not pay for it

    engine = create_engine(driver_url(owner_url or access().owner), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            _become_owner(connection)
            command.upgrade(_migrations(connection), "head")
    except DBAPIError:
        if version(engine) != head():  # somebody else may have migrated at the same moment
            raise
    finally:
        engine.dispose()
    return head()


def version(bind: Engine) -> str | None:
    """The version of the tables, or None where there are none yet."""
    from alembic.runtime.migration import MigrationContext

    with bind.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The version of the tables that this program needs."""
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(_migrations()).get_current_head()
    if newest is None:
        raise Broken("this installation has lost its migrations")
    return newest


def require_head() -> None:
    """Stop unless the tables have this program's version."""
    bind = _bind()
    found = version(bind) if isinstance(bind, Engine) else head()
    if found != head():
        raise SchemaBehind(f"the tables have version {found}, this program needs {head()}: run `anhuan db migrate`")


def _bind() -> Engine | Connection:
    if _bound is None:
        use(open_engine(access().app))
    assert _bound is not None
    return _bound


def _login(login: str) -> Engine:
    if login not in _logins:
        _logins[login] = open_engine(url_of(login))
    return _logins[login]


def _become_owner(connection: Connection) -> None:
    try:
        connection.execute(text(f"SET ROLE {roles.OWNER}"))
    except DBAPIError as error:
        sentence = f"this login is no member of {roles.OWNER}: set ANHUAN_OWNER_URL (SQL: anhuan db roles)"
        raise NotTheOwner(sentence, field="ANHUAN_OWNER_URL") from error


def _migrations(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    package = Path(__file__).resolve().parents[1]
    tree = settings.checkout()
    config = Config()
    config.set_main_option(
        "script_location", str(tree / "migrations" if tree else package / "migrations").replace("%", "%%")
    )
    config.attributes["connection"] = connection
    return config


def _check_version(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            major, place = connection.info.server_version // 10000, connection.info.host
    except psycopg.OperationalError as error:
        raise NoDatabase(f"the server of DATABASE_URL does not answer: {error}", field="DATABASE_URL") from error
    if major < binaries.OLDEST:
        raise binaries.TooOld(
            f"PostgreSQL {major} at {place} (DATABASE_URL) is too old: Anhuan needs {binaries.OLDEST} or newer",
            field="DATABASE_URL",
        )
