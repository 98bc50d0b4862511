"""Settings: the few things that differ from one machine to the next, read from the environment once per use."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from anhuan.kit.errors import Refused

Network = IPv4Network | IPv6Network
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")  # names of this machine for itself
_NAME: Final = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class BadSetting(Refused):
    """A setting has a value that cannot be used."""

    code = "settings.bad_value"


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its name, what holds without it, and what it is for."""

    name: str
    default: str
    meaning: str


SETTINGS: Final = (
    Setting("DATABASE_URL", "the embedded server", "PostgreSQL 18 server to use, as the role anhuan_app"),
    Setting("ANHUAN_OWNER_URL", "DATABASE_URL", "the same server as a member of anhuan_owner, for migrations only"),
    Setting("ANHUAN_DESK_URL", "no operators' pages", "with DATABASE_URL: the same server as the role anhuan_desk"),
    Setting("ANHUAN_WORK_URL", "no background work", "with DATABASE_URL: the same server as the role anhuan_work"),
    Setting("ANHUAN_AUDIT_URL", "no audit commands", "with DATABASE_URL: the same server as the role anhuan_audit"),
    Setting(
        "ANHUAN_AUDIT_SINK", "nobody", "command that gets each signed root of the audit log on stdin, to keep elsewhere"
    ),
    Setting(
        "ANHUAN_SIMBANK_DATABASE", "one on the embedded server", "the simulated bank's own database, with its login"
    ),
    Setting("ANHUAN_MASTER_KEY", "the file keys/master.key", "master key over the data keys: 32 bytes in base64"),
    Setting("ANHUAN_KMS_COMMAND", "none", "program that speaks to a key service, which then holds the master key"),
    Setting("ANHUAN_CIPHER", "aes", "how values are sealed from now on: aes (AES-256-GCM) or sm4 (SM4-GCM)"),
    Setting("ANHUAN_PG_BIN", "the bundled binaries", "folder with initdb, pg_ctl and postgres for the embedded server"),
    Setting("ANHUAN_HOME", "var in a checkout, else ~/.local/share/anhuan", "folder for the data of this installation"),
    Setting("ANHUAN_PERSON", "the only person", "id of the person commands act for, where several live here"),
    Setting("ANHUAN_PORT", "8000", "port of the web pages on this machine"),
    Setting("ANHUAN_ORIGIN", "http(s)://localhost:PORT", "what people type to reach the pages; https unless local"),
    Setting(
        "ANHUAN_TLS_CERT", "plain HTTP", "file with this server's certificate chain (PEM), where no proxy does TLS"
    ),
    Setting("ANHUAN_TLS_KEY", "none", "file with the key of that certificate (PEM), closed to others"),
    Setting("ANHUAN_SIGNUP", "invited", "who may come in: `invited` people, or `open` to everybody"),
    Setting("ANHUAN_SIMBANK_URL", "no simulated bank", "address of the simulated bank, e.g. http://127.0.0.1:8070"),
    Setting("ANHUAN_SIMBANK_KEYS", "keys/simbank.json of the home", "file with the keys for it, closed to others"),
    Setting(
        "ANHUAN_CLOCK_FILE",
        "the machine's clock",
        "file of a held clock; believed in a town of `anhuan simulate` alone",
    ),
    Setting("ANHUAN_SMTP_URL", "no mail", "mail server: smtp://user:password@host:port (STARTTLS) or smtps://..."),
    Setting("ANHUAN_MAIL_FROM", "none", "mail address that mails come from, needed with ANHUAN_SMTP_URL"),
    Setting(
        "ANHUAN_ALERT_MAIL", "nobody", "mail address of the operator, told when no worker works or alerts are late"
    ),
    Setting("ANHUAN_PROXY", "nobody", "addresses whose X-Forwarded-For and -Proto are believed, with commas"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, checked."""

    database_url: str | None
    owner_url: str | None
    desk_url: str | None
    work_url: str | None
    audit_url: str | None
    audit_sink: str | None
    pg_bin: Path | None
    home: Path
    port: int
    origin: str
    tls: tuple[Path, Path] | None  # certificate chain and key
    proxies: tuple[Network, ...]
    open_sign_up: bool
    simbank_url: str | None
    simbank_keys: Path
    simbank_database: str | None  # of the bank itself, not of Anhuan
    smtp_url: str | None
    mail_from: str | None
    alert_mail: str | None  # the operator's


def read(env: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process; refuses a value that cannot be meant, naming the variable."""
    given = os.environ if env is None else env
    pg_bin = given.get("ANHUAN_PG_BIN")
    port, tls = _port(given.get("ANHUAN_PORT") or "8000"), _tls(given)
    here = f"{'https' if tls else 'http'}://localhost:{port}"
    home = Path(given.get("ANHUAN_HOME") or _default_home(given)).expanduser().absolute()
    simbank_keys = given.get("ANHUAN_SIMBANK_KEYS")
    return Settings(
        database_url=given.get("DATABASE_URL") or None,
        owner_url=given.get("ANHUAN_OWNER_URL") or given.get("DATABASE_URL") or None,
        desk_url=given.get("ANHUAN_DESK_URL") or None,
        work_url=given.get("ANHUAN_WORK_URL") or None,
        audit_url=given.get("ANHUAN_AUDIT_URL") or None,
        audit_sink=given.get("ANHUAN_AUDIT_SINK") or None,
        pg_bin=Path(pg_bin).absolute() if pg_bin else None,
        home=home,
        port=port,
        origin=_origin(given.get("ANHUAN_ORIGIN") or here),
        tls=tls,
        proxies=tuple(map(_network, (given.get("ANHUAN_PROXY") or "").replace(",", " ").split())),
        open_sign_up=_choice("ANHUAN_SIGNUP", given, ("invited", "open")) == "open",
        simbank_url=given.get("ANHUAN_SIMBANK_URL") or None,
        simbank_keys=Path(simbank_keys).absolute() if simbank_keys else home / "keys" / "simbank.json",
        simbank_database=given.get("ANHUAN_SIMBANK_DATABASE") or None,
        smtp_url=given.get("ANHUAN_SMTP_URL") or None,
        mail_from=given.get("ANHUAN_MAIL_FROM") or None,
        alert_mail=given.get("ANHUAN_ALERT_MAIL") or None,
    )


def checkout() -> Path | None:
    """The folder of the source tree this code runs from, or None when it was installed from a wheel."""
    top = Path(__file__).resolve().parents[3]
    return top if (top / "pyproject.toml").is_file() and (top / "migrations").is_dir() else None


def _default_home(given: Mapping[str, str]) -> Path:
    tree = checkout()
    if tree is not None:
        return tree / "var"
    return Path(given.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "anhuan"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise BadSetting(f"ANHUAN_PORT must be a port number from 1 to 65535, not {text!r}", field="ANHUAN_PORT")
    return int(text)


def _tls(given: Mapping[str, str]) -> tuple[Path, Path] | None:
    """Certificate and key, both or none; a key that others may read is refused."""
    names = ("ANHUAN_TLS_CERT", "ANHUAN_TLS_KEY")
    found = [given.get(name) for name in names]
    if not any(found):
        return None
    for name, value in zip(names, found, strict=True):
        if not value or not Path(value).is_file():
            raise BadSetting(f"{name} must name a file, since the other of both is set", field=name)
    cert, key = (Path(str(value)).absolute() for value in found)
    if key.stat().st_mode & 0o077:
        raise BadSetting(f"others may read the key {key}: chmod 600", field="ANHUAN_TLS_KEY")
    return cert, key


def _choice(name: str, given: Mapping[str, str], words: tuple[str, ...]) -> str:
    """One of these words; the first where nothing is said."""
    said = given.get(name) or words[0]
    if said not in words:
        raise BadSetting(f"{name} must be {' or '.join(words)}, not {said!r}", field=name)
    return said


def _origin(text: str) -> str:
    """An origin as a browser writes it: scheme, name and port, nothing behind them."""
    try:
        parts = urlsplit(text)
        name, port = parts.netloc.removesuffix(f":{parts.port}"), parts.port
    except ValueError:
        raise _bad_origin(text) from None
    if text != f"{parts.scheme}://{parts.netloc}" or not _NAME.fullmatch(name) or port == 0:
        raise _bad_origin(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and name in LOCAL_HOSTS):
        raise _bad_origin(text)
    return f"{parts.scheme}://{name}" if port == {"https": 443, "http": 80}[parts.scheme] else text


def _bad_origin(text: str) -> BadSetting:
    meant = "https://name or https://name:port, in small letters; http only for this machine"
    return BadSetting(f"ANHUAN_ORIGIN must be {meant}, not {text!r}", field="ANHUAN_ORIGIN")


def _network(text: str) -> Network:
    try:
        found = ip_network(text)
    except ValueError:
        sentence = f"ANHUAN_PROXY must hold addresses or networks (192.0.2.1, 192.0.2.0/28), not {text!r}"
        raise BadSetting(sentence, field="ANHUAN_PROXY") from None
    if found.prefixlen == 0:
        raise BadSetting("ANHUAN_PROXY must not trust every address", field="ANHUAN_PROXY")
    return found
