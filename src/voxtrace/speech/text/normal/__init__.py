"""What is written but not said as it stands, one file per kind; what differs by language is data, as in `english`.

A pass takes a text and a `Language` and gives the runs to replace. What espeak-ng reads well by itself is left to it:
the engines all speak through its rules.
"""
