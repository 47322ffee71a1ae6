"""The driver: runs a script on a subject and observes parameters and state."""
