"""The headset: every look at OpenXR, each in a process of its own."""
