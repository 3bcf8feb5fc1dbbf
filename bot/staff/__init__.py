"""What staff do with requests, and the places they do it from."""
