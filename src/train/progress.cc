#include "train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/deadline.h"
#include "base/text_format.h"

namespace ppr::train {

namespace {

// Counts per second with an exponentially fading memory: the ratio of the faded counts and the faded time is
// unbiased from the first sample on.
class FadingRate {
 public:
  void Add(double count, double seconds) {
    constexpr double kMemorySeconds = 15;
    const double keep = std::exp(-seconds / kMemorySeconds);
    count_ = count_ * keep + count;
    seconds_ = seconds_ * keep + seconds;
  }
  double per_second() const { return seconds_ > 0 ? count_ / seconds_ : 0; }

 private:
  double count_ = 0, seconds_ = 0;
};

int TerminalColumns() {
  constexpr int kUsualColumns = 80;
  if (::isatty(STDERR_FILENO) != 1) return 0;
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return 0;  // cannot go back on a line
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

// "[######......] "; empty when there is no room for a useful one.
std::string BarText(double share, int columns) {
  constexpr int kShortest = 10, kLongest = 40, kFrame = 3;
  const int cells = std::min(columns - kFrame, kLongest);
  if (cells < kShortest) return "";
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * cells);
  std::string bar = "[";
  bar.append(static_cast<size_t>(full), '#').append(static_cast<size_t>(cells - full), '.').append("] ");
  return bar;
}

}  // namespace

const settings::NameTable<ProgressMode>& NamesOf(ProgressMode) {
  static const settings::NameTable<ProgressMode> names = {{"auto", ProgressMode::kAuto},
                                                          {"bar", ProgressMode::kBar},
                                                          {"plain", ProgressMode::kPlain},
                                                          {"none", ProgressMode::kNone}};
  return names;
}

std::string DurationText(double seconds) {
  if (!(seconds < 1e9)) return "very long";
  const long long s = std::max(0LL, std::llround(seconds));
  if (s < 60) return Format("%llds", s);
  if (s < 3600) return Format("%lldm%02llds", s / 60, s % 60);
  if (s < 86400) return Format("%lldh%02lldm", s / 3600, s / 60 % 60);
  return Format("%lldd%02lldh", s / 86400, s / 3600 % 24);
}

std::string RateText(double per_second) {
  if (per_second < 999.5) return Format("%.0f", per_second);
  const bool thousands = per_second < 999.5e3;
  const double scaled = per_second / (thousands ? 1e3 : 1e6);
  const int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return Format("%.*f%c", decimals, scaled, thousands ? 'k' : 'M');
}

ProgressOutput ProgressOutput::StandardError() {
  return {.write = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); },
          .now_seconds = [clock = Stopwatch()] { return clock.seconds(); },
          .columns = TerminalColumns};
}

struct ProgressLine::State {
  ProgressMode mode;  // never kAuto
  std::string stage;
  int64_t total_steps;
  double plain_interval_seconds;
  ProgressOutput output;

  int64_t step = -1;  // of the last update; -1 = none yet
  int64_t epoch = 0;
  double loss = 0;
  double updated_at_seconds = 0;
  FadingRate targets_rate, steps_rate;

  int64_t shown_step = -1;  // of the last line or redraw
  double shown_at_seconds = 0;
  bool bar_on_screen = false;

  double share() const {
    return total_steps > 0 ? static_cast<double>(step) / static_cast<double>(total_steps) : 0;
  }

  bool DueNow() const {
    constexpr double kRedrawSeconds = 0.1, kPlainShare = 0.05;
    if (shown_step < 0) return true;
    const double waited_seconds = updated_at_seconds - shown_at_seconds;
    if (mode == ProgressMode::kBar) return waited_seconds >= kRedrawSeconds;
    const double steps_apart = total_steps > 0 ? kPlainShare * static_cast<double>(total_steps) : 0;
    return waited_seconds >= plain_interval_seconds && static_cast<double>(step - shown_step) >= steps_apart;
  }

