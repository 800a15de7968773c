"""Places of clients."""

from server.accounts.place import Place

HERE = Place("here", ())
"""This machine itself, to which limits by address do not apply."""

LIMITED = Place("there", ("there",))
