"""The games, one file each: pure rules. `game.py` defines what a game is."""
