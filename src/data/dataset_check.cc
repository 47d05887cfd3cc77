#include "data/dataset_check.h"

#include <limits>
#include <tuple>

#include "base/errors.h"
#include "data/dataset_layout.h"

namespace ppr::data {
namespace {

constexpr char kAdvice[] = ". Make the file again with ppr prepare.";

[[noreturn]] void Refuse(const std::string& path, const std::string& where, const std::string& expected,
                         const std::string& found) {
  throw DataError(path + ": " + where + ": expected " + expected + ", found " + found + kAdvice);
}

std::string At(const char* name, int64_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

void CheckLength(const Dataset& dataset, const char* name, size_t found, int64_t expected) {
  if (static_cast<int64_t>(found) == expected) return;
  Refuse(dataset.path, name, std::to_string(expected) + " entries", std::to_string(found));
}

void CheckSizes(const Dataset& dataset) {
  const int64_t num_users = dataset.num_users();
  if (num_users < 1) Refuse(dataset.path, layout::kOffsets, "at least one user", "none");
  if (dataset.num_items() < 1) Refuse(dataset.path, layout::kItemIds, "at least one item", "none");
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (num_users > kMost || dataset.num_items() > kMost) {
    Refuse(dataset.path, "users and items", "at most 2147483647 of each",
           std::to_string(num_users) + " and " + std::to_string(dataset.num_items()));
  }
  CheckLength(dataset, layout::kTimes, dataset.times.size(), static_cast<int64_t>(dataset.items.size()));
  CheckLength(dataset, layout::kUserIds, dataset.user_ids.size(), num_users);
  CheckLength(dataset, layout::kTrainLength, dataset.train_length.size(), num_users);
  CheckLength(dataset, layout::kUserPart, dataset.user_part.size(), num_users);
  CheckLength(dataset, layout::kProfileCodes, dataset.profiles.size(), num_users * dataset.num_fields());
  if (!dataset.item_ids[0].empty())
    Refuse(dataset.path, layout::kItemIds, "empty text for item 0", dataset.item_ids[0]);
}

void CheckItemIds(const Dataset& dataset, const char* name, const std::vector<int32_t>& items) {
  const auto num_items = static_cast<int32_t>(dataset.num_items());
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i] >= 1 && items[i] <= num_items) continue;
    Refuse(dataset.path, At(name, static_cast<int64_t>(i)), "an item id in 1.." + std::to_string(num_items),
           std::to_string(items[i]));
  }
}

void CheckUsers(const Dataset& dataset) {
  for (int64_t user = 0; user < dataset.num_users(); ++user) {
    const int64_t first = dataset.offsets[user], length = dataset.offsets[user + 1] - first;
    if (length < 1 || length > std::numeric_limits<int32_t>::max()) {
      Refuse(dataset.path, At(layout::kOffsets, user + 1), "1 to 2147483647 clicks of the user",
             std::to_string(length));
    }
    if (dataset.train_length[user] < 0 || dataset.train_length[user] > length) {
      Refuse(dataset.path, At(layout::kTrainLength, user), "0.." + std::to_string(length),
             std::to_string(dataset.train_length[user]));
    }
    if (dataset.user_part[user] > UserPart::kColdTest) {
      Refuse(dataset.path, At(layout::kUserPart, user), "0..3",
             std::to_string(static_cast<int>(dataset.user_part[user])));
    }
    for (int64_t i = first + 1; i < first + length; ++i) {
      if (dataset.times[i] >= dataset.times[i - 1]) continue;
      Refuse(dataset.path, At(layout::kTimes, i),
             "at least " + std::to_string(dataset.times[i - 1]) + " (in order)",
             std::to_string(dataset.times[i]));
    }
  }
}

