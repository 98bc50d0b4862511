"""What every command shares: the language of its words, and a quiet log that never mixes with its output."""

import logging
import os
import sys
from collections.abc import Mapping

from anhuan.kit.errors import Refused


class UnknownLanguage(Refused):
    """--lang names a language we do not speak."""

    code = "cli.unknown_language"


def language(option: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """`zh` or `en`: the option, else what the environment's locale names, else Chinese."""
    if option is not None:
        if option not in ("zh", "en"):
            raise UnknownLanguage(f"--lang must be zh or en, not {option!r}", field="lang")
        return option
    given = os.environ if env is None else env
    wish = given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
    return "en" if wish.lower().startswith("en") else "zh"


def log_to_stderr(*, verbose: bool) -> None:
    """Send the program's log to stderr, because stdout belongs to the answer; quiet unless asked.

    A trace is printed without the values of variables: they are what people own and owe.
    """
    import structlog  # here, because the help page must not pay for it

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
