"""Speed, measured side by side with plain bots that do the same dialogue. README.md here says how to read it."""
