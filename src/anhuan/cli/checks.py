"""Checks of `anhuan selfcheck` about people's safety: logins, audit chain, mode, origin, worker, files of keys."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import psycopg

from anhuan.kit import clock, db, roles, settings
from anhuan.kit.errors import Broken

LINK_LATE: Final = timedelta(minutes=10)  # a worker links the chain every minute
ROOT_LATE: Final = timedelta(hours=30)  # a root covers a bank day and is signed soon after its end
WORKER_SILENT: Final = timedelta(minutes=5)  # thirty heartbeats
WATCHER_SILENT: Final = timedelta(minutes=3)  # six looks
LOGINS: Final = {"app": roles.APP, "desk": roles.DESK, "work": roles.WORK, "audit": roles.AUDIT}


class Worry(Broken):
    """Nothing is broken, but somebody should look."""

    code = "selfcheck.worry"


def check_logins() -> str:
    """The five logins are different roles, and each can do its own work alone."""
    from anhuan.kit import store_checks

    access, wrong, missing = db.access(), list[str](), list[str]()
    for name, expected in LOGINS.items():
        url = getattr(access, name)
        if url is None:
            missing.append(f"ANHUAN_{name.upper()}_URL")
            continue
        with psycopg.connect(url, connect_timeout=10) as connection:
            wrong += store_checks.beyond_its_work(connection, expected)
    owner = urlsplit(access.owner).username
    if access.owner == access.app:
        missing.append("ANHUAN_OWNER_URL")  # needed for `anhuan db migrate` alone
    elif owner in LOGINS.values():
        wrong.append(f"the tables are changed by {owner}, which should be a login of its own")
    if wrong:
        raise Broken("; ".join(wrong))
    if missing:
        raise Worry(f"not set: {', '.join(missing)}")
    return "web, desk, worker, auditors and owner are five, each with its own work"


def check_chain() -> str:
    """Records are linked within minutes, and the newest signed root is of this day or yesterday."""
    from anhuan.kit import store_audit, store_checks

    now = clock.now()
    if db.access().audit is None:
        raise Worry("not looked at: ANHUAN_AUDIT_URL is not set")
    with db.sessions("audit").begin() as session:
        count, oldest = store_checks.oldest_waiting(session)
        root = store_audit.last_root(session)
    if oldest is not None and now - oldest > LINK_LATE:
        raise Worry(f"{count} records wait for the chain since {oldest:%Y-%m-%d %H:%M} UTC: is `anhuan work` running?")
    if root is None:
        raise Worry(f"no root was signed yet, {count} records wait")
    age = now - datetime.fromisoformat(root.through_at)
    if age > ROOT_LATE:
        raise Worry(f"the last signed root ended {age.total_seconds() / 3600:.0f} hours ago")
    return f"root {root.number} ended {age.total_seconds() / 3600:.0f} hours ago, {count} records wait"


def check_books() -> str:
    """Nobody who serves people could change the books beside `ledger.post`, and their guards are awake."""
    from anhuan.ledger import guard

    access, wrong = db.access(), list[str]()
    for name in LOGINS:
        if (url := getattr(access, name)) is not None:
            with psycopg.connect(url, connect_timeout=10) as connection:
                wrong += guard.complaints([connection])
    if wrong:
        raise Broken(f"ledger guard: weak ({'; '.join(dict.fromkeys(wrong))})")
    return "ledger guard: whole, nobody but the owner's functions writes to the books"


def check_roots() -> str:
    """The newest signed root of the ledger names where its chains end, or ended minutes ago."""
    from anhuan.ledger import roots

    now = clock.now()
    if db.access().work is None:
        raise Worry("not looked at: ANHUAN_WORK_URL is not set")
    unsigned, newest = roots.unsigned_since()
    if unsigned is not None and now - unsigned > LINK_LATE:
        raise Worry(f"batches are unsigned since {unsigned:%Y-%m-%d %H:%M} UTC: is `anhuan work` running?")
    return "no root yet, and nothing to sign" if newest is None else f"root {newest.no}, {newest.short}"


def check_mode() -> str:
    """What kind of installation this is."""
    from anhuan.identity import demonstration

    with db.transaction() as session:
        mode = demonstration.mode(session)
    return mode or "neither real nor a demonstration yet: the first start decides"


def check_origin() -> str:
    """The address is https, unless it is this machine's own."""
    origin = settings.read().origin  # refuses everything else
    secure = urlsplit(origin).scheme == "https"
    return origin if secure else f"{origin}, for this machine alone"


def check_worker() -> str:
    """A background worker gave a sign of life in the last minutes."""
    from anhuan.kit import store_checks

    if db.access().work is None:
        raise Worry("not looked at: ANHUAN_WORK_URL is not set")
    with db.sessions("work").begin() as session:
        last = store_checks.last_sign_of_life(session)
    if last is None or clock.now() - last > WORKER_SILENT:
        since = "none was ever seen" if last is None else f"silent since {last:%Y-%m-%d %H:%M} UTC"
        raise Worry(f"{since}: start `anhuan work`, or `anhuan serve`, which has one beside it")
    return f"last heard {(clock.now() - last).total_seconds():.0f} seconds ago"


def check_watcher() -> str:
    """The second watcher gave a sign of life, and nothing it found still lasts."""
    from anhuan.notify import watchers

    if db.access().work is None:
        raise Worry("not looked at: ANHUAN_WORK_URL is not set")
    with db.sessions("work").begin() as session:
        last, standing = watchers.last(session), watchers.standing(session)
    if last is None or clock.now() - last.seen_at > WATCHER_SILENT:
        since = "none was ever seen" if last is None else f"silent since {last.seen_at:%Y-%m-%d %H:%M} UTC"
        raise Worry(f"{since}: start `anhuan watch`, or `anhuan serve`, which has one beside it")
    if standing:
        raise Worry("; ".join(f"{kind} since {since:%Y-%m-%d %H:%M} UTC" for kind, since in standing))
    return f"last heard {(clock.now() - last.seen_at).total_seconds():.0f} seconds ago, {last.coming} alerts ready"


def check_mail() -> str:
    """Mail can be sent, and an operator is told when something stands still."""
    from anhuan.notify import rules, smtp

    there, operator = smtp.server(), settings.read().alert_mail
    if there is None:
        raise Worry("ANHUAN_SMTP_URL is not set: people are told in the pages alone")
    if operator is None:
        raise Worry("ANHUAN_ALERT_MAIL is not set: no operator is told when the worker or the database stands still")
    if not rules.is_address(operator):
        raise Worry("ANHUAN_ALERT_MAIL is no mail address")
    return f"by {there.host}:{there.port} as {there.sender}; {operator} is told of incidents"


def check_files() -> str:
    """Nobody else on this machine reads the keys."""
    folder = settings.read().home / "keys"
    if not folder.exists():
        return "no keys here yet"
    secret = [one for one in folder.iterdir() if not one.name.endswith(".pub.pem")]
    open_ = [str(one) for one in (folder, *secret) if one.stat().st_mode & 0o077]
    if open_:
        raise Broken(f"others may read {', '.join(open_)}: chmod go= them")
    return f"{folder} is for this user alone"
