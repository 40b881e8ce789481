"""Finds the Pulumi CLI and the Kubernetes control plane that a rehearsal runs on, or gets them."""

from engine.find import EngineError, find_control_plane, find_pulumi, pulumi_version

__all__ = ["EngineError", "find_control_plane", "find_pulumi", "pulumi_version"]
