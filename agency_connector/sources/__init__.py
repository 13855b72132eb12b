"""Where the agency's records come from: its case systems, read and never written."""
