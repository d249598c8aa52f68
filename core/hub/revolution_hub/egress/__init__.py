"""THE WAY OUT: the guarded HTTP transport. Authentication is put on here, on the wire, and nowhere else."""
