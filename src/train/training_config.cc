#include "train/training_config.h"

#include "base/findings.h"
#include "base/nearest_name.h"
#include "evaluation/metrics.h"

namespace ppr::train {

std::vector<std::string> TrainingConfig::Problems() const {
  Findings findings;
  findings.Given("dataset", dataset);
  findings.Given("output", output);
  findings.Count("batch_size", batch_size, 1);
  findings.AtLeast("max_epochs", max_epochs, 1);
  findings.AtLeast("max_steps", max_steps, 0);
  findings.Count("negatives", negatives, 1);
  findings.Positive("learning_rate", learning_rate.base);
  findings.AtLeast("warmup_steps", learning_rate.warmup_steps, 0);
  findings.AtLeast("patience_steps", patience_steps, 0);
  findings.AtLeast("evaluate_every_steps", evaluate_every_steps, 0);
  findings.AtLeast("checkpoint_every_steps", checkpoint_every_steps, 0);
  findings.Count("keep_checkpoints", keep_checkpoints, 2);
  const std::vector<std::string> names = evaluation::MetricNames();
  bool known = false;
  for (const std::string& name : names) known = known || name == metric;
  findings.Expect(known, "metric", "one of auc, hit@N, ndcg@N, mrr" + DidYouMean(metric, names),
                  "\"" + metric + "\"");
  findings.Append(optimiser.Problems());
  return findings.Take();
}

}  // namespace ppr::train
