"""Runs a stack's program in Pulumi's own engine, on simulated clouds, in a folder of its own."""

import json
import math
import runpy
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
from pulumi.automation import CommandError, EngineEvent, OutputMap

from cli.advice import advise
from cli.engine_command import EngineCommand
from cli.errors import RefusedError
from cli.foresight import foresee_deletions, foresee_plan
from cli.interruption import recover
from cli.isolation import project_as_current
from cli.policies import offer_analyzer, policy_options
from cli.progress import Diagnostic, Progress, ResourceProgress, short_type
from cli.project import check_stack_name, find_project
from cli.references import offer_references
from cli.result import Outcome, Output, Result, resources_of
from cli.session import Home, Session, open_session
from cli.settings import Settings, rehearsal_settings
from engine import find_pulumi
from simulator import Fault

OnEvent = Callable[[EngineEvent], None]


def ignore(*_: object) -> None:
    """Do nothing."""


@dataclass
class Rehearsal:
    """A stack on simulated clouds. Each operation does what the Pulumi command of the same name does.

    Every operation raises `RefusedError` when the stack or its settings cannot be read or another rehearsal of it is
    running, `engine.EngineError` when there is no engine, and KeyboardInterrupt when it is cancelled before it begins.
    What fails later is told by its result.
    """

    stack: str
    folder: Path = field(default_factory=Path.cwd)
    """Somewhere in the project; the project of this command line is taken where there is none."""
    time_scale: float = math.inf
    """How many times faster than real time simulated time passes; `math.inf` never waits."""
    faults: Sequence[Fault] = ()
    """What is to go wrong."""
    overrides: Sequence[str] = ()
    """`KEY=VALUE` settings in place of the stack file's."""
    secret_overrides: Sequence[str] = ()
    """The same, held encrypted."""
    stand_ins: bool = True
    """Whether account values that the stack file has not are made up."""
    control_plane: bool = False
    """Whether Kubernetes objects go to a real control plane. One that a rehearsal has begun on is gone on with."""
    policy_packs: Sequence[Path] = ()
    """Folders of policy packs that judge `preview` and `up`."""
    policy_configs: Sequence[Path] = ()
    """Files that configure them, in their order."""
    references: Sequence[Path] = ()
    """Projects whose rehearsed stacks the program may refer to."""
    foresight: bool = False
    """Whether an `up` is planned first, so that its progress tells from the start what there will be to do."""
    begin: Callable[[Progress], None] = ignore
    """Called when an operation starts."""
    watch: Callable[[Progress, ResourceProgress | Diagnostic], None] = ignore
    """Called with everything that happens in it, from another thread."""
    say: Callable[[str], None] = ignore
    """Called with lines for people."""

    def __post_init__(self) -> None:
        self._policies = policy_options(self.policy_packs, self.policy_configs)
        self.home = Home(find_project(self.folder), check_stack_name(self.stack))
        """Where everything of this rehearsal is."""
        self._engine: EngineCommand | None = None
        self._refused = False

    def settings(self) -> Settings:
        """Return what the stack is configured with.

        Raises:
            RefusedError: the stack file cannot be read, or an override is no `KEY=VALUE`.
        """
        return rehearsal_settings(
            self.home.project,
            self.stack,
            overrides=self.overrides,
            secret_overrides=self.secret_overrides,
            stand_ins=self.stand_ins,
        )

    def preview(self) -> Result:
        """Tell what an `up` would do."""
        settings = self._announced_settings()
        with self._session(settings) as session:
            preview, progress = session.stack.preview, self._progress("preview", session)
            outcome = self._run(session, progress, lambda see: preview(on_event=see, **self._policies))
            return self._result(session, progress, outcome, settings)

    def up(self) -> Result:
        """Create or change what the program describes."""
        settings = self._announced_settings()
        with self._session(settings) as session:
            state = recover(session, self.say, record_unknown=False)
            # what was deleted to be replaced stays in the state, and has the id of what came in its place
            known = (each for each in state if "id" in each and not each.get("pendingReplacement"))
            session.clouds.adopt({(each["type"], each["id"]) for each in known})
            planned = Progress("preview")
            if self.foresight:
                outcome = self._plan(session, planned)
                if outcome is not Outcome.SUCCEEDED:
                    # nothing of what the plan told has been done
                    stopped = Progress("up", diagnostics=planned.diagnostics)
                    return self._result(session, stopped, outcome, settings)
            progress = self._progress("up", session, planned.resources)
            outputs: OutputMap = {}

            def operation(on_event: OnEvent) -> None:
                outputs.update(session.stack.up(on_event=on_event, **self._policies).outputs)

            outcome = self._run(session, progress, operation)
            return self._result(session, progress, outcome, settings, outputs)

    def refresh(self) -> Result:
        """Read back what became of the resources in the simulated clouds."""
        self._must_exist()
        with self._session() as session:
            recover(session, self.say, record_unknown=True)
            progress = self._progress("refresh", session)
            outcome = self._run(session, progress, lambda on_event: session.stack.refresh(on_event=on_event))
            outputs = session.stack.outputs() if outcome is Outcome.SUCCEEDED else None
            return self._result(session, progress, outcome, outputs=outputs)

    def destroy(self) -> Result:
        """Delete every resource, and then the stack's rehearsal folder. What stays behind makes it fail."""
        if not self.home.exists():
            return Result("destroy", self.stack, Outcome.SUCCEEDED)
        with self._session() as session:
            state = recover(session, self.say, record_unknown=True)
            progress = self._progress("destroy", session, foresee_deletions(state))
            outcome = self._run(session, progress, lambda on_event: session.stack.destroy(on_event=on_event))
            if outcome is Outcome.SUCCEEDED and not session.clouds.empty:
                outcome = Outcome.FAILED
                progress.diagnostics += [self._left_behind(each.type, each.name) for each in session.clouds.resources()]
            result = self._result(session, progress, outcome)
            if outcome is Outcome.SUCCEEDED:
                session.clouds.stop_control_planes()
                self.home.remove()
        return result

    def outputs(self) -> Result:
        """Tell the outputs of the last `up`.

        Raises:
            RefusedError: there has been none.
        """
        self._must_exist()
        with self._session() as session:
            outputs = session.stack.outputs()
            result = self._result(session, Progress("outputs"), Outcome.SUCCEEDED, outputs=outputs)
        if not result.outputs:
            raise RefusedError(self._nothing_up())
        return result

    def cancel(self) -> bool:
        """Ask the running operation to stop, the second time kill it, and tell whether one was running."""
        return self._engine is not None and self._engine.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the running operation has been asked to stop."""
        return self._engine is not None and self._engine.cancelled

    def _announced_settings(self) -> Settings:
        settings = self.settings()
        if settings.stand_ins:
            self.say("Stand-ins: " + ", ".join(f"{key} = {value}" for key, value in settings.stand_ins.items()) + ".")
        if settings.placeholders:
            self.say(f"Placeholders stand for the encrypted {', '.join(settings.placeholders)}.")
        return settings

    def _must_exist(self) -> None:
        if not self.home.exists():
            self.home.project.stack_file(self.stack)
            raise RefusedError(self._nothing_up())

    def _nothing_up(self) -> str:
        return f"Nothing is up: run `llm-serving rehearse up {self.stack}` first."

    def _left_behind(self, token: str, name: str) -> Diagnostic:
        return Diagnostic(
            "error",
            None,
            f"{short_type(token)} {name} is still there: the run that made it was interrupted. "
            f"`llm-serving rehearse up {self.stack}` takes it over; then run this again.",
        )

    def _session(self, settings: Settings | None = None) -> AbstractContextManager[Session]:
        self._refused = False
        return open_session(
            self.home,
            self._program,
            settings=settings,
            find_engine=lambda: find_pulumi(self.say),
            time_scale=self.time_scale,
            faults=self.faults,
            control_plane=self.control_plane,
            say=self.say,
            use=self._use,
        )

    def _use(self, engine: EngineCommand | None) -> None:
        self._engine = engine

    def _program(self) -> None:
        folder = self.home.project.folder
        with project_as_current(folder):
            try:
                runpy.run_path(str(folder / "__main__.py"), run_name="__main__")
            except pulumi.RunError:
                self._refused = True
                raise

    def _progress(
        self, operation: str, session: Session, foreseen: dict[str, ResourceProgress] | None = None
    ) -> Progress:
        progress = Progress(operation, session.clouds.waiting, foreseen or {})
        self.begin(progress)
        return progress

    def _plan(self, session: Session, progress: Progress) -> Outcome:
        plan, preview = self.home.folder / "plan.json", session.stack.preview
        outcome = self._run(
            session, progress, lambda see: preview(on_event=see, plan=str(plan), **self._policies), ignore
        )
        if outcome is Outcome.SUCCEEDED:
            progress.resources = foresee_plan(progress, json.loads(plan.read_text(encoding="utf-8")))
        return outcome

    def _run(
        self,
        session: Session,
        progress: Progress,
        operation: Callable[[OnEvent], object],
        watch: Callable[[Progress, ResourceProgress | Diagnostic], None] | None = None,
    ) -> Outcome:
        def on_event(event: EngineEvent) -> None:
            for told in (event.diagnostic_event, event.policy_event):
                if told:
                    told.message = session.engine.mask(told.message)
            change = progress.apply(event)
            if change is not None:
                (watch or self.watch)(progress, change)

        offer_references(self.references, self.home.folder)
        if self.policy_packs:
            offer_analyzer(session.stack, self.home.folder / "bin")
        try:
            with session.engine.mask.over_output():
                operation(on_event)
        except (CommandError, RuntimeError) as error:
            # The Automation API raises a bare RuntimeError when a preview ends early.
            if session.engine.cancelled:
                return Outcome.CANCELLED
            if not any(each.severity == "error" for each in progress.diagnostics):
                text = session.engine.errors() or str(error)
                progress.diagnostics.append(Diagnostic("error", None, text))
                self._refused |= "validating stack config" in text
            return Outcome.REFUSED if self._refused else Outcome.FAILED
        return Outcome.SUCCEEDED

    def _result(
        self,
        session: Session,
        progress: Progress,
        outcome: Outcome,
        settings: Settings | None = None,
        outputs: OutputMap | None = None,
    ) -> Result:
        simulated = not math.isinf(self.time_scale) and progress.operation in ("up", "refresh", "destroy")
        warnings = [Diagnostic("warning", None, each) for each in session.clouds.warnings]
        if outcome is Outcome.SUCCEEDED and progress.operation != "preview":
            warnings += [
                Diagnostic("warning", None, f"The fault {each} did not strike: nothing was done that it is about.")
                for each in session.clouds.unused_faults()
            ]
        return Result(
            operation=progress.operation,
            stack=self.stack,
            outcome=outcome,
            changes=progress.changes,
            resources=resources_of(progress, session.clouds.passed()),
            outputs={name: Output(each.value, each.secret) for name, each in (outputs or {}).items()},
            diagnostics=(*progress.diagnostics, *warnings),
            advice=advise(progress.diagnostics, {each.urn: each.name for each in progress.resources.values()})
            if outcome is Outcome.FAILED
            else (),
            stand_ins=settings.stand_ins if settings else {},
            placeholders=tuple(settings.placeholders) if settings else (),
            seconds=time.monotonic() - session.started,
            simulated_seconds=progress.busy_seconds() * self.time_scale if simulated else None,
            log=str(self.home.log),
        )
