"""`llm-serving bench`: how fast an endpoint answers. The project's own benchmark, `make bench`, lies in `bench/`."""
