"""The exact bytes of the audit log: what is hashed, written so that a person can hash it again with sha256sum.

docs/AUDIT.md states the same in words; a test follows them with programs of the system alone.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from anhuan.kit import masking
from anhuan.kit.errors import Broken

ROW: Final = "anhuan-audit-row-1"  # first word of a record's line: which kind of bytes, in which version
LINK: Final = "anhuan-audit-link-1"
ROOT: Final = "anhuan-audit-root-1"
GENESIS: Final = hashlib.sha256(b"anhuan-audit-genesis-1").digest()  # stands before the first link and the first root

MOST_CHARACTERS: Final = 200  # of one text: a hash or an id is far shorter
MOST_DIGITS: Final = 10  # of one number: a telephone number has 11, a card number 13 to 19 (ISO/IEC 7812)
MOST_BYTES: Final = 4096  # of a whole payload
SIGNATURE_BYTES: Final = 64  # Ed25519 (RFC 8032)
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/,+=*#-]*")  # no blank, no @, nothing but ASCII: no name and no address fits
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PLAIN_NUMBER: Final = re.compile(r"[0-9]{11,}[Xx]?")


class NotForTheLog(Broken):
    """A fact that may be a secret or tell who somebody is was about to be written into the audit log."""

    code = "audit.not_for_the_log"


@dataclass(frozen=True, slots=True)
class Root:
    """One signed root; moments as the log writes them, hashes as hex."""

    number: int
    through_at: str
    place: int
    links: int
    link: str
    before: str
    signed_at: str
    key_id: str
    signature: str = ""

    @property
    def line(self) -> str:
        """The bytes that are signed."""
        return " ".join([
            ROOT, str(self.number), self.through_at, str(self.place), str(self.links), self.link, self.before,
            self.signed_at, self.key_id,
        ])  # fmt: skip

    @property
    def hash(self) -> str:
        """What the next root names as the one before."""
        return digest(self.line).hex()

    @property
    def json(self) -> str:
        """The line of roots.jsonl: the signed bytes and the signature, nothing else."""
        return json.dumps({"line": self.line, "signature": self.signature}, separators=(",", ":"))


def read_root(entry: str) -> Root:
    """A root from a line of roots.jsonl; ValueError when it is none."""
    try:
        said = json.loads(entry)
        word, number, through_at, place, links, link, before, signed_at, key_id = said["line"].split(" ")
        root = Root(int(number), through_at, int(place), int(links), link, before, signed_at, key_id, said["signature"])
        right = word == ROOT and root.line == said["line"] and len(bytes.fromhex(root.signature)) == SIGNATURE_BYTES
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a root of the audit log") from error
    if not right:
        raise ValueError("not a root of the audit log")
    return root


def canonical(value: Mapping[str, Any]) -> str:
    """The one way to write these facts as JSON (RFC 8785: keys sorted, no blanks, UTF-8); refuses what has no place."""
    said = json.dumps(_plain(value, "facts"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if len(said.encode()) > MOST_BYTES:
        raise NotForTheLog(f"a record of the audit log has at most {MOST_BYTES} bytes")
    return said


def moment(at: datetime) -> str:
    """A moment as the log writes it: UTC, microseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def printed(text: str) -> str:
    """The same from what the server prints in UTC: `2026-11-22 05:28:05.12+00`."""
    day, _, clock = text.removesuffix("+00").partition(" ")
    whole, _, micro = clock.partition(".")
    return f"{day}T{whole}.{micro:0<6}Z"


def row_line(number: int, written_at: str, login: str, payload: str) -> str:
    """The line of one record: its number, the database's clock and login, and what the program said."""
    return f"{ROW} {number} {written_at} {login} {payload}"


def link_line(place: int, linked_at: str, number: int, row_hash: str, before: str) -> str:
    """The line of one link of the chain: its place, and the hashes (hex) of the record and of the link before."""
    return f"{LINK} {place} {linked_at} {number} {row_hash} {before}"


def digest(line: str) -> bytes:
    """SHA-256 of a line's UTF-8 bytes, without a line end."""
    return hashlib.sha256(line.encode()).digest()


def _plain(value: Any, where: str) -> Any:
    """The value as JSON knows it, if it may stand in the log; `where` names it in the complaint."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, where) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(inner, where) for inner in value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int):
        return _number(value, where)
    if isinstance(value, str):
        return _text(str(value), where)
    raise NotForTheLog(f"{where}: {type(value).__name__} has no one way to be written", field=where)


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise NotForTheLog(f"{where}: a key is a small word of ASCII", field=where)
    return key


def _number(value: int, where: str) -> int:
    if abs(value) >= 10**MOST_DIGITS:
        raise NotForTheLog(f"{where}: a number of more than {MOST_DIGITS} digits could be an account", field=where)
    return value


def _text(value: str, where: str) -> str:
    """Ids, codes and hashes pass; words of people, and long plain numbers, do not."""
    if len(value) > MOST_CHARACTERS or not _CODE.fullmatch(value):
        raise NotForTheLog(f"{where}: only ids, codes and hashes may stand in the audit log", field=where)
    # Ids and hashes are left out: a few in a million have digits that could be an account's.
    parts = ["id" if _is_id(part) else part for part in re.split(r"([:/,=])", value)]
    plain = any(
        _PLAIN_NUMBER.fullmatch(digits) for part in parts for digits in (part.replace("-", ""), *re.split(r"\W", part))
    )
    if plain or masking.scrub("".join(parts)) != "".join(parts):
        raise NotForTheLog(f"{where}: looks like a secret or the number of a person or an account", field=where)
    return value


def _is_id(part: str) -> bool:
    if _HASH.fullmatch(part):
        return True
    try:
        return str(UUID(part)) == part.lower()
    except ValueError:
        return False
