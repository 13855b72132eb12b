"""Alembic's environment of the evaluator."""

from alembic import context

from foundation import migrating
from index_service.evaluation.storage import metadata

migrating.run(context, metadata)
