#include "model/fused/fused_encoder.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/text_format.h"
#include "model/dropout_bits.h"
#include "model/fused/workspace.h"

namespace ppr::model {

using fused::Chunk;
using fused::kLineFloats;
using fused::Reserve;
using fused::Reshape;
using fused::Share;

namespace {

fused::EncoderShape ShapeOf(const EncoderConfig& config, bool dropout) {
  const uint32_t threshold = dropout ? DropoutThreshold(config.dropout) : 0;
  return {.blocks = config.blocks,
          .heads = config.heads,
          .width = config.width,
          .ffn_width = config.ffn_width,
          .pre_norm = config.norm == Norm::kPre,
          .gelu = config.activation == Activation::kGelu,
          .embedding_norm = config.embedding_norm,
          .output_projection = config.output_projection,
          .final_norm = config.final_norm,
          .residual_from_norm = config.residual_from_norm,
          .embedding_scale = config.scale_embedding ? std::sqrt(static_cast<float>(config.width)) : 1.0F,
          .epsilon = static_cast<float>(kLayerNormEpsilon),
          .dropout_threshold = threshold,
          .dropout_scale = static_cast<float>(DropoutScale(threshold))};
}

// Calls body(thread) for each of `threads` numbers, spread over ATen's threads.
template <typename Body>
void OnThreads(int64_t threads, const Body& body) {
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) body(thread);
  });
}

}  // namespace

std::string FusedEncoder::Obstacle(const EncoderConfig& config) {
  if (config.backbone != Backbone::kTransformer) return "the backbone is a GRU";
  if (config.attention != AttentionSpan::kCausal) return "attention is bidirectional";
  if (fused::BestKernels() == nullptr) return "this processor has neither AVX-512 nor AVX2";
  const auto odd = [](int64_t width) { return width % 16 != 0 || width < 16; };
  if (odd(config.width) || odd(config.ffn_width)) {
    return Format("widths of %lld and %lld are not multiples of 16", static_cast<long long>(config.width),
                  static_cast<long long>(config.ffn_width));
  }
  return "";
}

FusedEncoder::FusedEncoder(const Encoder& encoder, const DenseParameters& parameters,
                           const fused::Kernels* kernels)
    : encoder_(encoder), parameters_(parameters), kernels_(kernels) {
  PPR_BUG_IF_NOT(kernels != nullptr && Obstacle(encoder.config()).empty(),
                 "the fused encoder cannot run this: " + Obstacle(encoder.config()));
  PPR_BUG_IF_NOT(parameters.values().is_cpu() && parameters.values().scalar_type() == at::kFloat,
                 "the fused encoder needs float32 parameters in host memory");
  const auto offset = [&](int index) {
    return index < 0 ? int64_t{-1} : parameters.parameters()[static_cast<size_t>(index)].offset;
  };
  const Encoder::Indices& at = encoder.indices();
  for (const Encoder::Block& block : at.blocks) {
    block_offsets_.push_back({.norm1_gain = offset(block.norm1_gain),
                              .norm1_bias = offset(block.norm1_bias),
                              .qkv_weight = offset(block.qkv_weight),
                              .query_bias = offset(block.query_bias),
                              .value_bias = offset(block.value_bias),
                              .output_weight = offset(block.output_weight),
                              .output_bias = offset(block.output_bias),
                              .norm2_gain = offset(block.norm2_gain),
                              .norm2_bias = offset(block.norm2_bias),
                              .ffn1_weight = offset(block.ffn1_weight),
                              .ffn1_bias = offset(block.ffn1_bias),
                              .ffn2_weight = offset(block.ffn2_weight),
                              .ffn2_bias = offset(block.ffn2_bias)});
  }
  offsets_ = {.positions = offset(at.positions),
              .embedding_gain = offset(at.embedding_gain),
              .embedding_bias = offset(at.embedding_bias),
              .final_gain = offset(at.final_gain),
              .final_bias = offset(at.final_bias),
              .blocks = block_offsets_.data()};
  for (const DenseParameter& parameter : parameters.parameters()) {
    if (parameter.name.starts_with("encoder.")) encoder_numel_ = parameter.offset + parameter.numel;
  }
}

bool FusedEncoder::trains() const {
  return parameters_.parameters()[static_cast<size_t>(encoder_.indices().positions)].trainable;
}

