"""Ratings: how strong each player is at each game, from the matches that count."""