void CheckProfiles(const Dataset& dataset) {
  const int64_t num_fields = dataset.num_fields();
  for (int64_t field = 0; field < num_fields; ++field) {
    const std::vector<std::string>& values = dataset.fields[field].values;
    if (values.empty() || !values[0].empty()) {
      Refuse(dataset.path, layout::FieldGroup(field), "a vocabulary whose value 0 is empty (missing)",
             values.empty() ? "no values" : values[0]);
    }
  }
  for (size_t i = 0; i < dataset.profiles.size(); ++i) {
    const auto& field = dataset.fields[i % static_cast<size_t>(num_fields)];
    if (dataset.profiles[i] >= 0 && static_cast<size_t>(dataset.profiles[i]) < field.values.size()) continue;
    Refuse(dataset.path, At(layout::kProfileCodes, static_cast<int64_t>(i) / num_fields) + " " + field.name,
           "a code in 0.." + std::to_string(field.values.size() - 1), std::to_string(dataset.profiles[i]));
  }
}

// The part of cases that users of a part may have.
bool Fits(Protocol protocol, CasePart part, UserPart user_part) {
  switch (part) {
    case CasePart::kWarmDev:
      return protocol != Protocol::kLeaveOneOut && user_part == UserPart::kWarm;
    case CasePart::kColdDev:
      return user_part == UserPart::kColdDev;
    case CasePart::kColdTest:
      return user_part == UserPart::kColdTest;
    case CasePart::kValidation:
    case CasePart::kTest:
      return protocol == Protocol::kLeaveOneOut;
  }
  return false;
}

void CheckCases(const Dataset& dataset) {
  const EvaluationCases& cases = dataset.cases;
  const auto num_users = static_cast<int32_t>(dataset.num_users());
  for (int64_t i = 0; i < cases.size(); ++i) {
    const int32_t user = cases.user[i], position = cases.position[i];
    if (user < 0 || user >= num_users) {
      Refuse(dataset.path, At(layout::kCaseUser, i), "0.." + std::to_string(num_users - 1),
             std::to_string(user));
    }
    const auto length = static_cast<int64_t>(dataset.history(user).size());
    if (position < dataset.train_length[user] || position >= length) {
      Refuse(dataset.path, At(layout::kCasePosition, i),
             "a position from " + std::to_string(dataset.train_length[user]) + " (train_length of user " +
                 std::to_string(user) + ") to " + std::to_string(length - 1),
             std::to_string(position));
    }
    if (!Fits(dataset.protocol, cases.part[i], dataset.user_part[user])) {
      Refuse(dataset.path, At(layout::kCasePart, i),
             "a part that fits the protocol and the part of user " + std::to_string(user),
             std::to_string(static_cast<int>(cases.part[i])));
    }
    if (i == 0) continue;
    if (std::tuple(cases.part[i - 1], cases.user[i - 1], cases.position[i - 1]) >=
        std::tuple(cases.part[i], user, position)) {
      Refuse(dataset.path, At(layout::kCaseUser, i), "cases sorted by part, user, position",
             "one out of order");
    }
  }
}

}  // namespace

void CheckOffsets(const std::string& path, const std::string& name, const std::vector<int64_t>& offsets,
                  int64_t end) {
  if (offsets.empty() || offsets[0] != 0) {
    Refuse(path, name, "a first offset of 0", offsets.empty() ? "no offsets" : std::to_string(offsets[0]));
  }
  for (size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] >= offsets[i - 1]) continue;
    Refuse(path, At(name.c_str(), static_cast<int64_t>(i)), "at least " + std::to_string(offsets[i - 1]),
           std::to_string(offsets[i]));
  }
  if (offsets.back() != end)
    Refuse(path, name, "a last offset of " + std::to_string(end), std::to_string(offsets.back()));
}

void CheckDataset(const Dataset& dataset) {
  CheckSizes(dataset);
  CheckUsers(dataset);
  CheckItemIds(dataset, layout::kItems, dataset.items);
  CheckProfiles(dataset);
  CheckCases(dataset);
  CheckItemIds(dataset, layout::kCaseCandidates, dataset.cases.candidates);
}

}  // namespace ppr::data
