"""The rehearsal deployment: a small but complete SpaceTime VR on loopback, and its faults.

It exists so that a newcomer sees the whole suite work, and so that the suite can be tested. It is a stand-in:
what is found here proves nothing about the game.
"""
