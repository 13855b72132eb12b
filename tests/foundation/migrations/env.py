"""The environment of the migrations that the tests of foundation run."""

from alembic import context
from sqlalchemy import MetaData

from foundation import migrating

migrating.run(context, MetaData())
