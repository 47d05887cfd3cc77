#include "settings/settings.h"

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "base/nearest_name.h"
#include "settings/text_lists.h"

namespace ppr::settings {
namespace {

template <typename Number>
std::string TextOf(Number number) {
  char text[32];  // the shortest that reads back the same
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), number);
  return std::string(text, result.ptr);
}

// As people write it: 0.0001 rather than 1e-04.
std::string TextOf(double number) {
  char text[64];
  const double size = number < 0 ? -number : number;
  const auto form = size >= 1e-4 && size < 1e9 ? std::chars_format::fixed : std::chars_format::general;
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), number, form);
  return std::string(text, result.ptr);
}

template <typename Number>
Number NumberOf(const std::string& text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

struct TypeOf {
  FlagType operator()(bool*) const { return FlagType::kBool; }
  FlagType operator()(int32_t*) const { return FlagType::kInt32; }
  FlagType operator()(int64_t*) const { return FlagType::kInt64; }
  FlagType operator()(uint64_t*) const { return FlagType::kUint64; }
  FlagType operator()(double*) const { return FlagType::kDouble; }
  FlagType operator()(const auto&) const { return FlagType::kString; }
};

struct ReadText {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const std::string* value) const { return *value; }
  std::string operator()(const std::vector<std::string>* value) const { return JoinedList(*value); }
  std::string operator()(const std::vector<int64_t>* value) const {
    std::vector<std::string> parts;
    for (const int64_t number : *value) parts.push_back(std::to_string(number));
    return JoinedList(parts);
  }
  std::string operator()(const TextValue& value) const { return value.get(); }
  template <typename Number>
  std::string operator()(const Number* value) const {
    return TextOf(*value);
  }
};

struct AssignText {
  const std::string& text;

  std::string operator()(bool* value) const {
    *value = text == "true";  // as a flag set spells it
    return "";
  }
  std::string operator()(std::string* value) const {
    *value = text;
    return "";
  }
  std::string operator()(std::vector<std::string>* value) const {
    *value = SplitList(text);
    return "";
  }
  std::string operator()(std::vector<int64_t>* value) const {
    value->clear();
    for (const std::string& part : SplitList(text)) value->push_back(NumberOf<int64_t>(part));
    return "";
  }
  std::string operator()(const TextValue& value) const { return value.set(text); }
  template <typename Number>
  std::string operator()(Number* value) const {
    *value = NumberOf<Number>(text);
    return "";
  }
};

struct AsNumber {
  std::optional<double> operator()(int32_t* value) const { return *value; }
  std::optional<double> operator()(int64_t* value) const { return static_cast<double>(*value); }
  std::optional<double> operator()(uint64_t* value) const { return static_cast<double>(*value); }
  std::optional<double> operator()(double* value) const { return *value; }
  std::optional<double> operator()(const auto&) const { return std::nullopt; }
};

}  // namespace

FlagType Setting::type() const { return std::visit(TypeOf(), value); }

std::string Setting::text() const { return std::visit(ReadText(), value); }

std::string Setting::Assign(const std::string& text) const { return std::visit(AssignText{text}, value); }

std::string Setting::Problem() const {
  const std::optional<double> number = std::visit(AsNumber(), value);
  if (number && description.limits && !description.limits->Allow(*number))
    return "expected " + description.limits->ExpectedInsteadOf(*number) + ", found " + text();
  if (!description.required.empty() && text().empty())
    return "expected " + description.required + ", found nothing";
  return "";
}

Settings& Settings::Topic(std::string title, bool in_config_flags) {
  topic_ = std::move(title);
  in_config_flags_ = in_config_flags;
  return *this;
}

Settings& Settings::Section(std::string section) {
  section_ = std::move(section);
  return *this;
}

Settings& Settings::StoredWhile(std::function<bool()> holds) {
  stored_while_ = std::move(holds);
  return *this;
}

void Settings::AddField(const void* field, FieldPointer value, Description description) {
  const std::string& key = description.key.empty() ? description.flag : description.key;
  if (!description.stored_when) description.stored_when = stored_while_;
  std::string path = description.stored && !section_.empty() ? section_ + "/" + key : "";
  all_.push_back(
      {std::move(description), std::move(value), field, topic_, in_config_flags_, std::move(path)});
}

std::string UnknownChoice(const std::string& name, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  return "expected one of " + list + ", found \"" + name + "\"" + DidYouMean(name, names);
}

void Settings::Take(const Settings& others, const void* field) {
  const auto found = std::find_if(others.all_.begin(), others.all_.end(),
                                  [&](const Setting& setting) { return setting.field == field; });
  PPR_BUG_IF_NOT(found != others.all_.end(), "a setting is taken that is not described");
  all_.push_back(*found);
  all_.back().topic = topic_;
  all_.back().in_config_flags = in_config_flags_;
}

void Settings::TakeAll(const Settings& others) {
  all_.insert(all_.end(), others.all_.begin(), others.all_.end());
}

void Settings::TakeStored(const Settings& others) {
  for (const Setting& setting : others.all_) {
    all_.push_back(setting);
    all_.back().description.flag.clear();
    if (!all_.back().description.stored_when) all_.back().description.stored_when = stored_while_;
  }
}

const std::string& Settings::FlagOf(const void* field) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const Setting& setting) { return setting.field == field; });
  PPR_BUG_IF_NOT(found != all_.end(), "a setting is asked for that is not described");
  return found->flag();
}

std::vector<std::string> Settings::Problems() const {
  std::vector<std::string> problems;
  for (const Setting& setting : all_) {
    if (setting.flag().empty()) continue;
    const std::string problem = setting.Problem();
    if (!problem.empty()) problems.push_back(setting.flag() + ": " + problem);
  }
  return problems;
}

std::vector<std::pair<std::string, std::string>> ChangedFlags(const Settings& base, const Settings& changed) {
  PPR_BUG_IF_NOT(base.all().size() == changed.all().size(), "descriptions of different structs are compared");
  std::vector<std::pair<std::string, std::string>> flags;
  for (size_t i = 0; i < base.all().size(); ++i) {
    const Setting& setting = changed.all()[i];
    if (!setting.flag().empty() && setting.text() != base.all()[i].text())
      flags.emplace_back(setting.flag(), setting.text());
  }
  return flags;
}

}  // namespace ppr::settings
