"""Tests, one folder per room; `tests.samples` finds real files of other tools, `tests/conftest.py` the golden pages."""
