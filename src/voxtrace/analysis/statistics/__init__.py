"""Intervals, tests and sketches: pure functions over samples, each with the name of its method.

No scipy: what is needed of it are three distributions, which a few lines compute, and loading it takes longer
than a whole report. The tests compare with figures that scipy gave.
"""
