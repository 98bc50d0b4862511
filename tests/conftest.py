"""What every test may ask for: a clean database, a user, and the data of others where they lie beside the tree."""

import base64
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles, terminal

TOP = Path(__file__).resolve().parents[1]
TEMPLATE = "anhuan_template"
OTHERS = ("desk", "work", "audit")  # the logins beside the web's own
_HOME = "ANHUAN_TEST_HOME"  # the run's server folder, handed from the first process to its workers


def pytest_configure(config: pytest.Config) -> None:
    """No test may touch the data of the person who runs it: settings are forgotten, the home is a fresh folder."""
    for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("ANHUAN_")]:
        if name not in (_HOME, "ANHUAN_HOME", "ANHUAN_MASTER_KEY", "ANHUAN_CHROMIUM"):
            os.environ.pop(name)
    terminal.log_to_stderr(verbose=False)
    if hasattr(config, "workerinput"):
        return
    home = Path(tempfile.mkdtemp(prefix="anhuan-test-"))
    home.chmod(0o711)  # as root the server runs as another user, who must get in
    os.environ[_HOME] = str(home)
    os.environ["ANHUAN_HOME"] = str(home / "home")
    os.environ["ANHUAN_MASTER_KEY"] = base64.b64encode(os.urandom(32)).decode()  # opens the run's databases anywhere


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process cleans up when all its workers are done."""
    if hasattr(config, "workerinput") or _HOME not in os.environ:
        return
    home = Path(os.environ.pop(_HOME))
    for place in (home / "server", home / "home"):
        if place.is_dir():
            server = postgres.Embedded(place, testing=place.name == "server")
            server.stop()
            if not server.data.is_relative_to(home):
                shutil.rmtree(server.data.parent, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Access]:
    """The one server of this run (fsync off), with a migrated template in it."""
    embedded = postgres.Embedded(Path(os.environ[_HOME]) / "server", testing=True)
    access = embedded.join()
    with (Path(os.environ[_HOME]) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _admin(access) as admin:
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
                roles.create_database(admin, TEMPLATE)
                owner = _on(access.owner, TEMPLATE)
                with psycopg.connect(owner, autocommit=True) as inside:
                    roles.open_schema(inside)
                database.migrate(owner)
    yield access
    embedded.leave()


@pytest.fixture(scope="session")
def worker_engine(server: postgres.Access) -> Iterator[Engine]:
    """The database of this test worker, copied from the template."""
    name = f"anhuan_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with _admin(server) as admin:
        roles.create_database(admin, name, template=TEMPLATE)
    engine = database.open_engine(_on(server.app, name))  # with a pool: who knocks at PostgreSQL anew waits the longest
    yield engine
    engine.dispose()


@pytest.fixture
def db(server: postgres.Access, worker_engine: Engine) -> Iterator[Session]:
    """A session of anhuan_app whose rows are gone after the test; `kit.db.transaction` joins the same rows.

    It stands behind the wall: the rows of LOCAL_USER are open to it, or of `user_id` where the test asks for that.
    """
    with worker_engine.connect() as connection, other_logins(server, str(worker_engine.url.database)):
        outer = connection.begin()
        before = database.use(connection)
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            as_party(session, ids.LOCAL_USER)
            yield session
        database.use(before)
        outer.rollback()


@pytest.fixture
def own_database(server: postgres.Access) -> Iterator[Engine]:
    """A database of this test alone, for several connections and all logins at once; `kit.db` uses it too."""
    with own_copy(server) as engine:
        yield engine


@contextmanager
def own_copy(server: postgres.Access) -> Iterator[Engine]:
    """A database beside the others, copied from the template and thrown away; also for the tests of a whole file."""
    name = f"anhuan_copy_{ids.new_id().hex[-12:]}"
    with _admin(server) as admin:
        roles.create_database(admin, name, template=TEMPLATE)
    engine = database.open_engine(_on(server.app, name))
    before = database.use(engine)
    with other_logins(server, name):
        yield engine
    database.use(before)
    engine.dispose()
    with _admin(server) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def user_id(request: pytest.FixtureRequest) -> UUID:
    """A person nobody else has seen; the `db` of the test sees the rows of this party."""
    made = ids.new_id()
    if "db" in request.fixturenames:
        as_party(request.getfixturevalue("db"), made)
    return made


@contextmanager
def other_logins(server: postgres.Access, name: str) -> Iterator[None]:
    """The logins of operators, worker and auditor work on this database of the test server."""
    engines = {login: database.open_engine(_on(getattr(server, login), name)) for login in OTHERS}
    for login, engine in engines.items():
        database.use_login(login, engine)
    yield
    for login, engine in engines.items():
        database.use_login(login, None)
        engine.dispose()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of other people's data; the test is skipped where it is not beside the source tree."""
    place = TOP.parent / "shared" / "data"
    if not place.is_dir():
        pytest.skip("needs the data folder ../shared/data beside the source tree")
    return place


def _on(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _admin(access: postgres.Access) -> psycopg.Connection:
    return psycopg.connect(_on(access.owner, "postgres"), autocommit=True)
