"""The deployment record: one tree in memory, and its writers."""
