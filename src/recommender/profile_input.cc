#include "recommender/profile_input.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/errors.h"
#include "base/nearest_name.h"

namespace ppr::recommender {

ProfileInput MakeProfileInput(const data::Dataset& dataset, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const data::ProfileField& field : dataset.fields) known.push_back(field.name);
  ProfileInput input;
  for (const std::string& name : names.empty() ? known : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) {
      throw ConfigError("profile field " + name + ": expected a field of " + dataset.path +
                        DidYouMean(name, known));
    }
    const int64_t column = at - known.begin();
    input.names.push_back(name);
    input.columns.push_back(column);
    input.vocabulary_sizes.push_back(
        static_cast<int64_t>(dataset.fields[static_cast<size_t>(column)].values.size()));
  }
  return input;
}

at::Tensor ProfileCodes(const data::Dataset& dataset, const ProfileInput& input,
                        std::span<const int32_t> users) {
  std::vector<int64_t> codes;
  codes.reserve(users.size() * input.columns.size());
  for (const int32_t user : users) {
    const auto profile = dataset.profile(user);
    for (const int64_t column : input.columns) codes.push_back(profile[static_cast<size_t>(column)]);
  }
  return at::tensor(codes, at::kLong)
      .view({static_cast<int64_t>(users.size()), static_cast<int64_t>(input.columns.size())});
}

}  // namespace ppr::recommender
