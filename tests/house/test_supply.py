"""The supply chain: one way out, a list of parts that is the same every time, advisories, secrets that strayed in."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from supply import advisories, parts, strays

# Modules that can open a connection to somewhere else, by the first words of their names.
WAYS_OUT = (
    "socket", "ssl", "http.client", "urllib.request", "urllib3", "requests", "httpx", "httpx2", "aiohttp", "pycurl",
    "ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "websockets", "paramiko", "grpc", "webbrowser",
)  # fmt: skip
CALLS = {"open_connection", "open_unix_connection", "create_connection", "sock_connect", "connect_tcp", "urlopen"}
# Who may use one of them all the same, and what for.
REASONS = {
    ("src/anhuan/kit/fetch.py", "http.client"): "the only way out",
    ("src/anhuan/kit/fetch.py", "create_connection"): "the only way out",
    ("src/anhuan/kit/fetch.py", "socket"): "the only way out",
    ("src/anhuan/kit/fetch.py", "ssl"): "the only way out",
    ("src/anhuan/notify/smtp.py", "smtplib"): "mail, to the server of the settings alone",
    ("src/anhuan/notify/smtp.py", "ssl"): "mail, to the server of the settings alone",
    ("src/anhuan/cli/serve.py", "socket"): "the sockets that the web server listens on; it connects to nobody",
}


def ways_out(tree: ast.Module) -> set[str]:
    """Every module of the list that a file imports, in any spelling, and every call that connects."""
    names, calls = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            called = node.attr if isinstance(node, ast.Attribute) else node.id
            calls |= {called} & CALLS
    return calls | {way for way in WAYS_OUT for name in names if name == way or name.startswith(f"{way}.")}


def test_only_one_file_opens_connections(sources: list[Any]) -> None:
    found = {(source.path, way) for source in sources for way in ways_out(source.tree)}
    assert found - set(REASONS) == set()
    assert set(REASONS) - found == set(), "an exception that nobody needs any more"


@pytest.mark.parametrize("text", [
    "import socket", "import http.client as h", "from urllib import request", "from urllib.request import urlopen",
    "import httpx2", "def f():\n    import requests", "import importlib\nimportlib.import_module('socket')",
    "import asyncio\nasyncio.open_connection('x', 1)", "__import__('smtplib')",
])  # fmt: skip
def test_the_search_sees_every_way_to_import_one(text: str) -> None:
    assert ways_out(ast.parse(text))


def test_the_search_leaves_harmless_relatives_alone() -> None:
    assert not ways_out(ast.parse("from urllib.parse import urlsplit\nfrom http import HTTPStatus\nimport html"))


# --- the list of parts ---


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """The list, made now."""
    return parts.parts()


def test_the_list_of_parts_names_every_pinned_package_with_its_hashes(listed: dict[str, Any], top: Path) -> None:
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==([^\s;\\]+)", (top / "requirements/core.txt").read_text(), re.MULTILINE))
    python = {one["name"]: one["version"] for one in listed["components"] if one["purl"].startswith("pkg:pypi/")}
    assert python == pinned
    assert [one["name"] for one in listed["components"] if not one["hashes"]] == []


def test_the_list_of_parts_names_what_the_pages_carry(listed: dict[str, Any], top: Path) -> None:
    npm = {one["name"] for one in listed["components"] if one["purl"].startswith("pkg:npm/")}
    assert set(json.loads((top / "package.json").read_text())["dependencies"]) <= npm
    assert "axe-core" not in npm, "the tests' own package is not handed out"


def test_the_list_of_parts_is_the_same_every_time_and_names_no_host(listed: dict[str, Any]) -> None:
    text = json.dumps(listed, sort_keys=True)
    assert json.dumps(parts.parts(), sort_keys=True) == text
    assert "://" not in text


def test_the_list_of_parts_is_cyclonedx(listed: dict[str, Any]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(listed)) is None


# --- advisories ---


def test_a_known_advisory_is_told_and_fails() -> None:
    said = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]},
                             {"name": "b", "version": "2", "vulns": []}]}  # fmt: skip
    answer = advisories.python_answer(said)
    assert answer.known == ("a 1: PYSEC-1",)
    assert answer.line == "2 packages checked, 1 advisories"


@pytest.mark.parametrize("said", [
    None,                                                                        # no answer at all
    {"dependencies": []},
    {"dependencies": [{"name": "a", "skip_reason": "could not be audited"}]},  # a mirror without advisories
])  # fmt: skip
def test_silence_of_the_service_is_told_and_never_taken_for_safety(said: Any) -> None:
    assert advisories.python_answer(said).line == "not checked: the advisory service cannot be reached"


def test_packages_that_the_service_does_not_know_are_counted_apart() -> None:
    said = {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "x"}]}
    assert advisories.python_answer(said).line == "1 packages checked, 1 not checked, 0 advisories"


def test_npms_answers_are_read_alike() -> None:
    report = {"vulnerabilities": {"weui": {"severity": "high"}}, "metadata": {"dependencies": {"total": 4}}}
    assert advisories.npm_answer(report).known == ("weui: high",)
    assert advisories.npm_answer({"error": {"code": "ENOTFOUND"}}).line == advisories.NOT_CHECKED


# --- secrets that strayed in ---

CHANCE = "q7Rk2VdX9mTz4LpW8sYb3NcH6jFg1AeU"  # no secret: made up for this test


@pytest.mark.parametrize(("line", "kind"), [
    ("-----BEGIN " + "EC PRIVATE KEY-----", "private key"),
    ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "private key"),
    ("key = AKIA" + "IOSFODNN7EXAMPLE", "AWS key"),
    ("LTAI" + "5tAbCdEfGhJkLmNpQrSt", "Aliyun key"),
    ("ghp_" + "0123456789abcdefghijABCDEFGHIJ012345", "GitHub token"),
    ("url = postgresql://anhuan:" + CHANCE[:16] + "@db.example/anhuan", "password in an address"),
    (f"db_password = '{CHANCE[:20]}'", "value of a secret's name"),  # no secret: planted
    (f'  "api_key": "{CHANCE[:24]}",', "value of a secret's name"),  # no secret: planted
    (f'MASTER = b"{CHANCE}{CHANCE[::-1]}"', "text of chance"),
    ('SEED = "' + "9f86d081884c7d659a2f" + "eaa0c55ad015a3bf4f1b" + "2b0b822cd15d6c15b0f00a08" + '"', "text of chance"),
    ("eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NSJ9." + CHANCE, "signed token"),
])  # fmt: skip
def test_a_planted_secret_is_found(line: str, kind: str) -> None:
    assert [stray.kind for stray in strays.strays(f"import os\n{line}\n", "x.py")] == [kind]


@pytest.mark.parametrize("line", [
    'password: Annotated[str, Form()] = ""', 'PASSWORD = "password"  # with a one-time code',
    "token = secrets.token_hex(32)",
    'code = "access.not_signed_in"', "postgresql://user:password@localhost/db",
    '"web/templates/statements/preview.html"',
    "LOCAL_USER: Final = UUID('01900000-0000-7000-8000-000000000001')", 'TOKEN_NAME: Final = "anhuan_presented_token"',
    "secret = 'planted'  " + "# no secret: a word",
])  # fmt: skip
def test_what_only_sounds_like_one_is_left_alone(line: str) -> None:
    assert list(strays.strays(line, "x.py")) == []


def test_no_secret_stands_in_the_tree(top: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "supply.strays"], cwd=top, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_check_looks_for_them(top: Path) -> None:
    check = (top / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    assert "supply.strays" in check
