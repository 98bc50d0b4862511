"""Random schedules on two ledgers at once, the true one and the plain one of the laws, until the minutes are over.

`python -m bench.fuzz_ledger [seconds] [first seed]`; `make fuzz` runs it with the others. A seed that fails is printed
with what differed, and `python -m bench.fuzz_ledger 1 SEED` shows it again.
"""

import base64
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_lines import BOUNDS, CLOSELY, random_recipes
from tests.laws.ledger_pair import Pair, World, build_world

from anhuan.kit import db, terminal
from anhuan.ledger.model import Result

SECONDS = 60
SEED = 20261122
STEPS = 40  # of one schedule
LANE = 3


def main() -> None:
    """Run schedules, then print how many lines of which answer agreed."""
    terminal.log_to_stderr(verbose=False)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    first = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    os.environ["ANHUAN_MASTER_KEY"] = base64.b64encode(os.urandom(32)).decode()  # not the key of who runs this
    with tempfile.TemporaryDirectory(prefix="anhuan-fuzz-") as folder:
        Path(folder).chmod(0o711)  # as root the server runs as another user, who must get in
        os.environ["ANHUAN_HOME"] = folder
        try:
            db.migrate()
            with psycopg.connect(db.access().owner) as connection:
                world = build_world(connection, LANE)
                connection.commit()
                Console(width=None if sys.stdout.isatty() else 120).print(run(connection, world, seconds, first))
        finally:
            db.close()


def run(connection: psycopg.Connection, world: World, seconds: float, first: int) -> Table:
    """Schedules of one seed each, every one in a transaction that is rolled back."""
    said: Counter[Result] = Counter()
    end, seed = time.monotonic() + seconds, first
    while seed == first or time.monotonic() < end:
        try:
            said.update(schedule(connection, world, seed))
        except (AssertionError, psycopg.Error) as difference:
            raise SystemExit(f"seed {seed}: {difference}") from difference
        finally:
            connection.rollback()
        seed += 1
    table = Table("answer", "lines", title=f"{seed - first} schedules from seed {first}: both ledgers agree")
    for code, lines in said.most_common():
        table.add_row(code.name.lower(), f"{lines:,}")
    table.add_row("all", f"{said.total():,}")
    return table


def schedule(connection: psycopg.Connection, world: World, seed: int) -> Counter[Result]:
    """Batches, the same ones again, and other bounds, as the dice say; then the laws and the past."""
    dice = random.Random(seed)
    pair = Pair(connection, world)
    for _ in range(STEPS):
        throw = dice.random()
        if throw < 0.65:
            pair.send(random_recipes(dice, most=dice.choice((3, 12, 60))), apart=dice.random() < 0.2)
        elif throw < 0.75:
            pair.again(dice.randrange(8))
        elif throw < 0.93:
            below, above = dice.choice(CLOSELY), dice.choice(CLOSELY)
            which = pair.account(dice.randrange(24))
            pair.squeeze(which, below=below, above=above, apart=dice.random() < 0.5)
        else:
            floor, room = dice.choice(BOUNDS), dice.choice(BOUNDS)
            ceil = None if room is None else max(abs(room), floor or 0)
            pair.bound(pair.account(dice.randrange(24)), floor, ceil, out=dice.random() < 0.2, into=dice.random() < 0.2)
    pair.check_as_of()
    if broken := faults(connection):
        raise AssertionError(f"chain: {broken}")
    laws_hold(connection)
    return pair.said


if __name__ == "__main__":
    main()
