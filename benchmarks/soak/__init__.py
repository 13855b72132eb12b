"""The long version of the fault tests: many storms, each followed by a full reckoning."""
