"""Makes volumes for claims as a cluster's provisioner does. Nothing is behind them."""

from __future__ import annotations

from simulator.api import Api
from simulator.values import Properties, at

_PROVISIONER = "pv.kubernetes.io/provisioned-by"
_ON_NODE = "volume.kubernetes.io/selected-node"
_ZONE = "topology.kubernetes.io/zone"


def provide_volumes(api: Api) -> None:
    """Make a volume for each claim that waits for one, and delete those whose claim is gone. Raises ApiError."""
    claims = [each for each in api.list("v1", "PersistentVolumeClaim") if at(each, "status", "phase") == "Pending"]
    volumes = api.list("v1", "PersistentVolume")
    present = {each["metadata"]["name"] for each in volumes}
    for volume in volumes:
        made_here = at(volume, "metadata", "annotations", _PROVISIONER)
        if made_here and at(volume, "status", "phase") == "Released":
            api.delete({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": volume["metadata"]})
    if not claims:
        return
    classes = {each["metadata"]["name"]: each for each in api.list("storage.k8s.io/v1", "StorageClass")}
    for claim in claims:
        storage = classes.get(str(at(claim, "spec", "storageClassName")))
        node = at(claim, "metadata", "annotations", _ON_NODE)
        late = storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"
        if storage is None or (late and not node) or f"pvc-{claim['metadata']['uid']}" in present:
            continue
        api.create(_volume(claim, storage, _zone(api, str(node)) if node else None))


def _zone(api: Api, node: str) -> str | None:
    found = api.get({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
    return at(found, "metadata", "labels", _ZONE)


def _volume(claim: Properties, storage: Properties, zone: str | None) -> Properties:
    name = f"pvc-{claim['metadata']['uid']}"
    reference = {key: claim["metadata"][key] for key in ("name", "namespace", "uid")}
    where = {"key": _ZONE, "operator": "In", "values": [zone]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [where]}]}} if zone else None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONER: storage["provisioner"]}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "storageClassName": storage["metadata"]["name"],
            "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
            "csi": {"driver": storage["provisioner"], "volumeHandle": f"simulated/{name}"},
            **({"nodeAffinity": affinity} if affinity else {}),
        },
    }
