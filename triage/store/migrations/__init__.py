"""Numbered changes of the tables, applied by Alembic with a configuration built in code.

Each is one transaction. There is no way back down: what a change removed cannot be made up. The way back is the backup that
was taken before.
"""
