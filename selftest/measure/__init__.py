"""The judging of numbers, tried by simulation and against servers of known delays."""
