"""What a person sees of a running operation, told from recorded events of the engine."""

import io
from collections.abc import Callable, Iterator

from pulumi.automation import EngineEvent
from rich.console import Console
from rich.table import Table

from cli.display import LineDisplay, TreeDisplay, tree
from cli.foresight import foresee_deletions
from cli.progress import Progress, ResourceProgress, Status, short_type

Recorded = Callable[[str], Iterator[EngineEvent]]
COMPONENT = "urn:pulumi:s::tiny::tiny:index:C::app"
CONFIG_MAP = "urn:pulumi:s::tiny::tiny:index:C$kubernetes:core/v1:ConfigMap::app-cm"
NAMESPACE = "urn:pulumi:s::tiny::tiny:index:C$kubernetes:core/v1:Namespace::app-ns"


def lines(events: Iterator[EngineEvent], operation: str) -> list[str]:
    output = io.StringIO()
    display = LineDisplay(Console(file=output, width=40), time_scale=1)
    progress = Progress(operation)
    for event in events:
        change = progress.apply(event)
        if change is not None:
            display.watch(progress, change)
    return output.getvalue().splitlines()


def drawn(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as capture:
        console.print(tree(progress, time_scale=1))
    return capture.get()


def test_a_failing_up_line_by_line(recorded: Recorded) -> None:
    assert lines(recorded("failed"), "up") == [
        "+ tiny:C app creating",
        "+ pulumi:kubernetes pr creating",
        "+ pulumi:kubernetes pr created",
        "+ tiny:C app created",
        "+ kubernetes:Namespace app-ns creating",
        "+ kubernetes:Namespace app-ns created",
        "+ kubernetes:ConfigMap app-cm creating",
        "+ kubernetes:ConfigMap app-cm creating failed",
    ]


def test_a_replacement_line_by_line_and_nothing_of_what_stays(recorded: Recorded) -> None:
    assert lines(recorded("replace"), "up") == [
        "± kubernetes:ConfigMap app-cm creating the replacement because of data",
        "± kubernetes:ConfigMap app-cm replacement created",
        "± kubernetes:ConfigMap app-cm deleting the replaced",
        "± kubernetes:ConfigMap app-cm replaced one deleted",
    ]


def test_a_replacement_is_one_line_of_a_preview(recorded: Recorded) -> None:
    assert lines(recorded("replace"), "preview") == ["± kubernetes:ConfigMap app-cm to replace because of data"]


def test_diagnostics_are_told_once_and_without_what_the_engine_says_of_itself(recorded: Recorded) -> None:
    progress = Progress("up")
    for event in [*recorded("failed"), *recorded("failed")]:
        progress.apply(event)
    told = [(each.severity, each.urn, each.message) for each in progress.diagnostics]
    assert told == [
        ("warning", None, "mind the gap"),
        ("error", CONFIG_MAP, "googleapi: Error 403: quota exceeded."),
    ]


def test_secrets_in_the_properties_are_masked(recorded: Recorded) -> None:
    progress = Progress("up")
    for event in recorded("replace"):
        progress.apply(event)
    resource = progress.resources[CONFIG_MAP]
    assert resource.old is not None
    assert resource.new is not None
    assert resource.old["data"]["s"] == resource.new["data"]["s"] == "[secret]"
    assert resource.new["data"]["a"] == "99"
    assert progress.resources[NAMESPACE].new is None


def test_the_tree_shows_who_belongs_to_whom(recorded: Recorded) -> None:
    progress = Progress("up")
    for event in recorded("replace"):
        progress.apply(event)
    rows = [row.split() for row in drawn(progress).splitlines()]
    assert [row[:3] for row in rows] == [
        ["├─", "tiny:C", "app"],
        ["│", "├─", "kubernetes:Namespace"],
        ["│", "└─", "±"],
        ["└─", "pulumi:kubernetes", "pr"],
    ]
    assert rows[2][3:] == ["kubernetes:ConfigMap", "cm", "replaced", "because", "of", "data"]


def test_of_many_resources_no_more_is_drawn_than_there_is_room_for_until_the_end() -> None:
    urns = [f"urn:pulumi:s::tiny::kubernetes:core/v1:ConfigMap::number-{number}" for number in range(700)]
    resources = {urn: ResourceProgress(urn, "kubernetes:core/v1:ConfigMap", None) for urn in urns}
    console = Console(file=io.StringIO(), width=120, height=20, force_terminal=True)
    display = TreeDisplay(console, time_scale=1)
    display.__enter__()
    with console.capture() as capture:
        display.begin(Progress("up", resources=resources))
        drawing = display._render()
        display._live.refresh()
    assert isinstance(drawing, Table)
    assert drawing.row_count == 21
    assert "number-17" in capture.get()
    assert "..." in capture.get()
    with console.capture() as capture:
        display.__exit__(None, None, None)
    assert "number-699" in capture.get()


def test_the_tree_tells_what_each_resource_waits_for(recorded: Recorded) -> None:
    events = list(recorded("failed"))
    running = next(i for i, each in enumerate(events) if each.res_op_failed_event)
    progress = Progress("up", waiting=lambda: {CONFIG_MAP: "pods start, 1 of 2 min"})
    for event in events[:running]:
        progress.apply(event)
    progress.resources[NAMESPACE].status = Status.RUNNING
    assert "pods start, 1 of 2 min" in drawn(progress)
    config_map = progress.resources[CONFIG_MAP]
    config_map.status, config_map.dependencies = Status.WAITING, frozenset({NAMESPACE, COMPONENT, "gone"})
    assert progress.waits_for(config_map) == "ns"
    assert "waits for ns" in drawn(progress)
    progress.resources[NAMESPACE].status = Status.DONE
    assert progress.waits_for(config_map) == ""


def test_a_destroy_waits_for_those_that_depend() -> None:
    cluster = {"urn": "u::cluster", "type": "t"}
    provider = {"urn": "u::provider", "type": "t", "propertyDependencies": {"kubeconfig": ["u::cluster"]}}
    service = {"urn": "u::service", "type": "t", "provider": "u::provider::id", "parent": "u::component"}
    component = {"urn": "u::component", "type": "t"}
    foreseen = foresee_deletions([cluster, provider, component, service])
    assert list(foreseen) == ["u::service", "u::component", "u::provider", "u::cluster"]
    assert foreseen["u::cluster"].dependencies == {"u::provider"}
    assert foreseen["u::provider"].dependencies == {"u::service"}
    assert foreseen["u::component"].dependencies == {"u::service"}


def test_types_are_written_short() -> None:
    assert short_type("gcp:container/cluster:Cluster") == "gcp:Cluster"
    assert short_type("kubernetes:apps/v1:Deployment") == "kubernetes:Deployment"
    assert short_type("llm-serving:index:GkeGpuCluster") == "llm-serving:GkeGpuCluster"
