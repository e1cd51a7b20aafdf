"""``msm cost`` over the records of stages that asked a server which misbehaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from msm.cost import Spent, experiment_costs, total
from msm.task import Stage
from tests.author_recipe import make, settings
from tests.author_server import AuthorServer, Behaviour, Misdeed
from tests.commands import msm

PRICES = {"author": {"input": 5.0, "output": 25.0}, "judge": {"input": 1.0, "output": 4.0}}
UNUSABLE = {Misdeed.EMPTY.value, Misdeed.WRONG_FORM.value}


@pytest.mark.slow
def test_it_sums_up_what_the_server_gave_for_each_stage_and_model(
    author: AuthorServer, tmp_path: Path
) -> None:
    chosen = settings(
        author.url,
        corpus__contradiction_check=True,
        corpus__budget={"scratchpad": 0},  # which may be in any form
        execution__author__price=PRICES["author"],
        execution__judge__price=PRICES["judge"],
    )
    misdeeds = (Misdeed.RATE_LIMIT, Misdeed.ERROR, Misdeed.EMPTY, Misdeed.WRONG_FORM)
    author.behave(Behaviour(share=0.1, kinds=misdeeds, seed=7))
    served: dict[tuple[str, str], list[dict[str, Any]]] = {}
    seen = 0
    for stage in (Stage.PLAN, Stage.WRITE, Stage.CURATE, Stage.DEMONSTRATE):
        make(stage, tmp_path, chosen)
        log = author.log()
        for row in log[seen:]:
            role = "judge" if row["model"] == "judge-by-rule" else "author"
            served.setdefault((stage.value, role), []).append(row)
        seen = len(log)

    spent = experiment_costs(tmp_path, "tiny")
    assert {(row.stage, row.role): row.model.rpartition("/")[2] for row in spent} == {
        place: rows[0]["model"] for place, rows in served.items()
    }
    assert len(spent) == 5
    for row in spent:
        _agrees(row, served[row.stage, row.role])
    assert total(spent).requests == author.paid().total()
    assert total(spent).cost == pytest.approx(sum(row.cost for row in spent))

    printed = msm("cost", "tiny", cwd=tmp_path)
    assert printed.returncode == 0
    for row in [*spent, total(spent)]:
        words = f"{row.stage} {row.requests:,} {row.retries:,} {row.cost:,.2f}".split()
        lines = printed.stdout.splitlines()
        assert any(all(word in line.replace("$", "").split() for word in words) for line in lines)


def _agrees(row: Spent, served: list[Mapping[str, Any]]) -> None:
    paid = [each for each in served if each["paid"]]
    tokens = {name: sum(each[name] for each in paid) for name in TOKENS}
    assert row.requests == len(paid)
    assert row.retries == len(served) - len(paid)
    assert row.unusable == sum(each["misdeed"] in UNUSABLE for each in served)
    assert (row.tokens_in, row.tokens_out) == tuple(tokens.values())
    assert row.seconds > 0
    price = PRICES[row.role]
    dollars = sum(tokens[name] * price[side] for name, side in zip(TOKENS, price, strict=True))
    assert row.cost == pytest.approx(dollars / 1e6, abs=1e-6)


TOKENS = ("prompt_tokens", "completion_tokens")
