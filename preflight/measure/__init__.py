"""Numbers in, judgement out: percentiles, change, trend, stability, completeness, frames.

Pure functions over numpy and scipy: no clock, no file, no socket, so that every verdict can be derived again from the
samples in a record. Unless a docstring says otherwise times are in milliseconds and arrays are one-dimensional.
"""
