"""Publishing: what may be flagged is staged, compared with what stands, and put into the outbox."""
