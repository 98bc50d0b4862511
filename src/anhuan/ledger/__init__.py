"""Room ledger: what happened to every fen, provably. It records postings, holds and balances, decides nothing about
people, calls no bank, and never edits the past.

Others import this front door alone: `from anhuan import ledger`, then `ledger.post(db, lines).insist()`.
"""
