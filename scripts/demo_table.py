"""The table at the end of scripts/demo: demo_table.py RUNS NAME..., from RUNS/evaluate_NAME/metrics.json."""
import json
import pathlib
import sys

COLUMNS = ("auc", "hit@5", "hit@10", "ndcg@5", "ndcg@10")


def main(runs, names):
    print(f"{'':<12}" + "".join(f"{column:>17}" for column in COLUMNS) + f"{'cases':>9}")
    for name in names:
        metrics = json.loads((pathlib.Path(runs) / f"evaluate_{name}" / "metrics.json").read_text())
        candidates, catalogue = metrics["stored_candidates"], metrics["full_catalogue"]
        cells = (f"{candidates[column]:>8.4f} / {catalogue[column]:.4f}" for column in COLUMNS)
        print(f"{name:<12}" + "".join(f"{cell:>17}" for cell in cells) + f"{candidates['cases']:>9}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
