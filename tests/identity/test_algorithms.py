"""Which algorithms we lean on, pinned: nothing weak, nothing of our own making (ASVS 2.8.3, 2.9.3, 6.2.2, 6.2.5)."""

import ast
import base64
import math
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from anhuan.identity import codes, passkeys
from anhuan.kit import ids

SOURCE = Path(__file__).resolve().parents[2] / "src" / "anhuan"
# COSE numbers of ES256, EdDSA, ES384, ES512, PS256 to PS512 and RS256 to RS512: none rests on SHA-1.
APPROVED = {-7, -8, -35, -36, -37, -38, -39, -257, -258, -259}
WEAK = {"md5", "sha1", "ECB", "CBC", "DES", "TripleDES", "ARC4", "RC4", "Blowfish", "IDEA"}
# Who may touch ciphers and signatures at all; everything else asks these.
AT_THE_VAULT = {"kit/vault.py", "kit/keys.py", "kit/audit_key.py", "kit/audit_verify.py", "kit/audit_pack.py"}
SIGNATURES = ("cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography.hazmat.primitives.serialization")
OF_OTHERS = "statements/archive.py"  # opens zip files as WinZip seals them: counter mode, built block by block


def test_codes_are_those_of_rfc_6238_by_its_own_example() -> None:
    """Appendix B, seconds 59: 94287082, of which six digits are shown."""
    written = base64.b32encode(b"12345678901234567890").decode()  # the key of the RFC's example
    assert codes.step_of(written, "287082", now=datetime.fromtimestamp(59, UTC)) == 1
    assert codes.step_of(written, "287083", now=datetime.fromtimestamp(59, UTC)) is None


def test_recovery_codes_carry_more_chance_than_can_be_guessed() -> None:
    """ASVS 2.6.2 asks for 112 bits where a code alone is looked up."""
    made = {codes._code() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one.replace("-", "")) * math.log2(len(set(codes.ALPHABET))) >= 112 for one in made)


def test_passkeys_are_asked_for_with_approved_algorithms_alone(db: Session) -> None:
    person = ids.new_id()
    _, options = passkeys.register_options(
        db, person, name="林晓", now=datetime(2026, 11, 22, tzinfo=UTC), visitor=b"a visitor of a test" * 2
    )
    asked = {one["alg"] for one in options["pubKeyCredParams"]}
    assert asked
    assert asked <= APPROVED


def test_no_weak_cipher_mode_or_hash_is_named_in_the_code() -> None:
    named = [
        f"{file.relative_to(SOURCE)} {name}"
        for file in SOURCE.rglob("*.py")
        if str(file.relative_to(SOURCE)) != OF_OTHERS
        for node in ast.walk(ast.parse(file.read_text()))
        if (name := getattr(node, "attr", None) or getattr(node, "id", None)) in WEAK
    ]
    assert named == []


def test_ciphers_are_those_of_the_library_and_used_at_the_vault_alone() -> None:
    using = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("cryptography.hazmat")
        and node.module not in SIGNATURES
    }
    assert using <= AT_THE_VAULT | {OF_OTHERS}
    assert "kit/vault.py" in using
