"""Events of files that nobody stores: measured as they are read, for one look."""
