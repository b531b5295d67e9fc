"""Scripts that remake the data files of the project from their sources; each says how to run it."""
