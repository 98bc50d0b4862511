"""`anhuan channels export` and `answers`: a person's payments out into a file, the bank's word back in."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine
from tests.channels import file_bills as bills
from tests.channels.file_bills import Paid
from typer.testing import CliRunner

from anhuan import channels
from anhuan.channels import cli, file_xml, instructions
from anhuan.channels.file_export import NAME
from anhuan.channels.file_xml import text
from anhuan.channels.model import Ask, Instruction, State
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database

RUN = CliRunner()
ME = ids.LOCAL_USER


def _prepare(fen: int) -> Instruction:
    ask = Ask(ids.new_id(), 1, 1, NAME, "cmb", "6222020200001234567", "6225880000011111", fen, name="林一")
    with database.transaction() as db:
        wall.enter(db, party=ME, person=ME)
        return channels.prepare(db, ME, ask, now=clock.now())


def _state(made: Instruction) -> State:
    with database.transaction() as db:
        wall.enter(db, party=ME, person=ME)
        return instructions.state_of(db, ME, made.key)


def test_a_file_goes_out_once_is_had_again_by_its_batch_and_its_answer_comes_back(
    own_database: Engine, tmp_path: Path
) -> None:
    made = _prepare(12_345)
    told = RUN.invoke(cli.app, ["export", str(tmp_path), "--bank", "icbc", "--lang", "en"])
    assert told.exit_code == 0, told.output
    (file,) = tmp_path.iterdir()
    root = file_xml.read(file.read_bytes())
    assert [text(node, "Amt/InstdAmt") for node in root.iter("CdtTrfTxInf")] == ["123.45"]
    assert "102100099996" in {node.text for node in root.iter("MmbId")}
    assert _state(made) is State.PROCESSING
    assert "no payment waits" in RUN.invoke(cli.app, ["export", str(tmp_path), "--lang", "en"]).stdout

    other = tmp_path / "again"
    other.mkdir()
    again = RUN.invoke(cli.app, ["export", str(other), "--again", file.stem])
    assert again.exit_code == 0, again.output
    assert (other / file.name).read_bytes() == file.read_bytes()

    answer = tmp_path / "answer.xml"
    answer.write_bytes(bills.camt([Paid(made.key, 12_345, at=clock.now() + timedelta(minutes=1))]))
    told = RUN.invoke(cli.app, ["answers", str(answer), "--lang", "en"])
    assert told.exit_code == 0, told.output
    assert "1 new words on 1 payments, 0 that fit none" in told.stdout
    assert _state(made) is State.SUCCESS
    assert "0 new words" in RUN.invoke(cli.app, ["answers", str(answer), "--lang", "en"]).stdout


def test_a_file_that_stands_there_is_not_written_over(own_database: Engine, tmp_path: Path) -> None:
    _prepare(1)
    RUN.invoke(cli.app, ["export", str(tmp_path)])
    (file,) = tmp_path.iterdir()
    file.write_text("mine")
    refused = RUN.invoke(cli.app, ["export", str(tmp_path), "--again", file.stem])
    assert refused.exit_code != 0
    assert file.read_text() == "mine"
