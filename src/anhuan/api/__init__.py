"""The JSON door: it mounts the rooms' routers under /api/v1, with one form of bad news and one description.

Whoever programs against Anhuan finds everything in /api/v1/openapi.json. Money is decimal text, days are ISO 8601.
"""

from anhuan.api.shell import create

__all__ = ["create"]
