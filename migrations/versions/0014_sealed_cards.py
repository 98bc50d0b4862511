"""Nothing yet: the place of sealed_cards in the line."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to do."""
