"""`voxtrace voices`: the voice models in the data folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from voxtrace.cli.model_pools import processors
from voxtrace.config import load_settings, prepare_data_folder
from voxtrace.errors import EXIT_FAIL, InvalidOption, VoxtraceError
from voxtrace.speech.engine_process import EngineChoice
from voxtrace.speech.voice_folder import FOLDER, InstalledVoice, find_voice_folder, installed_voices, require_no_links

if TYPE_CHECKING:
    from voxtrace.speech.trial import Trial

SAID = "The quick brown fox jumps over the lazy dog."


class VoicesCommand:
    """Adds, lists and checks voice models."""

    name: ClassVar[str] = "voices"
    details: ClassVar[str] = """\
espeak-ng is always there. Other voices come from files that you have: nothing is downloaded. A model is added
only when it loads and speaks; then restart the server, and ask for it by its name as `model`.

  voxtrace voices add ~/Downloads/kokoro            a folder with kokoro-v1.0.onnx and voices-v1.0.bin
  voxtrace voices add en_US-lessac-medium.onnx      a Piper voice, its .onnx.json beside it
  voxtrace voices list                              what there is, and what each can do
  voxtrace voices check kokoro                      load it, speak, and say what is wrong
  voxtrace voices check --from PATH                 the same with files that were not added

It needs the extra `neural`. Exit code 1: a voice can't be spoken with.
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("do", choices=("add", "list", "check"), help="what to do")
        parser.add_argument("what", nargs="?", metavar="PATH|NAME", help="for add: files; for check: a voice")
        parser.add_argument("--name", help="for add: what the voice shall be called (letters, digits, - and _)")
        parser.add_argument("--link", action="store_true", help="for add: hard links instead of copies")
        parser.add_argument("--from", dest="source", type=Path, metavar="PATH", help="for check: files anywhere")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        folder = prepare_data_folder(args.data)
        provider = load_settings(folder, {})["provider"].value
        if args.do == "add":
            return _add(args, folder / FOLDER, provider)
        if args.do == "check":
            return _check(args, folder / FOLDER, provider)
        return _list(args, folder / FOLDER, provider)


def _add(args: Namespace, root: Path, provider: str) -> int:
    from voxtrace.speech.voice_adding import add_voice

    if args.what is None:
        raise InvalidOption("PATH", "", "name the folder or the .onnx file of the voice")
    reports: list[dict[str, Any]] = []

    def verify(voice: InstalledVoice) -> None:
        reports.extend(_to_json(voice, mode, _try(voice, provider, mode)) for mode in _modes(voice))

    voice = add_voice(_existing(Path(args.what), "PATH"), root, args.name, link=args.link, verify=verify)
    if args.json:
        print(json.dumps({"added": voice.name, "checks": reports}, indent=2))
        return 0
    for report in reports:
        print(_in_words(report))
    print(f"added: ask for it with model {voice.name!r} after the next start of the server")
    return 0


def _check(args: Namespace, root: Path, provider: str) -> int:
    if args.source is not None:
        return _check_elsewhere(args, provider)
    voices = [find_voice_folder(root, args.what)] if args.what is not None else installed_voices(root)
    for voice in voices:
        require_no_links(voice)
    return _tell(args, voices, provider)


def _check_elsewhere(args: Namespace, provider: str) -> int:
    """As they would be in the data folder, so that what passes here can be added."""
    from voxtrace.speech.voice_adding import lay_out, name_of

    source = _existing(args.source, "--from")
    with TemporaryDirectory(prefix="voxtrace-") as folder:
        voice = lay_out(source, Path(folder), name_of(source), lambda file, target: target.symlink_to(file))
        return _tell(args, [voice], provider)


def _tell(args: Namespace, voices: list[InstalledVoice], provider: str) -> int:
    reports: list[dict[str, Any]] = []
    for voice in voices:
        reports += [_report(voice, provider, mode) for mode in _modes(voice)]
        if not args.json:
            for report in reports[-len(_modes(voice)) :]:
                print(_in_words(report))
    if args.json:
        print(json.dumps(reports, indent=2))
    elif not reports:
        print("no voice models yet; espeak-ng needs none (voxtrace voices add PATH)")
    return EXIT_FAIL if any("problem" in report for report in reports) else 0


