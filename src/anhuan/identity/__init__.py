"""Room identity: people and organisations, how they sign in, what they may do, what they agreed to.

It stands under every other room and above the kit alone. Rows of a party are opened here and nowhere else.
"""

from anhuan.identity.doors import admit
from anhuan.identity.rights import Role, rights_of, roles_with
from anhuan.identity.sessions import add_person, open_session

__all__ = ["Role", "add_person", "admit", "open_session", "rights_of", "roles_with"]
