"""How amounts and days are written for people, one function each (web.md, section 11).

`¥` is the yuan sign in both languages, amounts are printed in full to the fen, and a year only when it is not this one.
"""

from datetime import date, datetime
from typing import Final

from anhuan.kit import clock
from anhuan.kit.money import to_text

_SIGNS: Final = {"CNY": "¥", "USD": "US$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥", "TWD": "NT$"}
_WEEKDAYS: Final = {
    "zh": tuple(f"周{day}" for day in "一二三四五六日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def amount(minor: int, currency: str = "CNY") -> str:
    """Minor units as people read them: `¥12,860.50`, a minus before the sign of the currency."""
    whole, _, rest = to_text(abs(minor), currency).partition(".")
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{'−' if minor < 0 else ''}{sign}{int(whole):,}{'.' + rest if rest else ''}"


def amount_parts(minor: int, currency: str = "CNY") -> tuple[str, str, str]:
    """Sign with currency, whole units and the rest after the point, so that a headline can print them in two sizes."""
    whole, _, rest = to_text(abs(minor), currency).partition(".")
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{'−' if minor < 0 else ''}{sign}", f"{int(whole):,}", f".{rest}" if rest else ""


def day(on: date, *, lang: str = "zh", this_year: int) -> str:
    """A day as `11月24日 周二` or `Tue 24 Nov`; with the year when it is not this one."""
    weekday = _WEEKDAYS[lang][on.weekday()]
    if lang == "en":
        return f"{weekday} {on.day} {_MONTHS[on.month - 1]}{'' if on.year == this_year else f' {on.year}'}"
    return f"{'' if on.year == this_year else f'{on.year}年'}{on.month}月{on.day}日 {weekday}"


def short_day(on: date, *, lang: str = "zh") -> str:
    """A day without weekday and year, for charts and narrow cells: `11月24日` or `24 Nov`."""
    return f"{on.day} {_MONTHS[on.month - 1]}" if lang == "en" else f"{on.month}月{on.day}日"


def moment(at: datetime, *, lang: str = "zh", today: date) -> str:
    """A moment by the clock of China, always with its day: `今天 09:20`, `11月21日 周六 16:00`."""
    local = at.astimezone(clock.CHINA)
    if local.date() == today:
        return f"{'Today' if lang == 'en' else '今天'} {local:%H:%M}"
    return f"{day(local.date(), lang=lang, this_year=today.year)} {local:%H:%M}"
