"""Watch: what is proven again and again without anybody asking."""
