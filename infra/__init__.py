"""Everything around the code: packaging for Lambda, stages, and the whole system on one machine."""
