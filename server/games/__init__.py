"""The games, one file each: pure rules. `game.py` says what a game is."""
