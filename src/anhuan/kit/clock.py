"""The clock of the house: rules never look at it, acts get `now` as an argument, doors ask here."""

from datetime import UTC, date, datetime, timedelta, timezone

# Chinese bank days end at midnight UTC+8, all year round.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The bank day in China at this moment."""
    return now().astimezone(CHINA).date()
