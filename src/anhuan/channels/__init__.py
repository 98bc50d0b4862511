"""Room channels: the hands. Banks and wallets that move a person's own money to the person's own card, through
somebody licensed to do so. No verb of any channel charges a card.

Others import this front door alone: `from anhuan import channels`, then `channels.deliver(...)`.
"""
