"""Inside a worker process: the loop that serves requests, and what it takes to get there."""
