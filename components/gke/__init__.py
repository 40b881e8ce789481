"""GKE: clusters, node pools of GPUs and TPUs, the identities and the metrics of what runs on them."""
