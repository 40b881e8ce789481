"""A model server on Kubernetes: what runs, how it is reached, how it scales."""
