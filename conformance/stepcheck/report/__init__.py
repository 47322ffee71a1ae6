"""Reports: a certificate for people."""
