#include "data/input/line_reader.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <algorithm>

#include "data/input/arrow_input.h"

namespace ppr::data {
namespace {

constexpr int64_t kReadBytes = 1 << 20;

}  // namespace

struct LineReader::State {
  // Reads on until `text` holds at least one whole line; returns the bytes that make whole lines.
  size_t WholeLines() {
    text.erase(0, used);
    used = 0;
    size_t end = text.rfind('\n');
    while (!at_end && end == std::string::npos) {
      auto read = input->Read(kReadBytes);
      ThrowIfFailed(read.status(), path, "cannot read past line " + std::to_string(lines_before));
      at_end = (*read)->size() == 0;
      const auto bytes = static_cast<std::string_view>(**read);
      text.append(at_start ? WithoutByteOrderMark(bytes) : bytes);
      at_start = false;
      end = text.rfind('\n');
    }
    return end == std::string::npos ? text.size() : end + 1;
  }

  std::string path;
  std::shared_ptr<arrow::io::InputStream> input;
  std::string text;  // read but not yet given out, after the `used` first bytes
  size_t used = 0;
  int64_t lines_before = 0;
  bool at_start = true, at_end = false;
};

LineReader::LineReader(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->input = OpenInput(path);
}

LineReader::~LineReader() = default;

bool LineReader::Next(LineBlock* block) {
  State& state = *state_;
  block->lines.clear();
  const size_t end = state.WholeLines();
  std::string_view rest(state.text.data(), end);
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    block->lines.push_back(line);
  }
  block->first_number = state.lines_before + 1;
  state.lines_before += static_cast<int64_t>(block->lines.size());
  state.used = end;
  return end > 0;
}

}  // namespace ppr::data
