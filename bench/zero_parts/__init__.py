"""Zero persistence: nothing of a request's content is kept anywhere; shown by looking everywhere (`make help`)."""
