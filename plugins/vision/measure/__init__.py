"""Measurements on real photos: ``python -m plugins.vision.measure`` prints every figure that README.md quotes."""
