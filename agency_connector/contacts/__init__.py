"""Ask them to phone me: contact requests, sent and received, step by step."""
