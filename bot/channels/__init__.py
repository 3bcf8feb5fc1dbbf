"""The ways people reach us. A channel is one module here and its line in `CHANNELS` in `bot.parts`."""
