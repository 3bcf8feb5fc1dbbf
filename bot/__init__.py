"""A messaging bot that informs about a rare illness and queues requests for a free consultation."""

__version__ = "0.1.0"
