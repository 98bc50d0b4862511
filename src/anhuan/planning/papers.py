"""A plan as files to keep: a PDF whose Chinese text can be selected, and a calendar for the phone."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event

from anhuan.kit.errors import Unavailable

TEMPLATE: Final = Path(__file__).with_name("plan.typ")
FONT: Final = "Noto Sans SC"
FONT_PACKAGE: Final = "pylopdf_fonts_zh_cn"
ZONE: Final = ZoneInfo("Asia/Shanghai")
MORNING: Final = time(9, 0)
LAST_CALL: Final = timedelta(hours=2)  # the alarm rings so long before the last safe moment


class NoPdfFont(Unavailable):
    """没有中文字体: the package of the font is missing."""

    code = "plan.no_pdf_font"


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the paper: heading, column widths in parts, columns to the right, head and rows of text."""

    title: str
    widths: tuple[int, ...]
    right: tuple[int, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything the PDF prints, as finished text in one language."""

    lang: str
    brand: str
    title: str
    made: str
    headline: str
    summary: tuple[str, ...]
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    footer: str


@dataclass(frozen=True, slots=True)
class Date:
    """One payment for the calendar: a key that stays the same for the bill, its day, and its last safe moment."""

    key: str
    on: date
    summary: str
    description: str
    safe_by: datetime | None


def pdf(paper: Paper, *, made_at: datetime) -> bytes:
    """The paper as PDF; the same paper at the same moment gives the same bytes."""
    import typst  # here, because a page that prints nothing should not load a typesetter

    made = typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=[_font_folder()],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps({**asdict(paper), "font": FONT}, ensure_ascii=False)},
        timestamp=int(made_at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def calendar(dates: Iterable[Date], *, name: str, now: datetime) -> bytes:
    """The payments as an iCalendar file, one event a bill and day, in China's time, without amounts.

    SEQUENCE counts minutes, so a later export of the same bill replaces the earlier one in every calendar.
    """
    made = Calendar()
    made.add("prodid", "-//Anhuan//Plan//ZH")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    for one in dates:
        made.add_component(_event(one, now))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def _event(one: Date, now: datetime) -> Event:
    starts = datetime.combine(one.on, MORNING, tzinfo=ZONE)
    event = Event()
    event.add("uid", f"{one.key}@anhuan")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("sequence", int(now.timestamp()) // 60 % (1 << 31))
    event.add("dtstart", starts)
    event.add("dtend", starts + timedelta(minutes=15))
    event.add("summary", one.summary)
    event.add("description", one.description)
    for rings in _alarms(one, starts):
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", one.summary)
        alarm.add("trigger", rings.astimezone(UTC), parameters={"VALUE": "DATE-TIME"})
        event.add_component(alarm)
    return event


def _alarms(one: Date, starts: datetime) -> Sequence[datetime]:
    """On the planned morning, and once more shortly before the last safe moment (not the due day: that is too late)."""
    if one.safe_by is None or one.safe_by - LAST_CALL <= starts:
        return (starts,)
    return (starts, one.safe_by - LAST_CALL)


def _font_folder() -> Path:
    """Where Noto Sans SC lies; the package is data only and is never imported."""
    found = find_spec(FONT_PACKAGE)
    if found is None or found.origin is None:
        raise NoPdfFont(
            "没有找到中文字体,请重新安装(make setup)。 The font for PDF files is missing: make setup brings it."
        )
    return Path(found.origin).parent
