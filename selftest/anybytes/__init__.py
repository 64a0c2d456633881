"""Whatever a target sends ends in a status: bytes made by hypothesis go through every reader of the suite."""
