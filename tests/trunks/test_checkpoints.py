"""Published networks for texts: equal to BERT computed plainly, and strangers' folders are data."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bert_making import random_tensors

import simmim_lib
from simmim_lib import training, trunks
from simmim_lib.errors import WorkbookError
from simmim_lib.experiments import features as features_module
from simmim_lib.experiments import kept_models, pretraining
from simmim_lib.experiments.features import texts_features
from simmim_lib.experiments.kept_models import Description
from simmim_lib.experiments.pretraining import pretrained
from simmim_lib.playground import links, serving
from simmim_lib.settings import Settings
from simmim_lib.sweeps import rows
from simmim_lib.trunks import checkpoints, minilm, tokens
from simmim_lib.trunks.bert import Sizes

pytest.importorskip("tokenizers")
numpy_of_safetensors = pytest.importorskip("safetensors.numpy")

CONFIG = {
    "model_type": "bert",
    "vocab_size": 12,
    "max_position_embeddings": 32,
    "hidden_size": 6,
    "num_attention_heads": 3,
    "intermediate_size": 10,
    "num_hidden_layers": 2,
    "layer_norm_eps": 1e-5,
    "hidden_act": "gelu",
    "pad_token_id": 0,
}
SIZES = Sizes(12, 32, width=6, heads=3, inner=10, layers=2)
WORDS = ["[PAD]", "[UNK]", "good", "bad", "film", "phone", "it", "is", "a", "the"]


def tensors() -> dict[str, np.ndarray]:
    return random_tensors(SIZES, 0.5)


def tokenizer() -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made.to_str()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a tiny network."""
    made = tmp_path / "tiny-bert"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    (made / "tokenizer.json").write_text(tokenizer())
    (made / "model.safetensors").write_bytes(numpy_of_safetensors.save(tensors()))
    return made


