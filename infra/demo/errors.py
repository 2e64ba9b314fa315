"""What can go wrong in the demonstration."""

from infra.errors import InfraError


class DemoError(InfraError):
    """A sentence for the person who started it."""
