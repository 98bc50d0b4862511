"""Room cards."""
