"""A second deployment, written from the game's contract alone, with habits that the rehearsal does not have."""
