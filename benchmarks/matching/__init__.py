"""Measures matching on files of records: what is found, what is found wrongly, and for whom."""
