"""One module for each service that Thaw talks to."""
