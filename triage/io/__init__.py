"""Files in, files out: readers that lose no row, writers that leave no half-written file."""
