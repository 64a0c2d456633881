"""The suite is one plugin and a handful of fixtures; see preflight/plugin.py."""

pytest_plugins = [
    "preflight.fixtures",
    "preflight.hostfixtures",
    "preflight.measuring",
    "preflight.plugin",
    "preflight.vrfixtures",
    "pytester",
]
