from __future__ import annotations

import numpy as np
import pytest

from training.corpus import ANNOTATED, HOTLINE, Example
from training.folds import grouped_folds
from training.reference import reference_figures
from triage.appeal import Appeal
from triage.document import read_document

MATTERS = {"供水公司": "小区停水没有通知", "交警": "路口红绿灯坏了堵车", "城管局": "烧烤摊占道油烟扰民"}


@pytest.fixture
def examples() -> list[Example]:
    made = []
    for i in range(90):
        function, matter = list(MATTERS.items())[i % 3]
        serious = i % 5 == 0
        text = f"{matter}，第{i}次反映{'，再不解决就去堵路拉横幅' if serious else ''}"
        made.append(
            Example(
                document=read_document(Appeal(id=str(i), content=text)),
                source=HOTLINE if i >= 60 else ANNOTATED,
                group=str(i),
                function=function,
                l1="城乡建设",
                l2=function,
                type="投诉" if i % 2 else "求助",
                risk=3 if serious else 1,
                emergency=serious if i >= 60 else None,
            )
        )
    return made


def test_plain_tools_are_judged_on_every_example_by_a_model_that_has_not_seen_it(examples: list[Example]) -> None:
    folds = grouped_folds([example.group for example in examples], folds=3, seed=0)
    figures = reference_figures(examples, folds)
    assert figures[ANNOTATED]["function_svm"]["n"] == 60
    assert figures[ANNOTATED]["function_svm"]["top1"] > 0.95
    assert figures[ANNOTATED]["risk_svm"]["average_precision"] > 0.95
    assert "emergency_average_precision" in figures[HOTLINE]["risk_svm"]
    assert "emergency_average_precision" not in figures[ANNOTATED]["risk_svm"]
    shuffled = [*np.random.default_rng(0).permutation(folds)]
    assert reference_figures(examples, np.array(shuffled))[HOTLINE]["type_svm"]["n"] == 30
