"""The outermost ring: settings, processes, command line, database engine. It may import all; nobody imports it."""
