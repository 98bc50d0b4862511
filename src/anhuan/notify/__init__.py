"""Room notify: the voice. Messages to people: kept for them in the pages, mailed where they gave an address, each once.

Others import this front door alone: `from anhuan import notify`, then `notify.tell(...)`. How the sentences of a kind
are written stands in `texts.py`.
"""

from anhuan.notify import mailing, smtp, texts, watchers
from anhuan.notify.holdings import HOLDINGS, erase, export, held
from anhuan.notify.journey import sweep
from anhuan.notify.model import MailState, Message, News, Written
from anhuan.notify.service import acknowledge, is_told, keep, messages, tell, tell_many, urgent, withdraw

__all__ = [
    "HOLDINGS", "MailState", "Message", "News", "Written", "acknowledge", "erase", "export", "held", "is_told",
    "keep", "mailing", "messages", "smtp", "sweep", "tell", "tell_many", "texts", "urgent", "watchers", "withdraw",
]  # fmt: skip
