//! Durable cases, ledger rows and outbox on SQLite.
