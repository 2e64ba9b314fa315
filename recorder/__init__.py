"""Live packets -> spool -> segments."""
