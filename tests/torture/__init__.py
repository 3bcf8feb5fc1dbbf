"""Torture: people do whole intakes while the program is killed and the platforms misbehave; afterwards everything is counted."""
