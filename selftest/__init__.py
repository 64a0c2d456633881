"""Tests of preflight itself."""
