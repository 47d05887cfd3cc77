#include "stages/setting_names.h"

namespace ppr::stages {
#define PPR_NAMES(Enum, ...)                          \
  template <>                                         \
  const NameTable<Enum>& NamesOf<Enum>() {            \
    static const NameTable<Enum> table = __VA_ARGS__; \
    return table;                                     \
  }

PPR_NAMES(model::Backbone, {{"transformer", model::Backbone::kTransformer}, {"gru", model::Backbone::kGru}})
PPR_NAMES(model::AttentionSpan, {{"causal", model::AttentionSpan::kCausal},
                                 {"bidirectional", model::AttentionSpan::kBidirectional}})
PPR_NAMES(model::Norm, {{"pre", model::Norm::kPre}, {"post", model::Norm::kPost}})
PPR_NAMES(model::Activation, {{"relu", model::Activation::kRelu}, {"gelu", model::Activation::kGelu}})
PPR_NAMES(model::PositionOrigin,
          {{"start", model::PositionOrigin::kStart}, {"end", model::PositionOrigin::kEnd}})
PPR_NAMES(model::NextItemLoss, model::NextItemLossNames())
PPR_NAMES(model::PromptKind, {{"personal", model::PromptKind::kPersonal},
                              {"shared", model::PromptKind::kShared},
                              {"user_vector", model::PromptKind::kUserVector}})
PPR_NAMES(ModelKind, {{"sasrec", ModelKind::kSasrec},
                      {"cl4srec", ModelKind::kCl4srec},
                      {"bert4rec", ModelKind::kBert4rec},
                      {"gru4rec", ModelKind::kGru4rec},
                      {"melu", ModelKind::kMelu},
                      {"minet", ModelKind::kMinet}})
PPR_NAMES(TrainingUsers, {{"warm", TrainingUsers::kWarm}, {"all", TrainingUsers::kAll}})
PPR_NAMES(recommender::NegativeSharing,
          {{"own", recommender::NegativeSharing::kOwn}, {"batch", recommender::NegativeSharing::kBatch}})
PPR_NAMES(model::ComputePath, {{"auto", model::ComputePath::kAuto},
                               {"fused", model::ComputePath::kFused},
                               {"reference", model::ComputePath::kReference}})
PPR_NAMES(TuneMethod, {{"ppr_light", TuneMethod::kPprLight},
                       {"ppr_full", TuneMethod::kPprFull},
                       {"fine_tune", TuneMethod::kFineTune}})
PPR_NAMES(evaluation::EvaluationTask, {{"few_shot", evaluation::EvaluationTask::kFewShot},
                                       {"zero_shot", evaluation::EvaluationTask::kZeroShot},
                                       {"joint", evaluation::EvaluationTask::kJoint},
                                       {"profile", evaluation::EvaluationTask::kProfile}})
PPR_NAMES(ProfileInit, {{"mean_of_items", ProfileInit::kMeanOfItems}, {"normal", ProfileInit::kNormal}})
PPR_NAMES(recommender::BehaviourAugmentation, {{"delete", recommender::BehaviourAugmentation::kDelete},
                                               {"zero", recommender::BehaviourAugmentation::kZero}})
PPR_NAMES(train::ContrastiveViews, {{"both", train::ContrastiveViews::kBoth},
                                    {"prompt", train::ContrastiveViews::kPrompt},
                                    {"behaviour", train::ContrastiveViews::kBehaviour}})
PPR_NAMES(Baseline, {{"none", Baseline::kNone},
                     {"popularity", Baseline::kPopularity},
                     {"position_popularity", Baseline::kPositionPopularity}})
PPR_NAMES(train::ProgressMode, {{"auto", train::ProgressMode::kAuto},
                                {"bar", train::ProgressMode::kBar},
                                {"plain", train::ProgressMode::kPlain},
                                {"none", train::ProgressMode::kNone}})
PPR_NAMES(data::CasePart, {{"warm_dev", data::CasePart::kWarmDev},
                           {"cold_dev", data::CasePart::kColdDev},
                           {"cold_test", data::CasePart::kColdTest},
                           {"validation", data::CasePart::kValidation},
                           {"test", data::CasePart::kTest}})

#undef PPR_NAMES

}  // namespace ppr::stages
