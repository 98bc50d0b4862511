"""The command line of a town: its report is alone on stdout, whatever the rooms have to say."""

import json
import subprocess
import sys

LOUD = """
import structlog
from anhuan.simulation import service

def lived(ask, *, ports, say):
    structlog.get_logger("room").warning("database started")
    say("a town lives")
    return {"broken": []}

service.run = lived
from anhuan.cli.main import main
main(["simulate", "--json"])
"""


def test_what_rooms_log_stays_away_from_the_report() -> None:
    done = subprocess.run([sys.executable, "-c", LOUD], capture_output=True, text=True, check=False, timeout=60)
    assert json.loads(done.stdout) == {"broken": []}, done.stderr
    assert "database started" in done.stderr
    assert done.returncode == 0
