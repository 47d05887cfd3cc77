#include "data/user_lines_reader.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "base/errors.h"
#include "data/arrow_input.h"

namespace ppr::data {
namespace {

constexpr int64_t kReadBytes = 1 << 20;
constexpr char kBlanks[] = " \t\r";

}  // namespace

struct UserLinesReader::State {
  // Reads on until `text` holds at least one whole line; returns the bytes that make whole lines.
  size_t WholeLines() {
    text.erase(0, used);
    used = 0;
    size_t end = text.rfind('\n');
    while (!at_end && end == std::string::npos) {
      auto read = input->Read(kReadBytes);
      ThrowIfFailed(read.status(), path, "cannot read past line " + std::to_string(line));
      at_end = (*read)->size() == 0;
      text.append(reinterpret_cast<const char*>((*read)->data()), static_cast<size_t>((*read)->size()));
      end = text.rfind('\n');
    }
    return end == std::string::npos ? text.size() : end + 1;
  }

  void ParseLine(std::string_view rest, std::vector<std::string_view>* users,
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
      throw DataError(
          path + ": line " + std::to_string(line) + ": expected \"user item item ...\", found the user \"" +
          std::string(user.substr(0, 120)) + "\" without items. Remove the line or add its items.");
    }
  }

  std::string path;
  std::shared_ptr<arrow::io::InputStream> input;
  std::string text;  // read but not yet given out, after the `used` first bytes
  size_t used = 0;
  int64_t line = 0;
  bool at_end = false;
};

UserLinesReader::UserLinesReader(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->input = OpenInput(path);
}

UserLinesReader::~UserLinesReader() = default;

bool UserLinesReader::Next(std::vector<std::string_view>* users, std::vector<std::string_view>* items) {
  users->clear();
  items->clear();
  State& state = *state_;
  while (users->empty()) {
    const size_t end = state.WholeLines();
    if (end == 0) return false;
    std::string_view lines(state.text.data(), end);
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
      ++state.line;
      state.ParseLine(line, users, items);
    }
    state.used = end;
  }
  return true;
}

}  // namespace ppr::data
