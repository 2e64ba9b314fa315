"""Live packets -> spool -> segments -> store."""
