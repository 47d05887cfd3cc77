// The names of enumerated settings, as flags and stored configs spell them. Each enumeration has one table,
// declared beside it as `const settings::NameTable<E>& NamesOf(E)`, which is found by the argument's
// namespace.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ppr::settings {

template <typename Enum>
using NameTable = std::vector<std::pair<std::string, Enum>>;

template <typename Enum>
std::string NameOf(Enum value) {
  for (const auto& [name, known] : NamesOf(value)) {
    if (known == value) return name;
  }
  return "?";
}

template <typename Enum>
std::optional<Enum> ValueNamed(const std::string& name) {
  for (const auto& [known, value] : NamesOf(Enum{})) {
    if (known == name) return value;
  }
  return std::nullopt;
}

template <typename Value>
std::vector<std::string> NamesIn(const std::vector<std::pair<std::string, Value>>& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.push_back(name);
  return names;
}

}  // namespace ppr::settings
