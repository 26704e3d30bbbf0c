"""Texts that go into compiled programs: C headers, and the same functions for numba."""
