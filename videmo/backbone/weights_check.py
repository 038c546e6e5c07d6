"""Check the directory of a model before anything is trained: config, tokenizer, and the headers of the weights.

Takes milliseconds, imports no torch, runs and downloads nothing. Every fault is a ValueError of one line that names the
file. What only the values show (NaN) is checked when the weights are loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from videmo.backbone.families import FAMILIES
from videmo.backbone.family import Family, Json, Shape
from videmo.backbone.safetensors_header import tensor_shapes
from videmo.settings.errors import SettingError
from videmo.stages.hub_cache import hub_cache_of

TINY = Path(__file__).parent / "weights" / "tiny"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
LARGEST = 100_000_000  # bytes of a JSON file
SETTINGS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json",
            "video_preprocessor_config.json", "generation_config.json")  # fmt: skip
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
TEMPLATES = ("chat_template.jinja", "chat_template.json")


def find_model(name: str | Path) -> Path | None:
    """Where the files of the model called `name` are: `tiny`, a directory, or a model in the local Hugging Face cache;
    None if there is no such directory."""
    if str(name) == "tiny":
        return TINY
    if Path(name).is_dir():
        return Path(name)
    cache = hub_cache_of(str(name))
    main = cache / "refs" / "main"
    snapshot = cache / "snapshots" / (main.read_text(encoding="utf-8").strip() if main.is_file() else "main")
    return snapshot if snapshot.is_dir() else None


def check_policy(directory: Path) -> None:
    """Raise ValueError, which names file and fault, unless `directory` holds a model that this project can train: of a
    known family, with every tensor in its shape, a tokenizer and a chat template, and no code."""
    kind = model_type(directory)
    if kind not in FAMILIES:
        raise ValueError(f"config.json: model_type = {kind}; use a model of {' or '.join(FAMILIES)}")
    check_model(directory)


def check_model(directory: Path) -> None:
    """As `check_policy`, for a model of any kind that transformers knows: tensors are held against a shape only where
    the family is known."""
    config = read_json(directory / "config.json")
    _check_no_code(directory)
    shapes = _stored_shapes(directory)
    _check_speech(directory)
    if family := FAMILIES.get(str(config.get("model_type"))):
        _check_shapes(family, config, shapes)
        _check_vocabulary(family, config, directory)


def model_type(directory: Path) -> str:
    """The `model_type` that config.json names. Raises ValueError where it names none."""
    kind = read_json(directory / "config.json").get("model_type")
    if not isinstance(kind, str):
        raise ValueError("config.json: names no model_type")
    return kind[:80]


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file. Raises ValueError, which names file and fault."""
    if not path.is_file():
        raise ValueError(f"{path.name}: no such file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name}: has more than {LARGEST} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path.name}: is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: is a JSON {type(content).__name__}, must be an object")
    return content


def check_setting(setting: str, name: str, any_family: bool = False) -> None:
    """Raise SettingError where the files of the model that `setting` names have a fault: `check_policy`, or
    `check_model` with `any_family`. A model that is not on this machine is not checked."""
    directory = find_model(name)
    if directory is None:
        return
    try:
        (check_model if any_family else check_policy)(directory)
    except (ValueError, OSError) as error:
        raise SettingError(f"{setting} = {name}: {error}") from None


def is_policy(name: str | Path) -> bool:
    """Whether `name` is to be loaded as a policy: everything but a directory that holds a model of another family."""
    directory = find_model(name)
    if directory is None or not (directory / "config.json").is_file():
        return True
    return read_json(directory / "config.json").get("model_type") in (None, *FAMILIES)


def _check_no_code(directory: Path) -> None:
    for path in sorted(directory.glob("*.py")):
        raise ValueError(f"{path.name}: code beside the weights is never run; remove it, or use another model")
    for name in SETTINGS:
        if (directory / name).is_file() and "auto_map" in read_json(directory / name):
            raise ValueError(f"{name}: auto_map asks to run code of the model, which is never run; use another model")


