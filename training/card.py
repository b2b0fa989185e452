"""Model cards: what a bundle is, who labelled its data, how good it is and where it must not be trusted."""

from __future__ import annotations

from models.bundle import Description


def base_card(description: Description) -> str:
    """Return the base bundle's model card, Markdown."""
    metrics = description.metrics
    annotated, hotline = metrics["annotated"], metrics["hotline"]
    events = metrics["same_event"]
    function, risk, calls = annotated["function"], annotated["risk"], hotline["risk"]
    rows = [
        ("lead function, top-1 / top-3", f"{function['top1']} / {function['top3']}", function["n"]),
        ("second-level category, top-1", annotated["category"]["top1"], annotated["category"]["n"]),
        ("type, top-1", annotated["type"]["top1"], annotated["type"]["n"]),
        ("risk ≥ 3, average precision", risk["average_precision"], risk["n"]),
        ("risk ≥ 3, recall when 12 % are reviewed", risk["recall_at_review"], risk["n"]),
        ("risk level, quadratic kappa", risk["kappa"], risk["n"]),
        ("risk factors, micro F1", annotated["factors"]["micro_f1"], annotated["factors"]["n"]),
        (
            "risk ≥ 3: a quote overlaps the annotated evidence",
            annotated["evidence"]["overlap"],
            annotated["evidence"]["n"],
        ),
        ("hotline: risk ≥ 3, average precision", calls["average_precision"], calls["n"]),
        ("hotline: risk level, quadratic kappa", calls["kappa"], calls["n"]),
        ("hotline: emergency, average precision", hotline["emergency"]["average_precision"], calls["n"]),
        (
            "hotline, random part only: risk ≥ 3, average precision",
            metrics["hotline_pass1"]["risk"]["average_precision"],
            metrics["hotline_pass1"]["risk"]["n"],
        ),
        ("hotline: type, top-1", hotline["type"]["top1"], hotline["type"]["n"]),
        (
            "same event: pair F1 without the largest",
            events["batch"]["pairs_without_largest"]["f1"],
            events["batch"]["n"],
        ),
        ("same event: B-cubed F1", events["batch"]["b_cubed"]["f1"], events["batch"]["n"]),
    ]
    table = "\n".join(f"| {name} | {value} | {n} |" for name, value, n in rows)
    return f"""# {description.name}

Linear models over character n-grams and over the meaning of words (vectors of dictionary words, nearness to centres of
clusters of letters) in two levels for function, category, type, risk, risk factors and emergency; clauses
and cue words count beside them for all but the first two. And a scorer for pairs of appeals about the same event. Trained
{description.created}; normaliser {description.normaliser_version}; fingerprint of the training data
{description.training_data_fingerprint[:16]}.

## Data and labels
- 4,618 messages of public message boards and 1,726 hotline tickets, annotated with function, category, type, risk, factors
  and evidence **by a large language model** that read every message in the role of a hotline dispatcher, under written rules.
  No public servant was involved. Two independent passes over 200 messages agree on the lead function in 90.5 %, on the
  second-level category in 92.5 %, on risk ≥ 3 with kappa 0.77: figures above these are not to be expected.
- 17,020 hotline tickets of one city with the unit that handled them; the function is read off the unit's name.
- 6,930 petitions with one of seven topics, and some 11,000 letters without labels, which only teach what words go together.
- 24 million characters of news, law, reviews and civic letters, and all texts above without their labels, which taught the
  word vectors. Words of fewer than three appeals have none, and a cluster of fewer than three letters is no landmark.
- 1,382 messages marked with the event they report.

Personal data was masked before training, digits are written as 0, and n-grams seen in fewer than three texts are dropped.

## Figures
Grouped five-fold cross-validation (near-duplicates stay together; both levels, temperatures, cuts and thresholds come
from the other folds); same event: five folds by batch. The vocabulary and its document frequencies were counted over all texts.

| figure | value | n |
|---|---|---|
{table}

## Limits
- One city's tickets and one province's message boards; other places use other words for units and places.
- Risk levels 3 and 4 are rare and partly matters of judgement. The score is made to rank a duty officer's reading list,
  not to close a case; a person acknowledges every warning.
- Probabilities are calibrated for data like the above. A city with its own history should train a local bundle.
"""


def local_card(description: Description) -> str:
    """Return a local bundle's model card, Markdown."""
    held_out = description.metrics["held_out"]
    lines = "\n".join(f"| {name} | {value} |" for name, value in held_out.items())
    return f"""# {description.name}

Local bundle, trained {description.created} on this city's own tickets (fingerprint
{description.training_data_fingerprint[:16]}, normaliser {description.normaliser_version}). The labels are the
units that handled the tickets, with all the habits and slips of that history.

| figure on the latest tickets, held out | value |
|---|---|
{lines}

Personal data was masked before training, digits are written as 0, and n-grams seen in fewer than three tickets are dropped.
The automatic threshold was chosen on the latest tickets, which the heads had not seen.
"""
