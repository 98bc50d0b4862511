"""A throw-away town keeps no tables of its own (docs/SIMULATION.md): this step changes nothing."""

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing to make."""


def downgrade() -> None:
    """Nothing to take away."""
