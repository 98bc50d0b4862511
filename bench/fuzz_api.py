"""Random requests to the whole JSON door by every role, for as long as one likes: `python -m bench.fuzz_api`.

Each answer is held against /api/v1/openapi.json; what does not fit is printed, and the exit code is 1.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.attacks.described import complaints, open_door

from anhuan.kit import db


def main() -> int:
    """Send so many cases to each operation; the exit code says whether an answer was wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--examples", type=int, default=20, help="cases for each operation, each sent by everybody")
    asked.add_argument("--seed", type=int, default=0, help="0: always the same cases")
    given = asked.parse_args()
    began, wrong = perf_counter(), 0
    with tempfile.TemporaryDirectory(prefix="anhuan-fuzz-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        os.environ["ANHUAN_HOME"] = folder
        try:
            db.migrate()
            door = open_door(db.sessions().kw["bind"], db.access().owner)
            for line in complaints(door, examples=given.examples, start=given.seed):
                wrong += 1
                print(line, flush=True)
        finally:
            db.close()
    print(f"{wrong} wrong answers in {perf_counter() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
