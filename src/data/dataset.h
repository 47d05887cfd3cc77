// A prepared dataset in memory: what dataset.h5 holds (docs/file-formats.md). Made by `ppr prepare`, read by
// every stage.
//
// Immutable after reading; safe to share between threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "settings/names.h"

namespace ppr::data {

enum class Protocol : uint8_t {
  // The paper's: users with fewer than a number of clicks are cold.
  kThreshold = 0,
  // A seeded share of users becomes cold and keeps its first clicks.
  kHoldout = 1,
  // The last item is the test, the one before validation; no cold users.
  kLeaveOneOut = 2,
};
const settings::NameTable<Protocol>& NamesOf(Protocol);

// Values are stored in files: DO NOT CHANGE.
enum class UserPart : uint8_t { kWarm = 0, kColdTrain = 1, kColdDev = 2, kColdTest = 3 };

// Which evaluation a case belongs to. Values are stored in files: DO NOT CHANGE.
enum class CasePart : uint8_t {
  // Last click of a warm user: early stop of pre-training (threshold, holdout).
  kWarmDev = 0,
  // Cold dev users: early stop of tuning.
  kColdDev = 1,
  // Cold test users: the reported figures.
  kColdTest = 2,
  // leave_one_out: the click before the last, and the last.
  kValidation = 3,
  kTest = 4,
};
const settings::NameTable<CasePart>& NamesOf(CasePart);

struct ProfileField {
  std::string name;
  std::vector<std::string> values;  // values[code]; values[0] is "" and means missing
};

// Evaluation cases: predict the click at `position` of a user from the clicks before it. Position 0 is the
// zero-shot case, others are few-shot. Sorted by (part, user, position).
struct EvaluationCases {
  // [C] each.
  std::vector<CasePart> part;
  std::vector<int32_t> user, position;
  // [C, num_candidates] item ids, distinct within a case, never the user's own.
  std::vector<int32_t> candidates;
  int32_t num_candidates = 0;
  uint64_t seed = 0;
  std::string digest;  // of the four arrays above

  int64_t size() const { return static_cast<int64_t>(user.size()); }
  std::span<const int32_t> candidates_of(int64_t index) const {
    return {candidates.data() + index * num_candidates, static_cast<size_t>(num_candidates)};
  }
};

struct Dataset {
  std::string path;    // where it was read from
  std::string digest;  // of the file's bytes
  Protocol protocol = Protocol::kHoldout;

  // Histories in CSR form, each in the order (time, then the tie order).
  std::vector<int64_t> offsets;  // [U+1]
  std::vector<int32_t> items;    // [N] 1..V
  std::vector<int64_t> times;    // [N] as in the raw file (usually seconds); 0 when the source has none

  // Leading clicks of each user that training may see (0 for cold dev and test users): what is evaluated is
  // never in it.
  std::vector<int32_t> train_length;  // [U]
  std::vector<UserPart> user_part;    // [U]

  std::vector<ProfileField> fields;  // [m]
  std::vector<int32_t> profiles;     // [U, m] codes; 0 = missing

  std::vector<std::string> user_ids;  // [U] as in the raw files
  std::vector<std::string> item_ids;  // [V+1]; item_ids[0] is ""

  EvaluationCases cases;
  std::string provenance_json;  // files, filters, rows kept and dropped, ties

  int64_t num_users() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t num_items() const { return static_cast<int64_t>(item_ids.size()) - 1; }
  int64_t num_fields() const { return static_cast<int64_t>(fields.size()); }
  // All clicks of a user, evaluation included.
  std::span<const int32_t> history(int64_t user) const {
    return {items.data() + offsets[user], static_cast<size_t>(offsets[user + 1] - offsets[user])};
  }
  // The clicks that training may see.
  std::span<const int32_t> training_history(int64_t user) const {
    return history(user).first(static_cast<size_t>(train_length[user]));
  }
  std::span<const int32_t> profile(int64_t user) const {
    return {profiles.data() + user * num_fields(), static_cast<size_t>(num_fields())};
  }
};

// Reads and checks a whole dataset file. DataError names file, field, expected and found; StorageError when
// unreadable.
Dataset ReadDataset(const std::string& path);
// The user ids alone, [U], of a file whose bytes are checked: memory does not grow with its clicks. Errors as
// above.
std::vector<std::string> ReadUserIds(const std::string& path);
// Writes `path` as a whole (beside, sync, rename). Same dataset, same bytes. Ignores dataset.path and
// dataset.digest.
void WriteDataset(const std::string& path, const Dataset& dataset);

}  // namespace ppr::data
