"""What a picture of a stack shows, before it is laid out."""

from enum import StrEnum

from cli.model import Model


class Kind(StrEnum):
    """What a box stands for. In their order boxes are laid out from the top to the bottom of what they are in."""

    CLIENTS = "clients"
    """Whoever calls the endpoint."""
    CLOUD = "cloud"
    NETWORK = "network"
    SUBNET = "subnet"
    CLUSTER = "cluster"
    ENTRY = "entry"
    """Where requests come in: a load balancer, a Service, a bastion."""
    CONTROL = "control"
    """What changes the number of others."""
    MACHINES = "machines"
    """A node pool or a host."""
    PODS = "pods"
    JOB = "job"
    OTHER = "other"
    STORAGE = "storage"
    IDENTITY = "identity"
    """Who others are to the cloud, and what they may do."""
    OUTSIDE = "outside"
    """What no stack makes, and the pods need."""


class Member(Model):
    """A resource that has no box of its own."""

    text: str
    """Its type and name."""
    operation: str = "same"


class Box(Model):
    """One part of a stack."""

    id: str
    """Unique in its picture, and the same in the next one."""
    kind: Kind
    title: str
    lines: tuple[str, ...] = ()
    """What is to be known of it, for people."""
    parent: str | None = None
    """The box that it is in."""
    exists: bool = False
    """Whether it is there without the stack."""
    operation: str = "same"
    """create, update, replace, delete or same."""
    members: tuple[Member, ...] = ()
    """What belongs to it and has no box of its own."""
    summary: str = ""
    """The members in a line."""

    @property
    def marks(self) -> str:
        """What is done to it or, where it stays as it is, to what belongs to it: create, ..., inside or same."""
        if self.operation == "same" and any(each.operation != "same" for each in self.members):
            return "inside"
        return self.operation


class Arrow(Model):
    """One box uses another."""

    start: str
    end: str
    text: str
    """What for, for people."""
    rights: bool = False
    """Whether it tells of rights or of control, rather than of data."""


class Picture(Model):
    """A stack: its boxes, each after the one that it is in, and its arrows."""

    title: str
    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()

    def title_of(self, box: str) -> str:
        """Return the title of the box of that id."""
        return next(each.title for each in self.boxes if each.id == box)
