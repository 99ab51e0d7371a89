"""Console: the commands of the package itself, one module each (:mod:`aftersales.command`)."""
