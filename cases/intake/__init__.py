"""Intake: how a matter comes into the one register, by whichever channel (domain.md section 6).

`matters` enters it, `routing` says which office keeps it, `likeness` which earlier ones it may repeat.
"""
