"""The dialogue: pure functions on data. No I/O, no clock, no randomness, no logging."""
