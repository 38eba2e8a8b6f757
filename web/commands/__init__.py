"""What the command line does beside serving, one noun each."""
