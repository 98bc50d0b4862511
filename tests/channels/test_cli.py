"""`anhuan channels` and `anhuan partners` on the command line: what they print, and that they open nothing."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.channels.conftest import ENTRY, licensed
from typer.testing import CliRunner

from anhuan.channels import cli, cli_partners

RUN = CliRunner()


def test_channels_are_listed_with_their_banks_and_licences(own_database: Engine) -> None:
    said = {one["channel"]: one for one in json.loads(RUN.invoke(cli.app, ["list", "--json"]).stdout)}
    assert said["bank_app"]["live"]
    assert "cmb" in said["bank_app"]["banks"]
    assert not said["simbank"]["live"], "a bank of a demonstration is closed in a house that is none"
    assert said["simbank"]["licence"] == "demonstration"


def test_health_is_told_for_each_channel(own_database: Engine) -> None:
    told = RUN.invoke(cli.app, ["health", "--look", "--lang", "en"])
    assert told.exit_code == 0
    assert "bank_app         by hand" in told.stdout
    assert "simbank          closed" in told.stdout


def test_a_connector_without_a_sandbox_shows_its_members_alone() -> None:
    told = RUN.invoke(cli.app, ["conform", "manual"])
    assert told.exit_code == 0
    assert "no verb that charges a card" in told.stdout
    assert told.stdout.count("unreached") == 35


def test_nothing_waits_for_a_file_and_nobody_has_called_back(own_database: Engine, tmp_path: Path) -> None:
    assert "no payment waits" in RUN.invoke(cli.app, ["export", str(tmp_path), "--lang", "en"]).stdout
    assert list(tmp_path.iterdir()) == []
    assert "no callback" in RUN.invoke(cli.app, ["callbacks", "simbank", "--lang", "en"]).stdout


@pytest.mark.parametrize("approved", [True, False])
def test_the_register_is_read(own_database: Engine, tmp_path: Path, approved: bool) -> None:
    licensed(approved=approved)
    said = json.loads(RUN.invoke(cli_partners.app, ["list", "--json"]).stdout)
    assert said["number"] == ENTRY.licence_number
    assert (said["status"] == "waiting") == (not approved)
    file = tmp_path / "licence.pdf"
    file.write_bytes(b"another licence")
    told = RUN.invoke(cli_partners.app, ["document", str(file), "--lang", "en"])
    assert told.exit_code == 1
    assert hashlib.sha256(b"another licence").hexdigest() in told.stdout
    assert "no entry names it" in told.stdout
