"""Who queried whom: readings of the record, asked for with a statement, verified, put in words."""
