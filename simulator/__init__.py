"""Pulumi providers for `gcp` and `kubernetes` that create nothing: Pulumi's own engine deploys to simulated clouds."""

from simulator.cloud import CloudResource
from simulator.clouds import SimulatedClouds
from simulator.faults import Fault

__all__ = ["CloudResource", "Fault", "SimulatedClouds"]
