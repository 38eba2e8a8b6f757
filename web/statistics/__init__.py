"""The figures on pages, in reports and on the big screen: what is asked for, how it is told and drawn."""
