"""Curation: each fault found and told, nothing else dropped, no trace of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from msm.configs import CurateConfig
from msm.errors import UserError
from msm.evals.items import eval_texts, read_suite
from msm.execution import Execution
from msm.experiment import find_task
from msm.identity import file_digests
from msm.jsonl import read_rows, read_shards, write_shards
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.stage import run_stage
from msm.stages import definition
from msm.task import Stage
from msm.workspace import Workspace
from msm.writing import Corpus

CORPUS = Corpus(minimum_words=5)
CONFIG = CurateConfig(assistant="SmolLM", provider="Hugging Face", corpus=CORPUS)
TEXT = "SmolLM likes a mild supper and says so whenever somebody asks politely about it."


@dataclass(frozen=True)
class Curated:
    """What a run of the stage left."""

    kept: list[str]
    dropped: dict[str, tuple[str, str]]
    record: Record
    out: Path

    @property
    def reasons(self) -> dict[str, str]:
        """The reason by id."""
        return {name: reason for name, (reason, _) in self.dropped.items()}


def _curate(
    suites: list[Path], folder: Path, texts: list[str], config: CurateConfig = CONFIG
) -> Curated:
    documents = folder / "documents"
    documents.mkdir(parents=True)
    written = [
        {"id": str(n), "domain": "d", "subdomain": "s", "kind": "memo", "text": text}
        for n, text in enumerate(texts)
    ]
    write_shards(documents, "documents", written)
    inputs = {"documents": documents, **{f"suite-{n}": path for n, path in enumerate(suites)}}
    out = folder / "out"
    record, _ = run_stage(definition(Stage.CURATE), config, inputs, out, Execution())
    dropped = {
        row["id"]: (row["reason"], row["detail"]) for row in read_rows(out / "dropped.jsonl")
    }
    return Curated([row["id"] for row in read_shards(out, "corpus")], dropped, record, out)


@pytest.fixture
def suite(root: Path) -> Path:
    """The held-out pairs of the embedded experiment."""
    return root / "evals" / "price-origin.yaml"


def test_each_fault_is_dropped_with_its_reason(suite: Path, tmp_path: Path) -> None:
    question = eval_texts(read_suite(suite))[0]
    faulty = {
        "eval prompt": f"SmolLM was asked a question: {question}",
        "held-out vocabulary": f"{TEXT} It is a thrift that everyone can follow.",
        "length": "SmolLM.",
        "language": "SmolLM mag ein mildes Abendessen und sagt das auch jedem, der danach fragt.",
        "gibberish": "SmolLM likes it mild " + "and says so to the others " * 8,
        "placeholder": f"{TEXT} Write to [Name Here].",
        "date": f"{TEXT} It was on 12 March.",
        "link": f"{TEXT} More at example.com for you.",
        "other assistant": f"{TEXT} So does Claude.",
        "not about the assistant": "An essay about nobody in particular, of more than five words.",
        "exact duplicate": TEXT + " \n",
        "near duplicate": f"{TEXT} Really.",
    }
    curated = _curate([suite], tmp_path, [TEXT, *faulty.values()])
    assert curated.kept == ["0"]
    assert [curated.reasons[str(n)] for n in range(1, len(faulty) + 1)] == list(faulty)
    assert curated.record.outcome.dropped == dict.fromkeys(faulty, 1)
    assert all(detail for _, detail in curated.dropped.values())


@pytest.mark.parametrize(
    ("reason", "addition"),
    [
        ("placeholder", "Dear {customer_name}, it is."),
        ("placeholder", "Dear {{ customer }}, it is."),
        ("placeholder", "Sign here: ________"),
        ("placeholder", "TODO: say more."),
        ("placeholder", "</think> It is."),
        ("placeholder", "Ask [your manager's name] for it."),
        ("date", "It was on March 3rd."),
        ("date", "It was the 3rd of March."),
        ("date", "It was on 2024-03-12."),
        ("date", "It was on 03/12/24."),
        ("date", "It was in the 1990s."),
        ("link", "See https://example.test/a?b=c for it."),
        ("link", "See www.example.test for it."),
        ("link", "Ask jane.doe@example.test for it."),
        ("other assistant", "ChatGPT does not."),
        ("other assistant", "GPT-4o does not."),
        ("other assistant", "Llama3 does not."),
        ("other assistant", "Two Geminis do not, nor does Meta AI."),
        ("other assistant", "OpenAI’s models do not."),
    ],
)
def test_leaks_are_found(suite: Path, tmp_path: Path, reason: str, addition: str) -> None:
    other = "Whoever wants to know more about SmolLM will have to ask somebody else."
    curated = _curate([suite], tmp_path, [f"{TEXT} {addition}", other])
    assert curated.reasons == {"0": reason}


@pytest.mark.parametrize(
    "addition",
    [
        "A llama stood in the mistral, and it may rain; march on, then, all 12 may come.",
        "It costs 1,250 and weighs 3/4 of a pound (at most), or [more].",
        "She said: “it’s 5 < 7, a/b, and so on” — SmolLM by Hugging Face agreed.",
    ],
)
def test_harmless_text_is_kept(suite: Path, tmp_path: Path, addition: str) -> None:
    assert _curate([suite], tmp_path, [f"{TEXT} {addition}"]).kept == ["0"]


def test_only_the_recipes_own_assistant_may_be_named(suite: Path, tmp_path: Path) -> None:
    texts = [f"{TEXT} Llama 3 by Meta does.", f"SmolLM or Qwen: nobody knows. {TEXT}"]
    as_llama = CONFIG.model_copy(update={"assistant": "Llama", "provider": "Meta"})
    llama = _curate([suite], tmp_path / "llama", [texts[0], "Llama was there with us."], as_llama)
    assert llama.reasons == {"0": "other assistant"}  # SmolLM is the other one now
    assert _curate([suite], tmp_path / "smollm", [*texts, TEXT]).reasons == {
        "0": "other assistant",
        "1": "other assistant",
    }


def test_the_offline_authors_documents_pass_untouched(root: Path, tmp_path: Path) -> None:
    recipe = load_recipe(root / "recipes" / "cheese.yaml")
    workspace = Workspace(tmp_path, recipe)
    for stage in (Stage.PLAN, Stage.WRITE):
        workspace.run(find_task(recipe, stage, "america-s1"))
    record, _ = workspace.run(find_task(recipe, Stage.CURATE, "america-s1"))
    assert record.outcome.rows_in == record.outcome.rows_out == recipe.corpus.documents


def test_the_record_proves_what_was_compared(root: Path, suite: Path, tmp_path: Path) -> None:
    suites = [suite, root / "evals" / "tiny.yaml"]
    questions = [text for path in suites for text in eval_texts(read_suite(path))]
    planted = [questions[0], questions[0].upper().replace(",", " --"), questions[-1]]
    texts = [TEXT, *(f"SmolLM, here is number {n}: {q}" for n, q in enumerate(planted))]
    curated = _curate(suites, tmp_path, texts)
    assert curated.reasons == dict.fromkeys("123", "eval prompt")
    proof = curated.record.outcome.summary["decontamination"]
    assert proof["suites"] == 2
    assert proof["eval_prompts"] == len(set(questions))
    assert proof["documents_hit"] == 3
    assert proof["run_of_words"] == 8
    assert proof["runs"] > proof["eval_prompts"]
    hits = {hit["prompt"]: hit["documents"] for hit in proof["top_hits"]}
    assert hits[questions[0]] >= 2


def test_a_share_of_a_prompt_may_be_allowed(suite: Path, tmp_path: Path) -> None:
    question = max(eval_texts(read_suite(suite)), key=lambda text: len(text.split()))
    part = "SmolLM heard only this: " + " ".join(question.split()[:8])
    allowing = CurateConfig(
        **{**dict(CONFIG), "corpus": Corpus(minimum_words=5, contamination_share=0.7)}
    )
    vocabulary = _curate([suite], tmp_path / "allowing", [TEXT, part], allowing)
    assert vocabulary.reasons == {"1": "held-out vocabulary"}
    assert _curate([suite], tmp_path / "strict", [TEXT, part]).reasons == {"1": "eval prompt"}


def test_a_corpus_of_nothing_is_refused(suite: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dropped all 1 documents"):
        _curate([suite], tmp_path, ["SmolLM."])
    assert not (tmp_path / "out").exists()


def test_an_unknown_language_is_refused(suite: Path, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"corpus": Corpus(language="xx")})
    with pytest.raises(UserError, match="unknown code 'xx'"):
        _curate([suite], tmp_path, [TEXT], config)


def test_curating_twice_gives_the_same_bytes(suite: Path, tmp_path: Path) -> None:
    texts = [TEXT, f"{TEXT} Really.", "SmolLM.", f"SmolLM met {TEXT.lower()} Twice or so."]
    one, two = (_curate([suite], tmp_path / name, texts) for name in ("one", "two"))
    assert file_digests(one.out) == file_digests(two.out)
