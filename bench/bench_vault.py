"""The vault: microseconds of processor time to seal, open and hash one value, per cipher."""

import os
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

from rich.table import Table

from anhuan.kit import db, postgres, vault

PLACE = "bill_charges.amount_minor"
TIMES, REPEATS = 4_000, 15


def tables() -> Iterator[Table]:
    """The best of several runs: what else the machine does makes a run slower, never faster."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        server = postgres.Embedded(home)
        access = server.join()
        engine = db.open_engine(access.app)
        before = db.use(engine)
        cipher = os.environ.pop("ANHUAN_CIPHER", None)
        try:
            db.migrate(access.owner)
            yield measured()
        finally:
            os.environ.pop("ANHUAN_CIPHER", None)
            if cipher is not None:
                os.environ["ANHUAN_CIPHER"] = cipher
            vault.forget()
            db.use(before)
            engine.dispose()
            server.leave()


def measured() -> Table:
    """One row for each thing that is done to a value."""
    table = Table("what", "µs of CPU", "bar", title="one value in the vault")
    for name, bar in (("aes", "< 3"), ("sm4", "")):
        os.environ["ANHUAN_CIPHER"] = name
        vault.forget()
        amount, label = vault.seal(PLACE, 123_456), vault.seal(PLACE, "工资卡(常用)")
        table.add_row(f"{name}: seal an amount", spent(partial(vault.seal, PLACE, 123_456)), bar)
        table.add_row(f"{name}: open it", spent(partial(vault.open_, PLACE, amount)), bar)
        table.add_row(f"{name}: seal a label", spent(partial(vault.seal, PLACE, "工资卡(常用)")), "")
        table.add_row(f"{name}: open it", spent(partial(vault.open_, PLACE, label)), "")
    party = uuid4()
    table.add_row(
        "keyed hash of a party's value", spent(lambda: vault.keyed_hash("bench", "13800138000", party=party)), ""
    )
    return table


def spent(act: Callable[[], object]) -> str:
    """Microseconds of this process for one call."""
    best = min(timeit.repeat(act, number=TIMES, repeat=REPEATS, timer=time.process_time))
    return f"{best / TIMES * 1e6:.2f}"
