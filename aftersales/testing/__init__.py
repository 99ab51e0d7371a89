"""For implementers and for our own tests: builders, fakes that pass the contract kits, and the kits themselves."""
