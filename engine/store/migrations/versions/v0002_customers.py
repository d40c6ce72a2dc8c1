"""Customers, with what is known of each."""

import sqlalchemy as sa
from alembic import op

revision = "0002_customers"
down_revision = "0001"


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "customers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
    )
    op.create_index("customers_by_name", "customers", ["name"])
