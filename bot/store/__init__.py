"""What is remembered, in SQLite or PostgreSQL. Plain SQL through SQLAlchemy Core, one module per subject."""
