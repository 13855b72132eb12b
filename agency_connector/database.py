"""The connector's own database: its tables stand in each folder's storage.py, on this metadata."""

from typing import Final

from sqlalchemy import MetaData

LOCATION: Final = "agency_connector:migrations"
"""The folder of the connector's migrations, as `foundation.database.migrate` takes it."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