def _list(args: Namespace, root: Path, provider: str) -> int:
    from voxtrace.speech.trial import try_engine

    reports = [_facts("espeak-ng", try_engine(EngineChoice()))]
    for voice in installed_voices(root):
        try:
            require_no_links(voice)
            reports.append(_facts(voice.name, _try(voice, provider, "auto", text="")))
        except VoxtraceError as why:
            reports.append({"model": voice.name, "problem": str(why)})
    if args.json:
        print(json.dumps(reports, indent=2))
        return 0
    for report in reports:
        print(_line(report))
    return 0


def _existing(path: Path, name: str) -> Path:
    if not path.exists():
        raise InvalidOption(name, str(path), "there is no such file or folder")
    return path


def _modes(voice: InstalledVoice) -> list[str]:
    """The precisions to try, each for itself; a voice without a model has one problem, and not none."""
    from voxtrace.speech.engines.kokoro_files import find_models
    from voxtrace.speech.errors import VoiceUnusable

    if voice.engine != "kokoro":
        return ["auto"]
    try:
        return list(find_models(voice.folder))
    except VoiceUnusable:
        return ["auto"]


def _try(voice: InstalledVoice, provider: str, mode: str, text: str = SAID) -> Trial:
    from voxtrace.speech.trial import try_engine

    return try_engine(EngineChoice(voice.engine, voice.options(provider, mode, processors())), text)


def _report(voice: InstalledVoice, provider: str, mode: str) -> dict[str, Any]:
    try:
        return _to_json(voice, mode, _try(voice, provider, mode))
    except VoxtraceError as why:
        return {"model": voice.name, "engine": voice.engine, "precision": mode, "problem": str(why)}


def _to_json(voice: InstalledVoice, mode: str, trial: Trial) -> dict[str, Any]:
    facts = _facts(voice.name, trial) | {"load_s": round(trial.load_s, 3)}
    if trial.rtf is not None:
        facts |= {"audio_s": round(trial.audio_s, 3), "synthesis_s": round(trial.synthesis_s, 3)}
        facts["rtf"] = round(trial.rtf, 4)
    return facts | ({"precision": mode} if mode != "auto" else {})


def _facts(model: str, trial: Trial) -> dict[str, Any]:
    from voxtrace.server.engine_pages import abilities_to_json

    return {"model": model, **abilities_to_json(trial.catalogue)}


def _in_words(report: dict[str, Any]) -> str:
    of = f"{report['model']} {report.get('precision', '')}".strip()
    if "problem" in report:
        return f"{of}: {report['problem']}"
    told = f"loads in {report['load_s']:.2f} s, speaks {report['audio_s']:.2f} s in {report['synthesis_s']:.2f} s"
    fallback = report.get("fallback")
    note = f"; {fallback['asked']} was asked for: {fallback['why']}" if fallback else ""
    return f"{of}: {told} (RTF {report['rtf']:.3f}) on {report['provider']}, {_counted(report['voices'])}{note}"


def _line(report: dict[str, Any]) -> str:
    if "problem" in report:
        return f"{report['model']}: {report['problem']}"
    languages = report["languages"]
    spoken = ", ".join(languages) if len(languages) < 10 else f"{len(languages)} languages"
    facts = [_counted(report["voices"]), spoken, f"{report['sample_rate']} Hz", f"on {report['provider']}"]
    if "precision" in report:
        facts.append(f"{report['precision']} of {', '.join(report['precisions'])}")
    facts += [f"modes: {', '.join(each['mode'] for each in report['modes'])}"] if "modes" in report else []
    facts += ["voices can be mixed"] if report["mixes_voices"] else []
    return f"{report['model']}: {'; '.join(facts)}"


def _counted(voices: int) -> str:
    return "1 voice" if voices == 1 else f"{voices} voices"
