"""The index's database: one metadata for every folder's tables, and where its migrations are."""

from typing import Final

from sqlalchemy import MetaData

from protocol.nonces import nonce_table

LOCATION: Final = "index_service:migrations"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

nonces = nonce_table(metadata)
