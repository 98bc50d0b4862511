"""Room notify: the voice. Messages to people: kept for them in the pages, mailed where they gave an address, each once.

Others import this front door alone: `from anhuan import notify`, then `notify.tell(...)`.
"""

from anhuan.notify.service import tell

__all__ = ["tell"]
