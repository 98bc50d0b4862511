"""TLS of our own where no proxy does it: new versions alone, and a key that nobody else may read."""

import datetime as dt
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anhuan.cli import serve
from anhuan.kit import settings


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key, made now."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    key_file.chmod(0o600)
    return cert_file, key_file


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The smallest application."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@pytest.fixture
def door(papers: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Our server, with TLS, on a free port."""
    monkeypatch.setenv("ANHUAN_TLS_CERT", str(papers[0]))
    monkeypatch.setenv("ANHUAN_TLS_KEY", str(papers[1]))
    listening = socket.create_server(("127.0.0.1", 0))
    running = serve.server(hello)
    running.config.lifespan = "off"
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    running.should_exit = True
    thread.join(timeout=10)
    listening.close()


def said(port: int, context: ssl.SSLContext) -> bytes:
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as sealed:
        sealed.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := sealed.recv(4096):
            answer += part
        return answer


@pytest.mark.scope("S3-17")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pages_come_over_tls_with_a_certificate_that_is_checked(
    door: int, papers: tuple[Path, Path], version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=str(papers[0]))
    context.minimum_version = context.maximum_version = version
    assert b"\r\nhttps\r\n" in said(door, context)
    with pytest.raises(ssl.SSLCertVerificationError):
        said(door, ssl.create_default_context())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(door: int, papers: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(cafile=str(papers[0]))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        said(door, context)


def test_with_a_certificate_people_are_sent_to_https(papers: tuple[Path, Path]) -> None:
    given = {"ANHUAN_TLS_CERT": str(papers[0]), "ANHUAN_TLS_KEY": str(papers[1]), "ANHUAN_PORT": "8443"}
    assert settings.read(given).origin == "https://localhost:8443"


def test_a_key_that_others_may_read_is_refused(papers: tuple[Path, Path], tmp_path: Path) -> None:
    open_key = tmp_path / "key.pem"
    open_key.write_bytes(papers[1].read_bytes())
    os.chmod(open_key, 0o644)
    with pytest.raises(settings.BadSetting) as refused:
        settings.read({"ANHUAN_TLS_CERT": str(papers[0]), "ANHUAN_TLS_KEY": str(open_key)})
    assert refused.value.field == "ANHUAN_TLS_KEY"


def test_a_certificate_without_its_key_is_refused(papers: tuple[Path, Path]) -> None:
    with pytest.raises(settings.BadSetting) as refused:
        settings.read({"ANHUAN_TLS_CERT": str(papers[0])})
    assert refused.value.field == "ANHUAN_TLS_KEY"
