"""What people decided becomes labels, a queue of what is worth deciding next, and a report on what has changed."""
