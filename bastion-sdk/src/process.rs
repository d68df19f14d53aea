//! What long-lived programs need around a backup: signals, an admin server, logging.
