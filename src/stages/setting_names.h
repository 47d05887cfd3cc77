// The names of enumerated settings, as flags and stored configs spell them: one table each.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/encoder_config.h"
#include "stages/stage_config.h"

namespace ppr::stages {

template <typename Enum>
using NameTable = std::vector<std::pair<std::string, Enum>>;

// Specialised below for every enumerated setting.
template <typename Enum>
const NameTable<Enum>& NamesOf();

template <>
const NameTable<model::Backbone>& NamesOf<model::Backbone>();
template <>
const NameTable<model::AttentionSpan>& NamesOf<model::AttentionSpan>();
template <>
const NameTable<model::Norm>& NamesOf<model::Norm>();
template <>
const NameTable<model::Activation>& NamesOf<model::Activation>();
template <>
const NameTable<model::PositionOrigin>& NamesOf<model::PositionOrigin>();
template <>
const NameTable<model::NextItemLoss>& NamesOf<model::NextItemLoss>();
template <>
const NameTable<recommender::NegativeSharing>& NamesOf<recommender::NegativeSharing>();
template <>
const NameTable<model::ComputePath>& NamesOf<model::ComputePath>();
template <>
const NameTable<model::PromptKind>& NamesOf<model::PromptKind>();
template <>
const NameTable<ModelKind>& NamesOf<ModelKind>();
template <>
const NameTable<TrainingUsers>& NamesOf<TrainingUsers>();
template <>
const NameTable<TuneMethod>& NamesOf<TuneMethod>();
template <>
const NameTable<evaluation::EvaluationTask>& NamesOf<evaluation::EvaluationTask>();
template <>
const NameTable<ProfileInit>& NamesOf<ProfileInit>();
template <>
const NameTable<recommender::BehaviourAugmentation>& NamesOf<recommender::BehaviourAugmentation>();
template <>
const NameTable<train::ContrastiveViews>& NamesOf<train::ContrastiveViews>();
template <>
const NameTable<Baseline>& NamesOf<Baseline>();
template <>
const NameTable<train::ProgressMode>& NamesOf<train::ProgressMode>();
template <>
const NameTable<data::CasePart>& NamesOf<data::CasePart>();

template <typename Enum>
std::string NameOf(Enum value) {
  for (const auto& [name, known] : NamesOf<Enum>()) {
    if (known == value) return name;
  }
  return "?";
}

template <typename Enum>
std::optional<Enum> ValueNamed(const std::string& name) {
  for (const auto& [known, value] : NamesOf<Enum>()) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace ppr::stages
