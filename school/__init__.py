"""The school network's records: lessons, invitations, people. Asynchronous over SQLAlchemy; time is an argument."""
