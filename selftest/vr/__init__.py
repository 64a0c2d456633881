"""Tests of the headset's part of the suite."""
