"""The program an agency runs beside its case systems (command: agency-connector)."""
