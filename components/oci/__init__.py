"""Oracle Cloud: a bare metal host with GPUs that sets itself up, its network, rights and storage."""
