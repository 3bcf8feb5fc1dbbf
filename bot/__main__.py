"""`python -m bot` is `oms-bot`."""

from bot.cli import main

if __name__ == "__main__":
    main()
