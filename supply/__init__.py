"""What we build on and what we hand out: the list of parts, what is known against them, and secrets that strayed in."""
