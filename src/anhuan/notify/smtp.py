"""One mail to one address by SMTP. What can go wrong is told apart: nothing went out, it was refused, or nobody knows.

TLS is asked for and verified, but for a mail server on this machine. Beside `kit.fetch` this is the only file that
opens a connection; the address of the server comes from the settings alone.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from anhuan.kit import settings
from anhuan.kit.settings import BadSetting
from anhuan.notify.rules import is_address

SECONDS: Final = 20.0
PORTS: Final = {"smtp": 587, "smtps": 465}
HERE: Final = ("localhost", "127.0.0.1", "::1")
SENDER: Final = "安还 Anhuan"


class Outcome(StrEnum):
    """What became of one try."""

    TAKEN = "taken"  # the server took responsibility for it
    NOT_NOW = "not_now"  # certainly not sent; may be tried again
    REFUSED = "refused"  # certainly not sent; trying again would change nothing
    UNCLEAR = "unclear"  # the line broke after the text was handed over


@dataclass(frozen=True, slots=True)
class Tried:
    """The outcome, and what the server or the line said."""

    outcome: Outcome
    code: str


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server of this installation, and in whose name it sends."""

    host: str
    port: int
    tls: bool  # from the first byte; otherwise STARTTLS, which only a server on this machine may lack
    user: str
    password: str
    sender: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: plain text to one address, under an id that names it for ever."""

    id: UUID
    to: str
    subject: str
    text: str
    at: datetime


def server() -> Server | None:
    """The mail server of the settings, or None; refuses an address that cannot be meant."""
    given = settings.read()
    return None if given.smtp_url is None else read(given.smtp_url, given.mail_from)


def read(url: str, sender: str | None) -> Server:
    """A mail server from its address `smtp://user:password@host:port`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise BadSetting(
            "ANHUAN_SMTP_URL is smtp://user:password@host:port or smtps://…", field="ANHUAN_SMTP_URL"
        ) from None
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadSetting("ANHUAN_SMTP_URL is smtp://user:password@host:port or smtps://…", field="ANHUAN_SMTP_URL")
    if not sender or not is_address(sender):
        raise BadSetting("ANHUAN_MAIL_FROM must be the mail address that mail comes from", field="ANHUAN_MAIL_FROM")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(host, port, parts.scheme == "smtps", user, password, sender)


def bytes_of(mail: Mail, sender: str) -> bytes:
    """The mail as it goes over the line; a line break in a header is refused by the library itself."""
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(SENDER, addr_spec=sender)
    made["To"] = Address(addr_spec=mail.to)
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(mail.at)
    made["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    made.set_content(mail.text, charset="utf-8", cte="base64")
    return made.as_bytes()


def send(to: Server, mail: Mail) -> Tried:
    """Hand one mail over, once. Only after the text itself was sent may the outcome be unclear."""
    if not is_address(mail.to):
        return Tried(Outcome.REFUSED, "no mail address")
    content = bytes_of(mail, to.sender)
    try:
        with _line(to) as line:
            for code, said in (line.mail(to.sender), line.rcpt(mail.to)):
                if code // 100 != 2:
                    return _no(code, said)
            return _handed_over(line, content)
    except smtplib.SMTPResponseException as error:  # greeting, EHLO, log-in
        return _no(error.smtp_code, error.smtp_error, for_good=False)
    except (smtplib.SMTPException, OSError) as error:
        return Tried(Outcome.NOT_NOW, type(error).__name__)


def _handed_over(line: smtplib.SMTP, content: bytes) -> Tried:
    try:
        code, said = line.data(content)
    except smtplib.SMTPDataError as error:  # it did not want the text at all
        return _no(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return Tried(Outcome.UNCLEAR, type(error).__name__)
    return Tried(Outcome.TAKEN, str(code)) if code // 100 == 2 else _no(code, said)


def _no(code: int, said: bytes | str, *, for_good: bool = True) -> Tried:
    """A no of the server: 4xx is a no for now (RFC 5321, 4.2.1); a no to ourselves is mended by the operator."""
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    final = for_good and code // 100 == 5
    return Tried(Outcome.REFUSED if final else Outcome.NOT_NOW, f"{code} {text}"[:120])


@contextmanager
def _line(to: Server) -> Iterator[smtplib.SMTP]:
    """A line to the server, encrypted and logged in; what goes wrong while hanging up concerns nobody."""
    trust = _trust(to.host)
    line: smtplib.SMTP
    if to.tls:
        line = smtplib.SMTP_SSL(to.host, to.port, timeout=SECONDS, context=trust)
    else:
        line = smtplib.SMTP(to.host, to.port, timeout=SECONDS)
    try:
        line.ehlo_or_helo_if_needed()
        if not to.tls and (line.has_extn("starttls") or to.host not in HERE):
            line.starttls(context=trust)  # raises where it is not offered: nothing goes out in clear
        if to.user:
            line.login(to.user, to.password)
        yield line
        try:
            line.quit()
        except (smtplib.SMTPException, OSError):
            return
    finally:
        line.close()


def _trust(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if host in HERE:  # this machine speaks to itself
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
