"""The laws that a request is about: select and ignore, and where a project says so."""
