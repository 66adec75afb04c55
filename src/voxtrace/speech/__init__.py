"""THE VOICE: text in, audio out.

A text is cut into pieces (`text.segment`), each piece is spoken by an engine in a process of its own (`pool`,
`worker`), and the blocks come back as they are made (`stream`) and are put into a format (`encode`).
"""
