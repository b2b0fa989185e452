"""Automatic dispatch (自动派单): when it may act, what it does, how people take it back, and what makes it stop."""
