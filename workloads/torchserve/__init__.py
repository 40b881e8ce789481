"""What runs in TorchServe's image: the preparation of a model, and the handler that serves it."""