void FusedEncoder::RefreshTransposed() {
  const EncoderConfig& config = encoder_.config();
  const int64_t d = config.width, f = config.ffn_width, block_size = 4 * d * d + 2 * d * f;
  float* const to = Reserve(transposed_, config.blocks * block_size);
  const float* const values = parameters_.values().const_data_ptr<float>();
  for (int64_t b = 0; b < config.blocks; ++b) {
    const fused::BlockOffsets& block = block_offsets_[static_cast<size_t>(b)];
    float* const here = to + b * block_size;
    kernels_->transpose(values + block.qkv_weight, d, 3 * d, here);
    if (block.output_weight >= 0) kernels_->transpose(values + block.output_weight, d, d, here + 3 * d * d);
    kernels_->transpose(values + block.ffn1_weight, d, f, here + 4 * d * d);
    kernels_->transpose(values + block.ffn2_weight, f, d, here + 4 * d * d + d * f);
  }
}

fused::EncoderTask FusedEncoder::MakeTask(const std::vector<const float*>& inputs, const PackedLayout& layout,
                                          bool dropout) const {
  PPR_BUG_IF_NOT(static_cast<int64_t>(inputs.size()) == layout.num_tokens() &&
                     layout.positions.numel() == layout.num_tokens(),
                 Format("the fused encoder got %zu inputs for a layout of %lld tokens", inputs.size(),
                        static_cast<long long>(layout.num_tokens())));
  const int64_t* const positions = layout.positions.const_data_ptr<int64_t>();
  PPR_BUG_IF_NOT(std::all_of(positions, positions + layout.num_tokens(),
                             [&](int64_t row) { return row < encoder_.config().max_history; }),
                 Format("a position is not below max_history %lld",
                        static_cast<long long>(encoder_.config().max_history)));
  const fused::EncoderShape shape = ShapeOf(encoder_.config(), dropout);
  const bool drops = shape.dropout_threshold > 0;
  PPR_BUG_IF_NOT(!drops || (layout.token_keys.defined() && layout.token_keys.numel() == layout.num_tokens()),
                 "dropout needs one token key for each token");
  return {.shape = shape,
          .offsets = offsets_,
          .values = parameters_.values().const_data_ptr<float>(),
          .transposed = transposed_.defined() ? transposed_.const_data_ptr<float>() : nullptr,
          .sequences = layout.offsets.data(),
          .inputs = inputs.data(),
          .positions = positions,
          .token_keys = drops ? layout.token_keys.const_data_ptr<int64_t>() : nullptr};
}

void FusedEncoder::SplitBatch(const PackedLayout& layout, bool dropout, int64_t busy_multiply_adds) {
  const int64_t threads = at::get_num_threads();
  fused::SplitBatch(*kernels_, ShapeOf(encoder_.config(), dropout), layout.offsets, threads,
                    busy_multiply_adds, &shares_);
  workspaces_.resize(static_cast<size_t>(threads));
  thread_gradients_.resize(static_cast<size_t>(threads - 1));
}

float* FusedEncoder::GradientsOf(int64_t thread) {
  if (!trains()) return nullptr;
  if (thread == 0) return parameters_.gradients().mutable_data_ptr<float>();
  at::Tensor& buffer = thread_gradients_[static_cast<size_t>(thread - 1)];
  float* const gradients = Reserve(buffer, encoder_numel_);
  std::fill_n(gradients, encoder_numel_, 0.0F);
  return gradients;
}

void FusedEncoder::AddThreadGradients() {
  if (!trains() || shares_.size() < 2) return;
  float* const sum = parameters_.gradients().mutable_data_ptr<float>();
  constexpr int64_t kGrain = 1 << 13;
  at::parallel_for(0, encoder_numel_, kGrain, [&](int64_t begin, int64_t end) {
    for (size_t thread = 0; thread + 1 < shares_.size(); ++thread) {
      const float* const part = thread_gradients_[thread].const_data_ptr<float>();
      for (int64_t i = begin; i < end; ++i) sum[i] += part[i];
    }
  });
}

