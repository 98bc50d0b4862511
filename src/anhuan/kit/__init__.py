"""Tools that every room uses: money, ids, the clock, the calendar, terms, settings, the database, errors."""
