"""PostgreSQL without installing PostgreSQL: one private server, started by its first user and stopped by its last.

For one machine: trials, homes, small shops, tests. An operator's production sets DATABASE_URL to a normal server.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

from anhuan.kit import binaries, roles, terminal
from anhuan.kit.errors import Refused, Unavailable

log = terminal.logger(__name__)

ADMIN: Final = "anhuan_admin"
TEST_MARKER: Final = "ANHUAN_TEST_ONLY"  # in the data folder: this cluster may lose rows in a crash
START_SECONDS: Final = 90  # crash recovery included
_PREPARED: Final = 2  # grows with the set of roles, so that an older server gets the new ones
_UNSAFE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class CannotStart(Unavailable):
    """The embedded server does not start or stop."""

    code = "database.cannot_start"


class NotOurs(Refused):
    """A folder that the embedded server needs belongs to somebody else, or holds another kind of data."""

    code = "database.folder_not_ours"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a database: an address for each login, and the one for migrations alone."""

    app: str
    audit: str | None
    desk: str | None
    work: str | None
    owner: str
    found: str


@dataclass(slots=True)
class _Secrets:
    admin: str
    app: str
    audit: str
    desk: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    work: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    prepared: int = 0  # which set of roles the server has


class Embedded:
    """The private server of one installation folder; `join` before use, `leave` after it."""

    def __init__(self, home: Path, *, pg_bin: Path | None = None, testing: bool = False) -> None:
        self.home = home.absolute()
        self.testing = testing
        self._pg_bin = pg_bin
        self._users: int | None = None
        closed = os.geteuid() == 0 and not self._others_may_enter()
        mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        self.data = (binaries.SHARED_PLACE / f"data-{mark}" if closed else self.home) / "postgres"
        self.socket = Path(tempfile.gettempdir()) / f"anhuan-{mark}"

    def join(self) -> Access:
        """Start the server unless it runs, and count this process among its users until `leave`."""
        with self._alone():
            access = self._start()
            if self._users is None:
                self._users = _open_lock(self.home / "users.lock")
                fcntl.flock(self._users, fcntl.LOCK_SH)
        return access

    def leave(self) -> None:
        """Stop counting this process; the last one out stops the server unless `keep` was asked for."""
        if self._users is None:
            return
        with self._alone():
            users, self._users = self._users, None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(users)
            if not self._kept.exists():
                self._stop()

    def keep(self) -> Access:
        """Start the server and let it run until `stop`, however many users come and go."""
        with self._alone():
            access = self._start()
            self._kept.touch()
        return access

    def stop(self) -> bool:
        """Stop the server whoever uses it; tells whether there was one to stop."""
        if not self.home.is_dir():
            return False
        with self._alone():
            self._kept.unlink(missing_ok=True)
            return self._stop()

    def running(self) -> bool:
        """Whether a client can connect at this moment."""
        known = self._read_secrets()
        return known is not None and self._reach(known) == "up"

    # What happens under the lock

    def _start(self) -> Access:
        known = self._read_secrets() or self._new_secrets()
        if self._reach(known) != "up":
            account = binaries.account_for(self.data)
            programs = binaries.find(self._pg_bin, account)
            self._check_folder(programs)
            if not self.data.exists():
                self._init(programs, known, account)
            self._launch(programs, known, account)
            log.info("database started", found=programs.found, major=programs.major, data=str(self.data))
        elif self.testing != (self.data / TEST_MARKER).exists():
            self._refuse_marker()
        if known.prepared != _PREPARED:
            self._prepare(known)
        return self._access(known)

    def _check_folder(self, programs: binaries.Binaries) -> None:
        """Refuse a test cluster in earnest, real data in a test, and data of another major version."""
        if not self.data.exists():
            return
        if self.testing != (self.data / TEST_MARKER).exists():
            self._refuse_marker()
        major = int((self.data / "PG_VERSION").read_text().strip())
        if major != programs.major:
            raise NotOurs(f"{self.data} was made by PostgreSQL {major}, found {programs.major} ({programs.found})")

    def _refuse_marker(self) -> None:
        if self.testing:
            raise NotOurs(f"{self.data} holds real data: a test server may not open it")
        raise NotOurs(f"{self.data} is marked {TEST_MARKER}: it was run without fsync and may not hold real data")

    def _init(self, programs: binaries.Binaries, known: _Secrets, account: binaries.Account | None) -> None:
        """Make the cluster beside its final place and move it there whole, so a killed start leaves no half one."""
        self.data.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", prefix="anhuan-", dir=tempfile.gettempdir()) as password:
            password.write(known.admin)
            password.flush()
            if account is not None:
                os.chown(fresh, account.uid, account.gid)
                os.chown(password.name, account.uid, account.gid)
            options = ["-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", "--no-instructions"]
            options += ["--no-sync"] if self.testing else []
            command = [programs.folder / "initdb", "-D", fresh, f"--pwfile={password.name}", *options]
            done = _run(command, account)
        if done.returncode:
            raise CannotStart(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        if self.testing:
            (fresh / TEST_MARKER).touch()
        fresh.rename(self.data)

    def _launch(self, programs: binaries.Binaries, known: _Secrets, account: binaries.Account | None) -> None:
        """Start and wait; a killed server's process id can linger for seconds, so failing starts are repeated."""
        self._claim_socket(account)
        settings = ["listen_addresses=", f"unix_socket_directories={self.socket}", "unix_socket_permissions=0700"]
        settings += _UNSAFE if self.testing else ()
        options = " ".join(f"-c {shlex.quote(one)}" for one in settings)
        start = [programs.folder / "pg_ctl", "start", "-D", self.data, "-w", "-t", "20", "-s"]
        start += ["-l", self.data / "server.log", "-o", options]
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            state = self._reach(known)
            if state == "up":
                return
            if state == "down":
                _run(start, account)
            time.sleep(0.1)
        tail = (self.data / "server.log").read_text(errors="replace").splitlines()[-8:]
        raise CannotStart("PostgreSQL does not start: " + " / ".join(tail))

    def _claim_socket(self, account: binaries.Account | None) -> None:
        """A short private folder for the socket (its path may have 107 bytes); refuse one that is not ours."""
        owner = os.geteuid() if account is None else account.uid
        try:
            self.socket.mkdir(mode=0o700)
            if account is not None:
                os.chown(self.socket, account.uid, account.gid)
        except FileExistsError:
            info = self.socket.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != owner or stat.S_IMODE(info.st_mode) != 0o700:
                raise NotOurs(f"{self.socket} exists and is not a private folder of this user; remove it") from None

    def _prepare(self, known: _Secrets) -> None:
        with psycopg.connect(self._url(ADMIN, known.admin, "postgres"), autocommit=True) as admin:
            own = {roles.APP: known.app, roles.AUDIT: known.audit, roles.DESK: known.desk, roles.WORK: known.work}
            roles.create_roles(admin, own)
            roles.create_database(admin)
            roles.let_in(admin)
        with psycopg.connect(self._url(ADMIN, known.admin, roles.DATABASE), autocommit=True) as inside:
            roles.open_schema(inside)
        known.prepared = _PREPARED
        self._write_secrets(known)

    def _stop(self) -> bool:
        if not (self.data / "postmaster.pid").exists():
            return False
        account = binaries.account_for(self.data)
        programs = binaries.find(self._pg_bin, account)
        done = _run([programs.folder / "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60"], account)
        if done.returncode and self.running():
            raise CannotStart(f"PostgreSQL does not stop: {done.stderr.strip()}")
        shutil.rmtree(self.socket, ignore_errors=True)
        return not done.returncode

    # Small parts

    @property
    def _kept(self) -> Path:
        return self.home / "keep-running"

    def _others_may_enter(self) -> bool:
        account = binaries.account_for(self.home / "postgres")
        near = next(place for place in [self.home, *self.home.parents] if place.exists())
        return account is None or account.may_enter(near)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One starter or stopper at a time, machine-wide, by a lock that dies with its process."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o711)
        lock = _open_lock(self.home / "start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _reach(self, known: _Secrets) -> str:
        """Whether the server is `up`, `starting` (recovering from a crash), or `down`."""
        try:
            psycopg.connect(self._url(ADMIN, known.admin, "postgres"), connect_timeout=10).close()
        except psycopg.OperationalError as error:
            return "starting" if "starting up" in str(error) or "recovery" in str(error) else "down"
        return "up"

    def _access(self, known: _Secrets) -> Access:
        return Access(
            app=self._url(roles.APP, known.app, roles.DATABASE),
            audit=self._url(roles.AUDIT, known.audit, roles.DATABASE),
            desk=self._url(roles.DESK, known.desk, roles.DATABASE),
            work=self._url(roles.WORK, known.work, roles.DATABASE),
            owner=self._url(ADMIN, known.admin, roles.DATABASE),
            found="embedded server",
        )

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={quote(str(self.socket))}"

    def _new_secrets(self) -> _Secrets:
        known = _Secrets(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        self._write_secrets(known)
        return known

    def _read_secrets(self) -> _Secrets | None:
        place = self.home / "access.json"
        return _Secrets(**json.loads(place.read_text())) if place.exists() else None

    def _write_secrets(self, known: _Secrets) -> None:
        fresh = self.home / "access.json.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(asdict(known), out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.home / "access.json")


def _open_lock(place: Path) -> int:
    return os.open(place, os.O_RDWR | os.O_CREAT, 0o600)


def _run(command: list[Any], account: binaries.Account | None) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs away from our terminal, folder, rights and settings."""
    calm = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    who: dict[str, Any] = {}
    if account is not None:
        who = {"user": account.uid, "group": account.gid, "extra_groups": []}
    # Files instead of pipes: the server inherits them, and a pipe would keep us waiting for its end.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(
            [str(part) for part in command],
            **who, cwd="/", env=calm | {"TZ": "UTC"}, start_new_session=True, check=False,
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True,
        )  # fmt: skip
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())
