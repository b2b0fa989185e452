"""An own PostgreSQL inside the data folder: started with the service, stopped with it, reachable by a socket only."""
