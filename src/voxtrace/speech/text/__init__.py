"""What becomes of a text before an engine speaks it: markup is read, it is cut into pieces, each piece is normalised.

`script` puts it together. Every part is pure and works in time that grows with the text and no faster.
"""
