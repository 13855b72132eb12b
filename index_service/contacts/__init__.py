"""Contact requests as the index relays them: who may take which step, and bytes it cannot read."""
