"""One cell: its facts before it runs, its evaluation, and the result that the certificate records."""
