"""The whole system on one machine: command line, server, clock, database engine and provider sandbox."""
