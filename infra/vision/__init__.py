"""The vision unit: the photo queue's function, with the heavy libraries, apart from the API."""
