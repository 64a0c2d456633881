"""Preflight: the acceptance suite that decides whether SpaceTime VR may be deployed."""
