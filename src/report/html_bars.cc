#include "report/html_bars.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/text_format.h"
#include "report/html_text.h"

namespace ppr::report {
namespace {

// In the SVG's own units: the page scales it.
constexpr int kWidth = 760, kLabelWidth = 240, kNumberWidth = 90, kBarHeight = 18, kGroupHeight = 28;
constexpr size_t kLongestLabel = 34;  // characters of 13 units that fit the label's column
constexpr size_t kColours = 6;

// Where values are on the page.
struct Scale {
  double low = 0, high = 0;  // of all values, and 0

  double X(double value) const {
    // Numbers stand outside of their bars, on both sides when there are negative ones.
    const double left = kLabelWidth + (low < 0 ? kNumberWidth : 0), right = kWidth - kNumberWidth;
    return high > low ? left + (value - low) / (high - low) * (right - left) : left;
  }
};

Scale ScaleOf(const BarFigure& figure) {
  Scale scale;
  for (const BarSeries& series : figure.series) {
    PPR_BUG_IF_NOT(series.values.size() == figure.groups.size(),
                   "figure '" + figure.caption + "', series '" + series.name + "': expected " +
                       std::to_string(figure.groups.size()) + " values, found " +
                       std::to_string(series.values.size()));
    for (const std::optional<double>& value : series.values) {
      if (!value) continue;
      if (!std::isfinite(*value)) {
        throw DataError("figure '" + figure.caption + "', series '" + series.name +
                        "': expected finite values, found " + std::to_string(*value));
      }
      scale.low = std::min(scale.low, *value);
      scale.high = std::max(scale.high, *value);
    }
  }
  return scale;
}

std::string Printed(const BarFigure& figure, double value) { return Format("%.*f", figure.decimals, value); }

// At most kLongestLabel characters of UTF-8; the text alternative has the whole.
std::string Shortened(const std::string& text) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins_one = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins_one && ++characters > kLongestLabel) return text.substr(0, i) + "…";
  }
  return text;
}

std::string Description(const BarFigure& figure) {
  std::string text = "Bars of " + figure.quantity + ".";
  for (size_t g = 0; g < figure.groups.size(); ++g) {
    text += " " + figure.groups[g] + ":";
    for (size_t s = 0; s < figure.series.size(); ++s) {
      const std::optional<double>& value = figure.series[s].values[g];
      text += (s > 0 ? ", " : " ") + figure.series[s].name + " " +
              (value ? Printed(figure, *value) : "no result");
    }
    text += ".";
  }
  return text;
}

std::string Text(double x, double y, const std::string& attributes, const std::string& text) {
  return Format("<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes.c_str()) + HtmlEscaped(text) + "</text>\n";
}

std::string Bar(const BarFigure& figure, const Scale& scale, size_t s, size_t g, double top) {
  const BarSeries& series = figure.series[s];
  const std::optional<double>& value = series.values[g];
  const double baseline = top + kBarHeight - 5, zero = scale.X(0);
  std::string text = Text(kLabelWidth - 8, baseline, " text-anchor=\"end\"", Shortened(series.name));
  if (!value) return text + Text(zero + 4, baseline, "", "no result");
  const double end = scale.X(*value);
  text += Format("<rect class=\"series-%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"></rect>\n",
                 s % kColours, std::min(zero, end), top + 2, std::abs(end - zero), kBarHeight - 4);
  return text + (*value < 0 ? Text(end - 4, baseline, " text-anchor=\"end\"", Printed(figure, *value))
                            : Text(end + 4, baseline, "", Printed(figure, *value)));
}

}  // namespace

std::string BarFigureHtml(const BarFigure& figure, int number) {
  const Scale scale = ScaleOf(figure);
  const int group_height = kGroupHeight + kBarHeight * static_cast<int>(figure.series.size());
  const int height = group_height * static_cast<int>(figure.groups.size()) + 8;
  std::string text = Format(
      "<figure>\n<svg role=\"img\" viewBox=\"0 0 %d %d\" aria-labelledby=\"figure-%d-title "
      "figure-%d-text\">\n<title id=\"figure-%d-title\">",
      kWidth, height, number, number, number);
  text += HtmlEscaped(figure.caption) + Format("</title>\n<desc id=\"figure-%d-text\">", number) +
          HtmlEscaped(Description(figure)) + "</desc>\n";
  for (size_t g = 0; g < figure.groups.size(); ++g) {
    const int top = group_height * static_cast<int>(g);
    text += Text(0, top + kGroupHeight - 9, " class=\"group\"", figure.groups[g]);
    for (size_t s = 0; s < figure.series.size(); ++s) {
      text += Bar(figure, scale, s, g, top + kGroupHeight + kBarHeight * static_cast<int>(s));
    }
  }
  text += Format("<line class=\"zero\" x1=\"%.1f\" y1=\"0\" x2=\"%.1f\" y2=\"%d\"></line>\n</svg>\n",
                 scale.X(0), scale.X(0), height);
  return text + "<figcaption>" + HtmlEscaped(figure.caption) + " (" + HtmlEscaped(figure.quantity) +
         ")</figcaption>\n</figure>\n";
}

}  // namespace ppr::report
