"""Triton with TensorRT-LLM, on a host as on a cluster: settings, releases, where engines lie."""
