"""The example request of planning.md."""

from typing import Any, Final

EXAMPLE: Final[dict[str, Any]] = {
    "as_of": "2026-11-21",
    "horizon_days": 92,
    "terminal_days": 180,
    "missed_minimum_cost": 100000,
    "accounts": [{"id": "debit", "balance": 1200000, "reserve": 50000}],
    "cash_flows": [{"account": "debit", "date": "2026-12-05", "amount": 1500000}],
    "channels": [
        {
            "id": "wallet",
            "accounts": ["debit"],
            "cards": ["a"],
            "lead_days": 0,
            "workdays_only": False,
            "fee_rate": "0.001",
            "free_quota": 500000,
            "per_payment_max": 5000000,
            "per_day_max": 10000000,
        }
    ],
    "cards": [
        {
            "id": "a",
            "daily_rate": "0.0005",
            "interest_basis": "full",
            "grace_days": 3,
            "tolerance": 1000,
            "late_tolerance": 0,
            "minimum_rate": "0.1",
            "late_fee_rate": "0.05",
            "late_fee_minimum": 0,
            "statements": [
                {
                    "statement_date": "2026-11-08",
                    "due_date": "2026-11-28",
                    "carried": 0,
                    "minimum": 80000,
                    "charges": [{"posted": "2026-10-20", "amount": 800000}],
                    "paid": [{"date": "2026-11-15", "amount": 10000}],
                },
                {
                    "statement_date": "2026-12-08",
                    "due_date": "2026-12-28",
                    "charges": [{"posted": "2026-11-18", "amount": 200000}],
                },
            ],
            "instalment_offers": [
                {"id": "a-6", "statement": 0, "periods": 6, "fee_rate": "0.006", "minimum": 50000, "maximum": 700000}
            ],
        }
    ],
    "credit_lines": [{"id": "line", "account": "debit", "available": 2000000, "daily_rate": "0.0004"}],
}