  // "step 1200/8000 (15 %)  epoch 3  loss 0.4821  183k targets/s  ETA 2m10s"
  std::string Text() const {
    std::string text = "step " + std::to_string(step);
    if (total_steps > 0)
      text += Format("/%lld (%.0f %%)", static_cast<long long>(total_steps), 100 * share());
    text += Format("  epoch %lld  loss %.4f  ", static_cast<long long>(epoch), loss) +
            RateText(targets_rate.per_second()) + " targets/s";
    const double steps_per_second = steps_rate.per_second();
    if (total_steps > step && steps_per_second > 0) {
      text += "  ETA " + DurationText(static_cast<double>(total_steps - step) / steps_per_second);
    }
    return text;
  }

  void Show() {
    if (mode == ProgressMode::kPlain) {
      output.write(stage + "  " + Text() + "\n");
    } else {
      DrawBar();
    }
    shown_step = step;
    shown_at_seconds = updated_at_seconds;
  }

  // The last column stays free: some terminals wrap when it is written.
  void DrawBar() {
    constexpr int kUsualColumns = 80;
    const int terminal_columns = output.columns();
    const int columns = (terminal_columns > 0 ? terminal_columns : kUsualColumns) - 1;
    const std::string text = Text();
    std::string line = stage + "  ";
    if (total_steps > 0) line += BarText(share(), columns - static_cast<int>(line.size() + text.size()));
    line += text;
    if (static_cast<int>(line.size()) > columns) line.resize(static_cast<size_t>(std::max(columns, 0)));
    output.write("\r" + line + "\x1b[K");
    bar_on_screen = true;
  }
};

ProgressLine::ProgressLine(ProgressMode mode, std::string stage, int64_t total_steps,
                           double plain_interval_seconds)
    : ProgressLine(mode, std::move(stage), total_steps, plain_interval_seconds,
                   ProgressOutput::StandardError()) {}

ProgressLine::ProgressLine(ProgressMode mode, std::string stage, int64_t total_steps,
                           double plain_interval_seconds, ProgressOutput output)
    : state_(std::make_unique<State>()) {
  if (mode == ProgressMode::kAuto) mode = output.columns() > 0 ? ProgressMode::kBar : ProgressMode::kPlain;
  state_->mode = mode;
  state_->stage = std::move(stage);
  state_->total_steps = total_steps;
  state_->plain_interval_seconds = plain_interval_seconds;
  state_->output = std::move(output);
  state_->updated_at_seconds = state_->output.now_seconds();
}

ProgressLine::~ProgressLine() {
  if (state_->bar_on_screen) state_->output.write("\n");
}

void ProgressLine::Update(int64_t step, int64_t epoch, double loss, int64_t targets) {
  if (state_->mode == ProgressMode::kNone) return;
  const double now_seconds = state_->output.now_seconds();
  const double elapsed_seconds = now_seconds - state_->updated_at_seconds;
  state_->targets_rate.Add(static_cast<double>(targets), elapsed_seconds);
  // The first update may stand anywhere after a resume: how many steps led to it is not known.
  if (state_->step >= 0) state_->steps_rate.Add(static_cast<double>(step - state_->step), elapsed_seconds);
  state_->step = step;
  state_->epoch = epoch;
  state_->loss = loss;
  state_->updated_at_seconds = now_seconds;
  if (state_->DueNow()) state_->Show();
}

void ProgressLine::Note(const std::string& text) {
  if (state_->mode == ProgressMode::kNone) return;
  if (!state_->bar_on_screen) {
    state_->output.write(text + "\n");
    return;
  }
  state_->output.write("\r\x1b[K" + text + "\n");
  state_->DrawBar();
}

void ProgressLine::Finish() {
  if (state_->mode == ProgressMode::kNone || state_->step < 0) return;
  if (state_->shown_step != state_->step) state_->Show();
  if (state_->bar_on_screen) state_->output.write("\n");
  state_->bar_on_screen = false;
}

}  // namespace ppr::train
