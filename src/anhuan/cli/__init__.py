"""The command line: it opens the rooms' commands one by one, and turns bad news into one clear line."""
