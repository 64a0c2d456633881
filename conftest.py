"""The suite is one plugin, which names its parts; see preflight/plugin.py."""

pytest_plugins = ["preflight.plugin", "pytester"]
