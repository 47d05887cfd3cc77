#include "data/input/user_lines_reader.h"

#include "base/errors.h"

namespace ppr::data {
namespace {

constexpr char kBlanks[] = " \t\r";

}  // namespace

bool UserLinesReader::Next(std::vector<std::string_view>* users, std::vector<std::string_view>* items) {
  users->clear();
  items->clear();
  while (users->empty()) {
    if (!reader_.Next(&block_)) return false;
    for (size_t i = 0; i < block_.lines.size(); ++i)
      ParseLine(block_.lines[i], block_.first_number + static_cast<int64_t>(i), users, items);
  }
  return true;
}

void UserLinesReader::ParseLine(std::string_view rest, int64_t number, std::vector<std::string_view>* users,
                                std::vector<std::string_view>* items) const {
  std::string_view user;
  size_t num_items = 0;
  for (size_t start = rest.find_first_not_of(kBlanks); start != std::string_view::npos;
       start = rest.find_first_not_of(kBlanks)) {
    rest.remove_prefix(start);
    const std::string_view token = rest.substr(0, rest.find_first_of(kBlanks));
    rest.remove_prefix(token.size());
    if (user.empty()) {
      user = token;
      continue;
    }
    users->push_back(user);
    items->push_back(token);
    ++num_items;
  }
  if (!user.empty() && num_items == 0) {
    throw DataError(path_ + ": line " + std::to_string(number) +
                    ": expected \"user item item ...\", found the user \"" +
                    std::string(user.substr(0, 120)) + "\" without items. Remove the line or add its items.");
  }
}

}  // namespace ppr::data
