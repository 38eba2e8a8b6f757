"""The processes of the service: who starts them, what each runs, and with which certificate."""
