"""The register of all cases as it is looked through: terms, the index that holds them, the search.

The register itself are the rows of cases/casefile.py; what is here can be made again from them.
"""
