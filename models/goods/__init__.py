"""What is on a photo: the product, the kind of scene, and a mark to compare with the seller's picture."""
