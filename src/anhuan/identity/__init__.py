"""Room identity: people and organisations, how they sign in, what they may do, what they agreed to.

It stands under every other room and above the kit alone. Rows of a party are opened here and nowhere else.
"""
