//! The state in a PostgreSQL database.
