// Names inside dataset.h5 (docs/file-formats.md), shared by its writer and its reader. DO NOT CHANGE within a
// version.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace ppr::data::layout {

inline constexpr char kFormat[] = "ppr.dataset";
inline constexpr uint64_t kFormatVersion = 1;

inline constexpr char kOffsets[] = "/history/offsets";
inline constexpr char kItems[] = "/history/items";
inline constexpr char kTimes[] = "/history/times";
inline constexpr char kUserPart[] = "/users/part";
inline constexpr char kTrainLength[] = "/users/train_length";
inline constexpr char kUserIds[] = "/users/ids";
inline constexpr char kItemIds[] = "/items/ids";
inline constexpr char kProfileCodes[] = "/profiles/codes";
inline constexpr char kCasePart[] = "/cases/part";
inline constexpr char kCaseUser[] = "/cases/user";
inline constexpr char kCasePosition[] = "/cases/position";
inline constexpr char kCaseCandidates[] = "/cases/candidates";

// Group of one profile field's vocabulary.
std::string FieldGroup(int64_t field);
// Text form of Dataset::protocol.
const char* NameOf(Protocol protocol);
// The digest kept in EvaluationCases::digest: over part, user, position and candidates as stored.
std::string DigestOfCases(const EvaluationCases& cases);

}  // namespace ppr::data::layout
