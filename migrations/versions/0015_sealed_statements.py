"""Nothing yet: the place of sealed_statements in the line."""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to do."""
