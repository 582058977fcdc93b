"""What Alembic runs: the steps that are due, on the connection and in the transaction of ``schema``."""

from alembic import context

from smtp_gate.consent.tables import VERSIONS, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSIONS
)
context.run_migrations()
