"""Of consequential calls, what may be said and filled in of their results."""

import sqlalchemy as sa
from alembic import op

revision = "0003_replies"
down_revision = "0002_customers"


def upgrade() -> None:
    """Add the columns; calls from before have none of it."""
    op.add_column("calls", sa.Column("replies", sa.Text, nullable=False, server_default="[]"))
    op.add_column("calls", sa.Column("fields", sa.Text, nullable=False, server_default="{}"))
