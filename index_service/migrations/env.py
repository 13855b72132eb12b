"""Alembic's environment of the index."""

from alembic import context

from foundation import migrating
from index_service.tables import metadata

migrating.run(context, metadata)
