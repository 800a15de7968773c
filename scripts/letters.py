"""Letters for the names of players."""

LETTERS = "abcdefghjkpqstux"
"""Sixteen, no two of which look alike, alone or in a row (1 and l, 0 and O, rn and m): look-alike
names are refused as taken (UTS #39)."""
