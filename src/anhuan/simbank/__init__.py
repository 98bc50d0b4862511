"""The simulated bank: a process of its own with its own books, clock and chance, that behaves as badly as real ones do.

It imports the kit alone, and nothing but the command line starts it: what it charges is worked out apart from the
planner, and killing Anhuan leaves the bank knowing what Anhuan forgot.
"""
