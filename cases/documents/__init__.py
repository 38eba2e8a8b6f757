"""Papers of handling: made from versioned templates, numbered, kept as they were issued, and delivered.

`form.py` says which papers there are, `issuing.py` makes one, `delivering.py` notes how it reached somebody.
"""