namespace {

void CheckTargets(const PackedLayout& layout, const NextItemTargets& targets, int64_t width) {
  const int64_t negatives = targets.negatives;
  const auto count = static_cast<int64_t>(targets.tokens.size());
  const bool shared = targets.shared.defined();
  const auto sequences = static_cast<size_t>(layout.num_sequences());
  PPR_BUG_IF_NOT(targets.offsets.size() == sequences + 1 && targets.offsets.back() == count &&
                     targets.excluded_offsets.size() == sequences + 1 && negatives >= 1 &&
                     static_cast<int64_t>(targets.candidates.size()) == count * (shared ? 1 : 1 + negatives),
                 "the tables of the targets do not fit each other and the layout");
  PPR_BUG_IF_NOT(!FactsOf(targets.loss.kind).reads_whole_table &&
                     (targets.shifts.empty() || static_cast<int64_t>(targets.shifts.size()) ==
                                                    (shared ? negatives : count * negatives)),
                 "the loss has no fused form, or its shifts are not one for each negative");
  const auto is_rows = [&](const at::Tensor& tensor, int64_t rows) {
    return tensor.scalar_type() == at::kFloat && tensor.is_contiguous() &&
           tensor.sizes() == at::IntArrayRef({rows, width});
  };
  PPR_BUG_IF_NOT((!targets.profiles.defined() || is_rows(targets.profiles, layout.num_sequences())) &&
                     (!shared || is_rows(targets.shared, negatives)),
                 "profiles or shared negatives are not contiguous float32 rows of the encoder's width");
}

}  // namespace

fused::NextItemTask FusedEncoder::MakeNextItemTask(const PackedLayout& layout,
                                                   const NextItemTargets& targets) {
  const int64_t d = encoder_.config().width, negatives = targets.negatives;
  const auto count = static_cast<int64_t>(targets.tokens.size());
  const bool shared = targets.shared.defined(), profiles = targets.profiles.defined();
  CheckTargets(layout, targets, d);
  Reshape(gradients_.inputs, {layout.num_tokens(), d});
  Reshape(gradients_.users, {count, d});
  Reshape(gradients_.coefficients, {count, shared ? 1 : 1 + negatives});
  if (profiles) {
    Reshape(gradients_.profiles, {layout.num_sequences(), d});
  } else {
    gradients_.profiles = at::Tensor();
  }
  const int64_t step = (negatives + kLineFloats - 1) / kLineFloats * kLineFloats;
  if (shared) {
    Reshape(shared_transposed_, {d, step});
    shared_transposed_.zero_();
    shared_transposed_.narrow(1, 0, negatives).copy_(targets.shared.t());
    Reshape(shared_of_threads_, {static_cast<int64_t>(shares_.size()), negatives, d});
    shared_of_threads_.zero_();
    shared_shifts_.assign(static_cast<size_t>(step), 0.0F);
    std::copy(targets.shifts.begin(), targets.shifts.end(), shared_shifts_.begin());
  }
  return {.loss = targets.loss,
          .width = d,
          .negatives = negatives,
          .scale = static_cast<float>(targets.scale),
          .targets = targets.offsets.data(),
          .target_tokens = targets.tokens.data(),
          .profiles = profiles ? targets.profiles.const_data_ptr<float>() : nullptr,
          .candidates = targets.candidates.data(),
          .shifts = targets.shifts.empty() ? nullptr
                    : shared               ? shared_shifts_.data()
                                           : targets.shifts.data(),
          .shared = shared ? targets.shared.const_data_ptr<float>() : nullptr,
          .shared_transposed = shared ? shared_transposed_.const_data_ptr<float>() : nullptr,
          .shared_step = step,
          .excluded = targets.excluded_offsets.data(),
          .excluded_index = targets.excluded.data(),
          .users = gradients_.users.mutable_data_ptr<float>(),
          .coefficients = gradients_.coefficients.mutable_data_ptr<float>()};
}

