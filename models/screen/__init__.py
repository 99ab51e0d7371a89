"""Whether a photo was taken of a screen: a weighing of the sharp peaks in the spectrum of the camera's own pixels."""
