"""Alembic's environment for the connector's database; `foundation.migrating` does the work."""

from alembic import context

from agency_connector.database import metadata
from foundation import migrating

migrating.run(context, metadata)
