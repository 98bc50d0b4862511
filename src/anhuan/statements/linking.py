"""From matches to link changes: what a batch adds to the stored links and which of them a better pair replaces."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.statements import store_bulk, store_lines
from anhuan.statements.changes import FileChange, LinkChange, RowChange
from anhuan.statements.matching import ORDER, Match, Row, match, match_orders, root_of
from anhuan.statements.sameness import tail_of
from anhuan.statements.tables import LinkRow


def row_of(file: FileChange, change: RowChange, stream: str) -> Row:
    """A row of a file as matching sees it."""
    line = change.line
    return Row(
        change.line_id, change.key, change.occurrence, stream, file.kind, file.source, file.bank,
        card_of(file, change) or account_of(file, change), line.posted_on, line.traded_on, line.amount, line.currency,
        line.kind, line.description, line.counterparty, line.paid_with, line.reference,
    )  # fmt: skip


def card_of(file: FileChange, change: RowChange) -> str | None:
    """The card of a row: printed on it, or the only one of its bill."""
    if change.line.card or change.bill is None:
        return change.line.card
    cards = file.bills[change.bill].bill.cards
    return cards[0] if len(cards) == 1 else None


def account_of(file: FileChange, change: RowChange) -> str | None:
    """The account's tail or the wallet's name that a row belongs to."""
    account = change.line.account or file.account
    return tail_of(account) or None if account else None


def link_changes(
    db: Session, user_id: UUID, *, arrive: Sequence[Row], leave: Sequence[Row]
) -> tuple[tuple[LinkChange, ...], tuple[UUID, ...]]:
    """The links to add and to drop when these rows begin and those cease to stand, as if all were matched anew."""
    moved = [*arrive, *leave]
    if not moved:
        return (), ()
    gone = {row.id for row in leave}
    by_amount: Sequence[Row] = arrive
    by_order: Sequence[Row] = arrive
    stored: dict[tuple[str, UUID, UUID], LinkRow] = {}
    if store_lines.has_lines(db, user_id):
        amounts = {(row.currency, abs(row.amount)) for row in moved}
        orders = {root for row in moved if (root := root_of(row.reference))}
        by_amount = _after(store_lines.rows_by_amount(db, user_id, amounts), arrive, gone)
        by_order = _after(store_lines.rows_by_order(db, user_id, orders) if orders else (), arrive, gone)
        if store_lines.has_links(db, user_id):
            touched = {row.id for row in by_amount} | {row.id for row in by_order} | gone
            stored = store_lines.said(store_lines.links_of(db, user_id, touched))
    proven = {said: link for said, link in stored.items() if link.reason == ORDER}
    judged = {said: link for said, link in stored.items() if link.reason != ORDER}
    added, dropped = _compare(judged, match(by_amount), by_amount, gone)
    more, fewer = _compare(proven, match_orders(by_order), by_order, gone)
    added, dropped = added + more, dropped + fewer
    made = zip(store_bulk.new_ids(len(added)), added, strict=True)
    return tuple(_change(link_id, found) for link_id, found in made), tuple(dropped)


def _compare(
    stored: Mapping[tuple[str, UUID, UUID], LinkRow], matched: Iterable[Match], world: Iterable[Row], gone: set[UUID]
) -> tuple[list[Match], list[UUID]]:
    """What is to be added to the stored links of the touched lines, and what to be dropped from them."""
    wanted = {(found.kind.value, found.first.id, found.second.id): found for found in matched}
    added = [found for said, found in wanted.items() if said not in stored]
    touched = gone.union(row.id for row in world) if stored else gone
    dropped = [link.id for said, link in stored.items() if said not in wanted and not touched.isdisjoint(said[1:])]
    return added, dropped


def _after(stored: Iterable[Row], arrive: Sequence[Row], gone: set[UUID]) -> list[Row]:
    """The rows that stand after the change."""
    coming = {row.id for row in arrive}
    return [*(row for row in stored if row.id not in gone and row.id not in coming), *arrive]


def _change(link_id: UUID, found: Match) -> LinkChange:
    return LinkChange(link_id, found.kind, found.first.id, found.second.id, min(found.score, 1000) / 1000, found.reason)
