"""A real mail server on a real port, as small as RFC 5321 allows: it keeps what it takes, and fails as told."""

import email
import email.policy
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any


@dataclass
class Taken:
    """One mail as it came over the line."""

    sender: str
    to: str
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        return str(self.mail.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """What the server was given, and how it behaves."""

    port: int = 0
    mails: list[Taken] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)  # an answer by verb in the place of the usual one
    hangs_up_after_text: bool = False
    trust: ssl.SSLContext | None = None  # STARTTLS is offered with it
    logins: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] | None = None  # called when the text has come, before the server answers
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def subjects(self) -> list[str]:
        return [str(one.mail["Subject"]) for one in self.mails]

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Taken]:
        """The mails, as soon as there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.mails) >= count, seconds), f"{len(self.mails)} mails came"
        return self.mails


class _Line(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        held: MailServer = self.server.held  # type: ignore[attr-defined]
        sender = to = ""
        self._say(held.says.get("GREETING", "220 mail.example ready"))
        while line := self.rfile.readline(2000):
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    offers = ["250-mail.example", *(["250-STARTTLS"] if held.trust else []), "250 AUTH PLAIN"]
                    self._say("\r\n".join(offers))
                case "STARTTLS" if held.trust:
                    self._say("220 go ahead")
                    self._encrypt(held.trust)
                case "AUTH":
                    held.logins.append(rest)
                    self._say(held.says.get("AUTH", "235 welcome"))
                case "MAIL":
                    sender = _address(rest)
                    self._say(held.says.get("MAIL", "250 ok"))
                case "RCPT":
                    to = _address(rest)
                    self._say(held.says.get("RCPT", "250 ok"))
                case "DATA":
                    if not self._data(held, sender, to):
                        return
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _encrypt(self, trust: ssl.SSLContext) -> None:
        self.wfile.close()
        self.rfile.close()
        self.connection = trust.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _data(self, held: MailServer, sender: str, to: str) -> bool:
        if "DATA" in held.says:
            self._say(held.says["DATA"])
            return True
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if held.before_answer:
            held.before_answer()
        with held.came:
            held.mails.append(Taken(sender, to, b"".join(lines)))
            held.came.notify_all()
        if held.hangs_up_after_text:
            return False
        self._say(held.says.get("TEXT", "250 taken"))
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


def _address(rest: str) -> str:
    found = re.search(r"<([^>]*)>", rest)
    return found[1] if found else ""


@contextmanager
def mail_server(**how: Any) -> Iterator[MailServer]:
    """A mail server that listens on this machine during the block."""
    held = MailServer(**how)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Line, bind_and_activate=True)
    server.daemon_threads = True
    server.held = held  # type: ignore[attr-defined]
    held.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield held
    server.shutdown()
    server.server_close()
