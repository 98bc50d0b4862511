"""Mail by SMTP: encrypted and verified but on this machine, one address, no line that somebody smuggled in."""

import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.notify.mailserver import mail_server

from anhuan.kit import ids
from anhuan.kit.settings import BadSetting
from anhuan.notify import smtp
from anhuan.notify.rules import is_address
from anhuan.notify.smtp import Mail, Outcome

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
FROM = "anhuan@example.org"


def mail(to: str = "lin@example.com", subject: str = "还款到账了") -> Mail:
    return Mail(ids.new_id(), to, subject, "到账了。\n.\n一行只有一个点。\n", NOW)


@pytest.fixture
def trust(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "1", "-subj", "/CN=mail.example", "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/cert"]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


def test_a_mail_arrives_whole_also_with_a_lonely_dot() -> None:
    with mail_server() as server:
        tried = smtp.send(smtp.read(server.url, FROM), mail())
    assert tried.outcome is Outcome.TAKEN
    assert server.mails[0].text == "到账了。\n.\n一行只有一个点。\n"
    assert server.mails[0].mail["Auto-Submitted"] == "auto-generated"


def test_on_this_machine_tls_is_used_where_it_is_offered(trust: ssl.SSLContext) -> None:
    with mail_server(trust=trust) as server:
        there = smtp.read(f"smtp://me:se%40cret@127.0.0.1:{server.port}", FROM)
        assert smtp.send(there, mail()).outcome is Outcome.TAKEN
    assert len(server.logins) == 1


def test_elsewhere_a_certificate_that_nobody_vouches_for_ends_it(
    trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "HERE", ())
    with mail_server(trust=trust) as server:
        tried = smtp.send(smtp.read(server.url, FROM), mail())
    assert (tried.outcome, tried.code, server.mails) == (Outcome.NOT_NOW, "SSLCertVerificationError", [])


def test_elsewhere_nothing_goes_out_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "HERE", ())
    with mail_server() as server:
        there = smtp.read(f"smtp://me:secret@127.0.0.1:{server.port}", FROM)
        tried = smtp.send(there, mail())
    assert (tried.outcome, tried.code) == (Outcome.NOT_NOW, "SMTPNotSupportedError")
    assert (server.mails, server.logins) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        "lin@example.com\r\nBcc: all@example.com", "lin@example.com\n", "<lin@example.com>", "lin", "@example.com",
        "lin@@example.com", "lin@example", "lin lin@example.com", "lin@exa mple.com", "林@example.com",
        "a,b@example.com", f"{'a' * 65}@example.com", f"a@{'b' * 250}.com", "", ".lin@example.com", "lin@-a.com",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_never_mailed(address: str) -> None:
    assert not is_address(address)
    with mail_server() as server:
        assert smtp.send(smtp.read(server.url, FROM), mail(address)).outcome is Outcome.REFUSED
    assert server.mails == []


@pytest.mark.parametrize("address", ["lin@example.com", "l.i+n@mail.example.com.cn", "10086@139.com"])
def test_what_people_have_is_an_address(address: str) -> None:
    assert is_address(address)


def test_a_line_break_in_a_subject_is_refused_by_the_library() -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline|carriage"):
        smtp.bytes_of(mail(subject="hi\r\nBcc: all@example.com"), FROM)


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp://", "smtp://host:port", "smtp://host/path", "mail.example:25", "smtp://h?x=1"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        smtp.read(url, FROM)


def test_a_sender_is_needed() -> None:
    with pytest.raises(BadSetting, match="ANHUAN_MAIL_FROM"):
        smtp.read("smtp://localhost", None)


def test_ports_follow_the_scheme() -> None:
    assert (smtp.read("smtp://a.example", FROM).port, smtp.read("smtps://a.example", FROM).port) == (587, 465)
