#include "cli/gflags_bridge.h"

#include <gflags/gflags.h>

#include <charconv>
#include <map>

#include "base/errors.h"

namespace ppr::cli {
namespace {

FlagType TypeOf(const gflags::CommandLineFlagInfo& info) {
  static const std::map<std::string, FlagType> kTypes = {
      {"bool", FlagType::kBool},     {"int32", FlagType::kInt32},   {"uint32", FlagType::kUint32},
      {"int64", FlagType::kInt64},   {"uint64", FlagType::kUint64}, {"double", FlagType::kDouble},
      {"string", FlagType::kString},
  };
  const auto found = kTypes.find(info.type);
  PPR_BUG_IF_NOT(found != kTypes.end(), "flag --" + info.name + " has type " + info.type);
  return found->second;
}

// gflags prints 0.2 as 0.20000000000000001; the shortest text that reads back the same is kinder.
std::string ShortestDouble(const std::string& text) {
  char shortest[32];
  const std::to_chars_result result = std::to_chars(shortest, shortest + sizeof(shortest), std::stod(text));
  return std::string(shortest, result.ptr);
}

FlagDeclaration DeclarationOf(const FlagUse& use) {
  gflags::CommandLineFlagInfo info;
  PPR_BUG_IF_NOT(gflags::GetCommandLineFlagInfo(use.name.c_str(), &info),
                 "no DEFINE_* for flag --" + use.name);
  FlagDeclaration declaration{use.name, TypeOf(info), info.default_value, info.description};
  if (declaration.type == FlagType::kDouble) declaration.default_value = ShortestDouble(info.default_value);
  if (!use.default_value.empty()) declaration.default_value = use.default_value;
  return declaration;
}

}  // namespace

FlagTopic TopicFromGflags(const std::string& title, const std::vector<FlagUse>& uses, bool stored) {
  FlagTopic topic{title, {}, stored};
  for (const FlagUse& use : uses) topic.flags.push_back(DeclarationOf(use));
  return topic;
}

void StoreInGflags(const FlagSet& flags) {
  for (const FlagTopic& topic : flags.topics()) {
    for (const FlagDeclaration& flag : topic.flags) {
      const std::string& value = flags.value(flag.name);
      const std::string answer = gflags::SetCommandLineOption(flag.name.c_str(), value.c_str());
      PPR_BUG_IF_NOT(!answer.empty(), "gflags refused --" + flag.name + "=" + value);
    }
  }
}

std::string HelpOfAllGflags() {
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  std::string text;
  for (const gflags::CommandLineFlagInfo& info : all) text += gflags::DescribeOneFlag(info);
  return text;
}

}  // namespace ppr::cli
