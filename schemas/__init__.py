"""The messages the programs exchange, each typed once."""
