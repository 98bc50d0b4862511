"""Room identity: people and organisations, how they sign in, what they may do, what they agreed to.

It stands under every other room and above the kit alone. Rows of a party are opened here and nowhere else.
"""

from anhuan.identity.doors import admit, answer_of, keep_session, renewed
from anhuan.identity.keys_at_door import open_shared
from anhuan.identity.rights import Role, rights_of, roles_with
from anhuan.identity.rules import house
from anhuan.identity.sessions import add_person, open_session

__all__ = [
    "Role", "add_person", "admit", "answer_of", "house", "keep_session", "open_session", "open_shared",
    "renewed", "rights_of", "roles_with",
]  # fmt: skip