def plainly(ids: np.ndarray) -> np.ndarray:
    """Compute one text's vector with NumPy, token by token, as Devlin et al. describe it."""
    has = tensors()

    def dense(values, name):
        return values @ has[f"{name}.weight"].T + has[f"{name}.bias"]

    def norm(values, name):
        values = values - values.mean(-1, keepdims=True)
        scale = np.sqrt((values**2).mean(-1, keepdims=True) + CONFIG["layer_norm_eps"])
        return values / scale * has[f"{name}.weight"] + has[f"{name}.bias"]

    first = "embeddings"
    hidden = has[f"{first}.word_embeddings.weight"][ids]
    hidden = hidden + has[f"{first}.position_embeddings.weight"][: len(ids)]
    hidden = norm(hidden + has[f"{first}.token_type_embeddings.weight"][0], f"{first}.LayerNorm")
    heads = CONFIG["num_attention_heads"]
    size = CONFIG["hidden_size"] // heads
    for number in range(CONFIG["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        parts = [dense(hidden, f"{layer}.attention.self.{p}") for p in ("query", "key", "value")]
        seen = []
        for head in range(heads):
            query, key, value = (part[:, head * size : (head + 1) * size] for part in parts)
            scores = np.exp(query @ key.T / math.sqrt(size))
            seen.append(scores / scores.sum(-1, keepdims=True) @ value)
        attended = dense(np.concatenate(seen, axis=-1), f"{layer}.attention.output.dense")
        hidden = norm(hidden + attended, f"{layer}.attention.output.LayerNorm")
        inner = dense(hidden, f"{layer}.intermediate.dense")
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        hidden = norm(hidden + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = hidden.mean(0)
    return mean / np.linalg.norm(mean)


def features(name: str, texts: list[str]) -> np.ndarray:
    return texts_features(pretrained("file", name), tokens.token_ids(name, texts, 8))


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_a_network_of_any_size_is_bert_computed_plainly(folder, prefix):
    named = {f"{prefix}{name}": tensor for name, tensor in tensors().items()}
    if prefix:  # as the first ones were published
        ends = {"Norm.weight": "Norm.gamma", "Norm.bias": "Norm.beta"}
        for new, old in ends.items():
            named = {name.replace(new, old): tensor for name, tensor in named.items()}
    (folder / "model.safetensors").write_bytes(numpy_of_safetensors.save(named))
    texts = ["it is a good film", "bad phone", "what"]
    found = features(f"hub:{folder}", texts)
    expected = [plainly(np.array(ids)) for ids in ([6, 7, 8, 2, 4], [3, 5], [1])]
    assert np.abs(found - np.stack(expected)).max() < 1e-5


@pytest.mark.slow
def test_what_hugging_face_saves_is_read_as_it_computes_it(folder):
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("transformers")
    torch.manual_seed(3)
    original = library.BertModel(library.BertConfig(**CONFIG), add_pooling_layer=False).eval()
    with torch.no_grad():
        for parameter in original.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    original.save_pretrained(folder)
    found = features(f"hub:{folder}", ["it is a good film", "bad phone"])
    ids, seen = [[6, 7, 8, 2, 4], [3, 5, 0, 0, 0]], torch.tensor([[1] * 5, [1, 1, 0, 0, 0]])
    with torch.no_grad():
        described = original(torch.tensor(ids), attention_mask=seen).last_hidden_state
    mean = (described * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
    expected = torch.nn.functional.normalize(mean).numpy()
    assert np.abs(found - expected).max() < 1e-5


def test_it_is_described_by_its_files(folder):
    trunk = trunks.describe(f"hub:{folder}")
    assert (trunk.title, trunk.takes, trunk.sizes) == ("tiny-bert", "texts", (8, 32))
    assert trunk.blocks == ("embedding", "layer_1", "layer_2")
    assert Settings(trunk=trunk.name, targets=("imdb",)).source == "file"


@pytest.mark.slow
def test_an_experiment_with_it_is_kept_and_reads_texts(folder, tmp_path):
    (tmp_path / "texts.csv").write_text(
        "text,label\n" + "".join(f"a good film {n},yes\na bad phone {n},no\n" for n in range(20))
    )
    trunk = f"hub:{folder}"
    settings = Settings(
        trunk=trunk,
        targets=(f"csv:{tmp_path}/texts.csv?text=text",),
        labels_per_class=8,
        seeds=2,
        steps=100,
        learning_rate=0.1,
    )
    result = simmim_lib.run(settings, baseline=False)
    assert result.accuracy[settings.targets[0]].min() == 1
    kept = tmp_path / "kept.keras"
    result.save(kept)
    assert kept_models.read(kept).description.tokens == trunk
    other = (folder / "tokenizer.json").read_text().replace('"good"', '"fine"')
    (folder / "tokenizer.json").write_text(other)
    with pytest.raises(WorkbookError, match="other tokens"):
        kept_models.read(kept)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WorkbookError, match="not on this machine"):
        kept_models.read(kept)


CHANGED = {
    "DistilBERT": ({"model_type": "distilbert"}, "model_type 'distilbert'"),
    "no kind at all": ({"model_type": None}, "model_type None"),
    "a list of kinds": ({"model_type": ["bert"]}, "model_type \\['bert'\\]"),
    "a decoder": ({"is_decoder": True}, "is_decoder True"),
    "a flag for a number": ({"pad_token_id": False}, "pad_token_id False"),
    "layers without end": ({"num_hidden_layers": 80_000_000}, "from 1 to 100"),
    "relative positions": ({"position_embedding_type": "relative_key"}, "relative_key"),
    "another activation": ({"hidden_act": "gelu_new"}, "'gelu' or 'relu'"),
    "other padding": ({"pad_token_id": 1}, "pad_token_id 1, but 0"),
    "heads that do not divide": ({"num_attention_heads": 4}, "that divides 6"),
    "no width": ({"hidden_size": None}, "hidden_size None"),
    "a width of 0": ({"hidden_size": 0}, "hidden_size 0"),
    "a flag for a width": ({"hidden_size": True}, "hidden_size True"),
    "an epsilon in words": ({"layer_norm_eps": "small"}, "layer_norm_eps 'small'"),
    "as large as a house": ({"vocab_size": 400_000_000}, "2,400,000,"),
    "few positions": ({"max_position_embeddings": 4}, "from 8 to"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_another_layout_is_refused_in_one_sentence(folder, what):
    change, words = CHANGED[what]
    (folder / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(WorkbookError, match=words):
        trunks.describe(f"hub:{folder}")


def test_other_ways_to_one_vector_are_refused(folder):
    (folder / "1_Pooling").mkdir()
    pooling = folder / "1_Pooling" / "config.json"
    (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.Pooling"}]')
    for good in ('{"pooling_mode_mean_tokens": true}', '{"pooling_mode": "mean"}'):
        pooling.write_text(good)
        assert trunks.describe(f"hub:{folder}").blocks
    for bad in (
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}',
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}',
        '{"pooling_mode": "cls"}',
        "{}",
    ):
        pooling.write_text(bad)
        with pytest.raises(WorkbookError, match="pooling_mode_mean_tokens alone"):
            trunks.describe(f"hub:{folder}")
    pooling.write_text('{"pooling_mode_mean_tokens": true}')
    (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    with pytest.raises(WorkbookError, match=r"models\.Dense"):
        trunks.describe(f"hub:{folder}")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"[1]", b"{", b'{"a": [' * 2000])
def test_a_missing_or_damaged_file_is_named(folder, name, content):
    path = folder / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(WorkbookError) as error:
        features(f"hub:{folder}", ["good"])
    assert "okenizer" in str(error.value) if "tokenizer" in name else name in str(error.value)


def test_weights_of_another_network_are_refused(folder):
    path = folder / "model.safetensors"

    def refused(content: bytes, words: str) -> None:
        path.write_bytes(content)
        with pytest.raises(WorkbookError, match=words):
            pretraining.published(f"hub:{folder}")

    good = tensors()
    word = "embeddings.word_embeddings.weight"
    save = numpy_of_safetensors.save
    refused(save(good)[:-40], "half downloaded")
    refused(save({name: good[name] for name in good if "layer.1" not in name}), "it has no")
    refused(save(good | {word: good[word][:5]}), r"is \(5, 6\) instead of \(12, 6\)")
    refused(save(good | {word: good[word] * np.nan}), "not finite")
    query = "encoder.layer.0.attention.self.query.weight"
    for wrong in (good[query][:4], good[query].ravel(), good[query].reshape(4, 9)):
        refused(save(good | {query: wrong}), r"instead of \(6, 6\)")
    kinds = "embeddings.token_type_embeddings.weight"
    refused(save(good | {kinds: good[kinds][:, :1]}), r"is \(2, 1\) instead of \(2, 6\)")
    refused(save(good | {query: good[query].astype(np.int8)}), "of the type int8")
    refused(save(good | {query: np.full((6, 6), 1e300)}), "not finite")


def test_a_tokenizer_of_more_tokens_than_the_network_knows_is_refused(folder):
    (folder / "config.json").write_text(json.dumps(CONFIG | {"vocab_size": 9}))
    with pytest.raises(WorkbookError, match="up to 9, but its network knows 9"):
        tokens.token_ids(f"hub:{folder}", ["good"], 8)


def test_a_tokenizer_that_fills_up_with_another_number_is_refused(folder):
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text.replace('"[PAD]":0', '"[PAD]":2'))
    with pytest.raises(WorkbookError, match="the number 2, but 0"):
        tokens.token_ids(f"hub:{folder}", ["good"], 8)


def test_a_text_that_spells_padding_hides_no_words(folder):
    name = f"hub:{folder}"
    texts = ["[PAD] [PAD] [PAD] bad", "bad"]
    ids = tokens.token_ids(name, texts, 32)
    assert (ids[0] > 0).sum() > 4
    inside = np.zeros((1, 32), np.int32)
    inside[0, [0, 20]] = 3, 2  # however padding came to stand there, what follows is read
    parts = trunks.cut_trunk(3, name, (32,), 32)
    source = pretrained("file", name)
    whole = training.predict(parts.front, [w[None] for w in source.front_weights(parts)], inside)
    assert np.abs(texts_features(source, inside) - whole[0]).max() < 1e-5


def test_what_is_written_anew_is_read_anew(folder):
    data = simmim_lib.datasets.load("imdb")
    small = replace(data, train=replace(data.train, images=np.array(["good", "bad"])))
    first = features_module.tokenized(small, f"hub:{folder}", 8).train.images
    text = (folder / "tokenizer.json").read_text()
    swapped = text.replace('"good":2', '"good":9').replace('"the":9', '"the":2')
    (folder / "tokenizer.json").write_text(swapped)
    second = features_module.tokenized(small, f"hub:{folder}", 8).train.images
    assert (first[0, 0], second[0, 0]) == (2, 9)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hub:", "names no path"),
        ("hub:/nowhere/at/all", "The folder /nowhere/at/all is not there"),
        ("hub:../../etc", "is not there"),
        ("hub:..", "no config.json|is not there"),
        ("hub:a/b/c", "is not there"),
        ("hub:a b", "is not there"),
        ("hub:" + "a" * 300, "is not there"),
        ("hub:-a/b", "is not there"),
        ("hub:a--b/c", "is not there"),
        ("hub:a/b.git", "is not there"),
        ("hub:a./b", "is not there"),
        ("hub:ä/ö", "is not there"),
        ("hub:a/b?revision=/etc/passwd", "revision '/etc/passwd' is none"),
        ("hub:a/b?revision=../../x", "is none of the"),
        ("hub:a/b?blocks=c", "blocks"),
        ("hub:a/b?revision=", "no value"),
    ],
)
def test_what_names_no_network_is_refused(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbookError, match=words):
        trunks.describe(name)


def test_without_a_network_one_sentence_says_so_at_once(monkeypatch, tmp_path):
    def none(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(checkpoints.socket, "getaddrinfo", none)
    monkeypatch.setattr(checkpoints.urllib.request, "getproxies", dict)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkbookError, match="cannot be downloaded") as error:
        trunks.describe("hub:nobody/nothing-of-the-kind")
    assert "\n" not in str(error.value)


def test_what_was_downloaded_is_read_without_a_network(folder, monkeypatch, tmp_path):
    asked = []

    def downloaded(name: str, file: str, revision: str) -> str:
        asked.append((name, file, revision))
        if (folder / file).exists():
            return str(folder / file)
        error = OSError("no such file")
        error.response = SimpleNamespace(status_code=404)
        raise error

    monkeypatch.setattr("huggingface_hub.hf_hub_download", downloaded)
    monkeypatch.setattr(checkpoints.urllib.request, "getproxies", lambda: {"https": "proxy"})
    monkeypatch.chdir(tmp_path)
    trunk = trunks.describe("hub:somebody/tiny?revision=abc")
    assert trunk.title == "tiny"
    files = ["config.json", "1_Pooling/config.json", "modules.json"]
    assert asked == [("somebody/tiny", file, "abc") for file in files]

    def kept(name: str, file: str, revision: str) -> object:
        return str(folder / file) if (folder / file).exists() else object()

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", kept)
    assert features("hub:somebody/tiny?revision=abc", ["good"]).shape == (1, 6)
    assert len(asked) == 3


def test_readers_of_a_shared_page_name_folders_of_its_own_only(folder, monkeypatch):
    monkeypatch.setenv(serving.FOLDER, str(folder.parent))
    monkeypatch.chdir(folder.parent)
    serving.check_files({"trunk": f"hub:{folder}"})
    with pytest.raises(WorkbookError, match="would be downloaded"):
        serving.check_files({"trunk": "hub:somebody/tiny"})
    with pytest.raises(WorkbookError, match="outside"):
        serving.check_files({"trunk": "hub:/etc"})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/etc/hostname")
    with pytest.raises(WorkbookError, match="outside"):
        serving.check_files({"trunk": f"hub:{folder}"})


def test_a_strangers_results_and_links_start_no_download(monkeypatch, tmp_path):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", never)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    settings = Settings().as_dict() | {"trunk": "hub:somebody/tiny"}
    row = {"settings": settings, "error": None, "seconds": 1, "scores": {}, "versions": {}}
    (tmp_path / rows.FILE_NAME).write_text(json.dumps(row) + "\n")
    with pytest.raises(WorkbookError, match="nothing is downloaded"):
        rows.read(tmp_path)
    link = links.read("trunk=hub:somebody/tiny&steps=5")
    assert dict(link.given) == {"steps": "5"}
    assert len(link.refused) == 1 and "nothing is downloaded" in link.refused[0]


def test_for_a_strangers_model_nothing_is_downloaded(folder, monkeypatch, tmp_path):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a download")

    def kept(name: str, file: str, revision: str) -> str | None:
        return str(folder / file) if file == "tokenizer.json" else None

    monkeypatch.setattr("huggingface_hub.hf_hub_download", never)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", kept)
    monkeypatch.chdir(tmp_path)
    description = Description("x", "classification", ("a", "b"), 8, False, {}, "hub:a/b", "abc")
    with pytest.raises(WorkbookError, match="other tokens"):
        kept_models._own_tokenizer(tmp_path / "m.keras", description)
    known = tokens.fingerprint((folder / "tokenizer.json").read_bytes())
    made = kept_models._own_tokenizer(tmp_path / "m.keras", replace(description, tokenizer=known))
    assert tokens.encode(made, ["bad"], 8)[0, 0] == 3
    for odd in ("hub:", "hub:~nobody/x", "hub:a/b?x=1", "hub:" + "a" * 300, "hub:../../etc"):
        with pytest.raises(WorkbookError, match=r"m\.keras reads the tokens"):
            kept_models._own_tokenizer(tmp_path / "m.keras", replace(description, tokens=odd))
    values = json.loads(description.as_json())
    for tokens_of, tokenizer in (("words", "abc"), ("hub:a/b", ""), ("file:x", "abc"), ("", "a")):
        with pytest.raises(ValueError, match="no network"):
            Description.from_values(values | {"tokens": tokens_of, "tokenizer": tokenizer})


def test_the_files_of_minilm_come_from_the_hub_where_no_package_has_them(monkeypatch):
    monkeypatch.setattr(minilm.importlib.util, "find_spec", lambda name: None)
    assert minilm.checkpoint() == minilm.ON_THE_HUB
    assert len(minilm.ON_THE_HUB.revision) == 40, "a commit, which nobody can change"
