"""Who sent a version of the policy, and who wanted it in effect."""

import sqlalchemy as sa
from alembic import op

revision = "0005_authors"
down_revision = "0004_feed"


def upgrade() -> None:
    """Add the columns; of versions from before nobody knows."""
    op.add_column("versions", sa.Column("author", sa.Text))
    op.add_column("activations", sa.Column("author", sa.Text))