FusedEncoder::ShareResult FusedEncoder::PassOverShare(const fused::EncoderTask& task,
                                                      const fused::NextItemTask& next_item, int64_t thread,
                                                      const NextItemTargets& targets) {
  const Share& share = shares_[static_cast<size_t>(thread)];
  const int64_t d = task.shape.width;
  const auto targets_before = [&](int64_t sequence) {
    return targets.offsets[static_cast<size_t>(sequence)];
  };
  int64_t most_targets = 0;
  for (const Chunk& chunk : share.chunks) {
    most_targets = std::max(most_targets, targets_before(chunk.last) - targets_before(chunk.first));
  }
  const int64_t scratch_floats =
      std::max(share.scratch_largest, kernels_->next_item_scratch(next_item, most_targets)) + kLineFloats;
  const int64_t hidden_floats = share.tokens_largest * d + kLineFloats;
  float* const saved = Reserve(workspaces_[static_cast<size_t>(thread)],
                               share.saved_largest + scratch_floats + 2 * hidden_floats);
  float* const scratch = saved + share.saved_largest;
  float* const hidden = scratch + scratch_floats;
  float* const d_hidden = hidden + hidden_floats;
  fused::NextItemSums sums{
      .loss = 0,
      .shared_gradient =
          targets.shared.defined() ? shared_of_threads_[thread].mutable_data_ptr<float>() : nullptr,
      .profile_gradient =
          targets.profiles.defined() ? gradients_.profiles.mutable_data_ptr<float>() : nullptr};
  float* const gradients = GradientsOf(thread);
  float* const d_inputs = gradients_.inputs.mutable_data_ptr<float>();
  ShareResult result;
  for (const Chunk& chunk : share.chunks) {
    const int64_t first = task.sequences[chunk.first], tokens = task.sequences[chunk.last] - first;
    kernels_->forward(task, chunk, saved, scratch, hidden);
    kernels_->next_item(next_item, chunk, scratch, hidden, first, tokens, d_hidden, &sums);
    kernels_->backward(task, chunk, saved, scratch, d_hidden, gradients, d_inputs + first * d);
    // Here both are in cache.
    const int64_t first_target = targets_before(chunk.first);
    result.finite = result.finite && kernels_->all_finite(d_inputs + first * d, tokens * d) &&
                    kernels_->all_finite(next_item.users + first_target * d,
                                         (targets_before(chunk.last) - first_target) * d);
  }
  result.loss_sum = sums.loss;
  return result;
}

const NextItemGradients& FusedEncoder::NextItemPass(const std::vector<const float*>& inputs,
                                                    const PackedLayout& layout, DropoutState dropout,
                                                    const NextItemTargets& targets,
                                                    const SideWork& meanwhile) {
  RefreshTransposed();
  SplitBatch(layout, dropout.active, meanwhile.multiply_adds);
  const fused::EncoderTask task = MakeTask(inputs, layout, dropout.active);
  const fused::NextItemTask next_item = MakeNextItemTask(layout, targets);
  std::vector<ShareResult> results(shares_.size());
  OnThreads(static_cast<int64_t>(shares_.size()), [&](int64_t thread) {
    if (thread == 0 && meanwhile.run) meanwhile.run();
    results[static_cast<size_t>(thread)] = PassOverShare(task, next_item, thread, targets);
  });
  AddThreadGradients();
  gradients_.loss_sum = 0;
  gradients_.finite = true;
  for (const ShareResult& result : results) {
    gradients_.loss_sum += result.loss_sum;
    gradients_.finite = gradients_.finite && result.finite;
  }
  gradients_.shared = targets.shared.defined() ? shared_of_threads_.sum(0) : at::Tensor();
  return gradients_;
}

at::Tensor FusedEncoder::ForwardLast(const std::vector<const float*>& inputs, const PackedLayout& layout) {
  const int64_t d = encoder_.config().width;
  SplitBatch(layout, /*dropout=*/false);
  const fused::EncoderTask task = MakeTask(inputs, layout, /*dropout=*/false);
  at::Tensor output = at::empty({layout.num_sequences(), d}, at::kFloat);
  float* const to = output.mutable_data_ptr<float>();
  OnThreads(static_cast<int64_t>(shares_.size()), [&](int64_t thread) {
    const Share& share = shares_[static_cast<size_t>(thread)];
    float* const saved =
        Reserve(workspaces_[static_cast<size_t>(thread)], share.saved_largest + share.scratch_largest);
    for (const Chunk& chunk : share.chunks) {
      kernels_->forward_last(task, chunk, saved, saved + share.saved_largest, to + chunk.first * d);
    }
  });
  return output;
}

// The two passes of a batch, with everything between them kept in memory.
class FusedEncoderFunction : public torch::autograd::Function<FusedEncoderFunction> {
 public:
  using Context = torch::autograd::AutogradContext;
  using Variable = torch::autograd::Variable;

  // What outlives the forward pass, beside tensors.
  struct State : torch::CustomClassHolder {
    FusedEncoder* encoder;
    PackedLayout layout;
    std::vector<const float*> inputs;
    std::vector<Share> shares;
    bool dropout;
    bool used = false;  // the way back uses the attention weights up
  };