def _stored_shapes(directory: Path) -> dict[str, Shape]:
    """Every tensor in the files of weights."""
    if (directory / WEIGHTS).is_file():
        return tensor_shapes(directory / WEIGHTS)
    if (directory / INDEX).is_file():
        return _sharded_shapes(directory)
    for pattern in PICKLES:
        for path in sorted(directory.glob(pattern)):
            raise ValueError(f"{path.name}: pickled weights are never read; convert them to {WEIGHTS}")
    raise ValueError(f"{WEIGHTS}: no such file, and no {INDEX}")


def _sharded_shapes(directory: Path) -> dict[str, Shape]:
    places = read_json(directory / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(_is_file_name(file) for file in places.values()):
        raise ValueError(f"{INDEX}: weight_map must name a file in this directory for every tensor")
    found: dict[str, Shape] = {}
    for file in sorted(set(places.values())):
        if not (directory / file).is_file():
            raise ValueError(f"{file}: no such file; {INDEX} names it")
        held = tensor_shapes(directory / file)
        promised = {name for name, place in places.items() if place == file}
        _check_names(file, set(held), promised, frozenset(), INDEX)
        found |= held
    return found


def _is_file_name(value: object) -> bool:
    return isinstance(value, str) and value.endswith(".safetensors") and Path(value).name == value


def _check_speech(directory: Path) -> None:
    """There are a tokenizer and a template for chats."""
    if not any((directory / name).is_file() for name in TOKENIZERS):
        raise ValueError(f"tokenizer.json: no such file; {directory.name} holds no tokenizer")
    settings = directory / "tokenizer_config.json"
    if any((directory / name).is_file() for name in TEMPLATES):
        return
    if not settings.is_file() or not read_json(settings).get("chat_template"):
        raise ValueError(f"{TEMPLATES[0]}: no such file; without a chat template no question can be put to the model")


def _check_shapes(family: Family, config: Json, stored: Mapping[str, Shape]) -> None:
    expected = family.shapes(config)
    found = {family.stored(name): shape for name, shape in stored.items()}
    _check_names(WEIGHTS, set(found), set(expected), family.optional, f"the {family.model_type} of config.json")
    for name, shape in expected.items():
        if found[name] != shape:
            raise ValueError(f"{WEIGHTS}: {name} has shape {list(found[name])}, config.json asks for {list(shape)}")


def _check_names(file: str, found: set[str], expected: set[str], optional: frozenset[str], source: str) -> None:
    if missing := sorted(expected - found):
        raise ValueError(
            f"{file}: {len(missing)} of {len(expected)} tensors of {source} are missing, such as {missing[0][:80]}"
        )
    if extra := sorted(found - expected - optional):
        raise ValueError(f"{file}: {len(extra)} tensors are not in {source}, such as {extra[0][:80]}")


def _check_vocabulary(family: Family, config: Json, directory: Path) -> None:
    """The ids of all tokens lie in the vocabulary of the model, and its special ones are where config.json says."""
    if not (directory / "tokenizer.json").is_file():
        return  # the ids of other formats are known once it is loaded
    ids = _token_ids(read_json(directory / "tokenizer.json"))
    text = config.get("text_config", config)
    size = text.get("vocab_size") if isinstance(text, dict) else None
    if isinstance(size, int) and ids and max(ids.values()) >= size:
        raise ValueError(f"tokenizer.json: has token {max(ids.values())}, config.json has vocab_size = {size}")
    for key, (token, default) in family.special.items():
        if ids.get(token) != config.get(key, default):
            raise ValueError(
                f"tokenizer.json: {token} is {ids.get(token)}, config.json has {key} = {config.get(key, default)}"
            )


def _token_ids(tokenizer: Json) -> dict[str, int]:
    model, added = tokenizer.get("model"), tokenizer.get("added_tokens")
    words = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(words, dict) or not all(type(number) is int for number in words.values()):
        raise ValueError("tokenizer.json: has no vocabulary of token ids")
    entries = [entry for entry in added if isinstance(entry, dict)] if isinstance(added, list) else []
    return {**words, **{str(e["content"]): e["id"] for e in entries if type(e.get("id")) is int and "content" in e}}
