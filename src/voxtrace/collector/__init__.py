"""THE DOOR: events come in through the spool or over HTTP, and turns are measured when they are complete.

Nothing is imported here: the processes that only measure would load every importer with it.
"""
