"""Helpers for tests: a clock moved by hand, a real server in the test's own loop, and more."""
