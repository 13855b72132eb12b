"""The history of the connector's database."""
