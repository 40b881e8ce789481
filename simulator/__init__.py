"""Pulumi providers for `gcp`, `oci` and `kubernetes` that create nothing: for Pulumi's own engine to deploy to."""

from simulator.cloud import CloudResource
from simulator.clouds import SimulatedClouds
from simulator.faults import Fault

__all__ = ["CloudResource", "Fault", "SimulatedClouds"]