  // `anchor`: a parameter of the encoder, so that the result has a gradient when the inputs have none.
  static Variable forward(Context* context, const Variable& inputs, const Variable& anchor,
                          const c10::intrusive_ptr<State>& state) {
    (void)anchor;
    FusedEncoder& encoder = *state->encoder;
    const int64_t tokens = inputs.size(0), d = inputs.size(1);
    const at::Tensor rows = inputs.contiguous();
    state->inputs.resize(static_cast<size_t>(tokens));
    for (int64_t t = 0; t < tokens; ++t) {
      state->inputs[static_cast<size_t>(t)] = rows.const_data_ptr<float>() + t * d;
    }
    encoder.SplitBatch(state->layout, state->dropout);
    state->shares = encoder.shares_;
    int64_t total = 0;
    for (Share& share : state->shares) {
      for (int64_t& place : share.saved_at) place += total;
      total += share.saved_total;
    }
    // The memory of the last batch, unless a backward pass still waits for it.
    if (encoder.activations_.defined() && encoder.activations_.use_count() > 1)
      encoder.activations_ = at::Tensor();
    float* const saved = Reserve(encoder.activations_, total);
    at::Tensor output = at::empty({tokens, d}, at::kFloat);
    float* const to = output.mutable_data_ptr<float>();
    const fused::EncoderTask task = encoder.MakeTask(state->inputs, state->layout, state->dropout);
    OnThreads(static_cast<int64_t>(state->shares.size()), [&](int64_t thread) {
      const Share& share = state->shares[static_cast<size_t>(thread)];
      float* const scratch = Reserve(encoder.workspaces_[static_cast<size_t>(thread)], share.scratch_largest);
      for (size_t c = 0; c < share.chunks.size(); ++c) {
        const Chunk& chunk = share.chunks[c];
        encoder.kernels_->forward(task, chunk, saved + share.saved_at[c], scratch,
                                  to + task.sequences[chunk.first] * d);
      }
    });
    context->saved_data["activations"] = encoder.activations_;
    context->saved_data["state"] = c10::IValue::make_capsule(state);
    return output;
  }

  static torch::autograd::variable_list backward(Context* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto capsule = context->saved_data["state"].toCapsule();
    auto& state = *static_cast<State*>(capsule.get());
    PPR_BUG_IF_NOT(!state.used, "the fused encoder goes back once for each forward pass");
    state.used = true;
    FusedEncoder& encoder = *state.encoder;
    float* const saved = context->saved_data["activations"].toTensor().mutable_data_ptr<float>();
    const at::Tensor d_output = gradients[0].contiguous();
    const int64_t d = d_output.size(1);
    at::Tensor d_inputs = at::empty_like(d_output);
    encoder.RefreshTransposed();
    encoder.shares_ = state.shares;
    const fused::EncoderTask task = encoder.MakeTask(state.inputs, state.layout, state.dropout);
    OnThreads(static_cast<int64_t>(state.shares.size()), [&](int64_t thread) {
      const Share& share = state.shares[static_cast<size_t>(thread)];
      float* const d_hidden = Reserve(encoder.workspaces_[static_cast<size_t>(thread)],
                                      share.scratch_largest + share.tokens_largest * d + kLineFloats);
      float* const scratch = d_hidden + share.tokens_largest * d + kLineFloats;
      float* const of_thread = encoder.GradientsOf(thread);
      for (size_t c = 0; c < share.chunks.size(); ++c) {
        const Chunk& chunk = share.chunks[c];
        const int64_t first = task.sequences[chunk.first], tokens = task.sequences[chunk.last] - first;
        std::copy_n(d_output.const_data_ptr<float>() + first * d, tokens * d, d_hidden);
        encoder.kernels_->backward(task, chunk, saved + share.saved_at[c], scratch, d_hidden, of_thread,
                                   d_inputs.mutable_data_ptr<float>() + first * d);
      }
    });
    encoder.AddThreadGradients();
    return {d_inputs, at::Tensor(), at::Tensor()};
  }
};

at::Tensor FusedEncoder::Forward(const at::Tensor& inputs, const PackedLayout& layout, DropoutState dropout) {
  PPR_BUG_IF_NOT(inputs.dim() == 2 && inputs.size(0) == layout.num_tokens() &&
                     inputs.size(1) == encoder_.config().width && inputs.scalar_type() == at::kFloat,
                 "fused encoder inputs are not float32 [tokens of the layout, width]");
  auto state = c10::make_intrusive<FusedEncoderFunction::State>();
  state->encoder = this;
  state->layout = layout;
  state->dropout = dropout.active;
  const at::Tensor& anchor = parameters_[encoder_.indices().positions];
  return FusedEncoderFunction::apply(inputs, anchor, state);
}

}  // namespace ppr::model
