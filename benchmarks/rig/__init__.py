"""What runs with several worker processes are made of: a fleet, a server that keeps a record, a Postgres, workers."""
