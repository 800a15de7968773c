"""A server that is killed in the middle of a storm, again and again, and what it has to keep.

`server.py` starts it and kills it; `browser.py` is one of those who storm it and writes down what
it was told; `crowd.py` has them all do so; `book.py` reads the database as others would;
`judge.py` compares the three; `command.py` is the command line.
"""
