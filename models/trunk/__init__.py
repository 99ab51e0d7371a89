"""The network that the photo models start from, and how it is trained."""
