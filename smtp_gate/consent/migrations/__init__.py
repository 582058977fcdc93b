"""The steps of the ledger's layout, run by Alembic when a ledger is opened; see ``schema`` for when and how.

How to add one:

1. Change ``tables``.
2. Write ``versions/v0003_what.py`` (the next number) with ``revision = "0003"``, ``down_revision = "0002"`` and an
   ``upgrade()`` made of ``op`` calls that work on SQLite and PostgreSQL: adding a table, an index or a column
   that may be null or has a ``server_default`` does. It says what it makes in full and imports no table, since
   ``tables`` will have moved on when it runs.
3. Set ``schema.REVISION`` to the number.

The tests then compare what all steps together make with ``tables``, on both databases. The triggers are taken away
before the steps and made again afterwards (``guards``), so a step may rewrite rows. There is no way back: a program
that is older than its ledger refuses it.
"""
