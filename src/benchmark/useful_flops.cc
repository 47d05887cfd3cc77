#include "benchmark/useful_flops.h"

namespace ppr::benchmark {

double UsefulFlops(const model::EncoderConfig& encoder, int64_t negatives,
                   std::span<const data::TrainingSequence> batch) {
  // A backward pass has two products for each of the forward pass: for the input and for the weight.
  constexpr double kForwardAndBackward = 3;
  const auto d = static_cast<double>(encoder.width), f = static_cast<double>(encoder.ffn_width);
  const double projections = 6 * d * d + (encoder.output_projection ? 2 * d * d : 0) + 4 * d * f;
  double of_blocks = 0, targets = 0;
  for (const data::TrainingSequence& sequence : batch) {
    const auto n = static_cast<double>(sequence.num_clicks());
    // Token t has t scores and t weighted values of 2 d each; over n tokens that makes 2 d (n + 1) a token.
    of_blocks += n * (projections + 2 * d * (n + 1));
    targets += static_cast<double>(sequence.num_targets());
  }
  const double scores = targets * static_cast<double>(1 + negatives) * 2 * d;
  return kForwardAndBackward * (static_cast<double>(encoder.blocks) * of_blocks + scores);
}

}  // namespace ppr::benchmark
