"""Where weights lie: buckets, disks, and how pods mount them."""
