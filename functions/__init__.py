"""Use cases: one module per thing people do."""
