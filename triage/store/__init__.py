"""The store: PostgreSQL with pgvector, embedded by default or a server of the city's own."""
