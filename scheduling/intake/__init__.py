"""What comes with a matter before there is a session: files, a confirmed number, a code that is told."""
