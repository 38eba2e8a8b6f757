"""What stands between a request and a page: who asks, what may be asked, how it is read and answered."""
