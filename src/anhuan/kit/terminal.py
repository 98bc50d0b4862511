"""What every command shares: the language of its words, and a quiet log that never mixes with its output."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from anhuan.kit import news
from anhuan.kit.errors import Bad, Refused

INSTALLER: Final = "installer"  # the rule of commands for whoever holds the files of this installation
P = ParamSpec("P")
R = TypeVar("R")


class UnknownLanguage(Refused):
    """--lang names a language we do not speak."""

    code = "cli.unknown_language"


def may(right: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The rule of a command, exactly one beside each: the right it needs, `public` or `installer`."""

    def ruled(command: Callable[P, R]) -> Callable[P, R]:
        @wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            before = _right.set(right)
            try:
                return command(*args, **kwargs)
            finally:
                _right.reset(before)

        run.rights = (*getattr(command, "rights", ()), right)  # type: ignore[attr-defined]
        return run

    return ruled


def right_asked() -> str | None:
    """The right that the running command needs; None outside a command."""
    return _right.get()


def language(option: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """`zh` or `en`: the option, else what the environment's locale names, else Chinese."""
    if option is not None:
        if option not in ("zh", "en"):
            raise UnknownLanguage(f"--lang must be zh or en, not {option!r}", field="lang")
        return option
    given = os.environ if env is None else env
    wish = given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
    return "en" if wish.lower().startswith("en") else "zh"


def bad_news(bad: Bad, lang: str) -> str:
    """One line for people: the field, what is the matter, the code; beside a translation also what the room said."""
    said = news.told(bad.code, bad.message, lang)
    detail = "" if said == bad.message else f" ({bad.message})"
    return f"{f'{bad.field}: ' if bad.field else ''}{said}{detail} [{bad.code}]"


def asked_language(args: Sequence[str]) -> str:
    """The language of a whole command line, for what is said outside its commands; a wish we cannot read is none."""
    wishes = [*args, ""]
    for at, word in enumerate(args):
        name, _, value = word.partition("=")
        if name == "--lang" and (value or wishes[at + 1]) in ("zh", "en"):
            return value or wishes[at + 1]
    return language()


_right: ContextVar[str | None] = ContextVar("right_asked", default=None)
_wish: list[bool] = []  # whether the command line asked for a talkative log; one command line per process


def write_closed(place: Path, content: bytes) -> None:
    """A new file that its owner alone may read, never through a link; raises `FileExistsError` where one is."""
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)


def log_when_needed(*, verbose: bool) -> None:
    """Let the first room that asks for a logger set up the log: a command without a database needs none."""
    _wish[:] = [verbose]


def logger(name: str) -> Any:
    """A logger by name; it speaks as the command line wished, or as whoever set up the log before."""
    import structlog

    if _wish and not structlog.is_configured():
        log_to_stderr(verbose=_wish[0])
    return structlog.get_logger(name)


def one_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show control characters in what was logged as they are written: no visitor adds lines or colours to a log."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in value)
    return event


def log_to_stderr(*, verbose: bool) -> None:
    """Send the program's log to stderr, because stdout belongs to the answer; quiet unless asked.

    A trace is printed without the values of variables: they are what people own and owe.
    """
    import structlog  # here, because the help page must not pay for it

    from anhuan.kit import masking

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
            structlog.processors.format_exc_info,  # so that a trace is scrubbed as well
            masking.scrub_event,
            one_line,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
