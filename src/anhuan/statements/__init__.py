"""Room statements: the intake of what banks and wallets send. It reads bills and exports, shows what they would change,
stores them without losing or doubling a row, links rows that tell one movement, and takes a whole import back.

Others import this front door alone: `from anhuan import statements`, then `statements.preview(...)`.
The names are fetched when first used: the process that reads a PDF in a cage needs the readers and no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from anhuan.statements.analysis import Audit, Months, fee_audit, months
    from anhuan.statements.changes import (
        BillChange,
        BillEffect,
        Commit,
        FieldShown,
        FileChange,
        FileEffect,
        ImportShown,
        ImportState,
        LineShown,
        LinesPage,
        LinkChange,
        LinkKind,
        NoSuchImport,
        NotCommitted,
        Preview,
        PreviewStale,
        RowChange,
        Upload,
    )
    from anhuan.statements.files import read_file
    from anhuan.statements.health import ReaderHealth
    from anhuan.statements.health import report as health_report
    from anhuan.statements.holdings import HOLDINGS, erase, export, held
    from anhuan.statements.mapping import Mapping
    from anhuan.statements.model import FileKind, LineKind, Problem, Reading, Source
    from anhuan.statements.paid_back import Repaid, repaid
    from anhuan.statements.service import (
        commit,
        find_preview,
        imports,
        last_import,
        lines,
        lines_of_bill,
        lines_of_card,
        lines_of_import,
        preview,
        save_mapping,
        take_in,
        undo,
    )

_DOOR: Final = {
    "analysis": ("Audit", "Months", "fee_audit", "months"),
    "changes": (
        "BillChange", "BillEffect", "Commit", "FieldShown", "FileChange", "FileEffect", "ImportShown", "ImportState",
        "LineShown", "LinesPage", "LinkChange", "LinkKind", "NoSuchImport", "NotCommitted", "Preview", "PreviewStale",
        "RowChange", "Upload",
    ),
    "files": ("read_file",),
    "health": ("ReaderHealth",),
    "holdings": ("HOLDINGS", "erase", "export", "held"),
    "mapping": ("Mapping",),
    "model": ("FileKind", "LineKind", "Problem", "Reading", "Source"),
    "paid_back": ("Repaid", "repaid"),
    "service": (
        "commit", "find_preview", "imports", "last_import", "lines", "lines_of_bill", "lines_of_card",
        "lines_of_import", "preview", "save_mapping", "take_in", "undo",
    ),
}  # fmt: skip
_PLACE: Final = {name: (module, name) for module, names in _DOOR.items() for name in names} | {
    "health_report": ("health", "report")
}

__all__ = [
    "HOLDINGS",
    "Audit",
    "BillChange",
    "BillEffect",
    "Commit",
    "FieldShown",
    "FileChange",
    "FileEffect",
    "FileKind",
    "ImportShown",
    "ImportState",
    "LineKind",
    "LineShown",
    "LinesPage",
    "LinkChange",
    "LinkKind",
    "Mapping",
    "Months",
    "NoSuchImport",
    "NotCommitted",
    "Preview",
    "PreviewStale",
    "Problem",
    "ReaderHealth",
    "Reading",
    "Repaid",
    "RowChange",
    "Source",
    "Upload",
    "commit",
    "erase",
    "export",
    "fee_audit",
    "find_preview",
    "health_report",
    "held",
    "imports",
    "last_import",
    "lines",
    "lines_of_bill",
    "lines_of_card",
    "lines_of_import",
    "months",
    "preview",
    "read_file",
    "repaid",
    "save_mapping",
    "take_in",
    "undo",
]


def __getattr__(name: str) -> Any:
    """One name of the front door, from the file that holds it."""
    if name not in _PLACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inside = _PLACE[name]
    return getattr(import_module(f"{__name__}.{module}"), inside)
