// Groups of horizontal bars as an inline SVG with a text alternative that states every number.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ppr::report {

struct BarSeries {
  std::string name;                           // "PPR(full)"
  std::vector<std::optional<double>> values;  // one per group; none where there is no result
};

// Bars start at zero, to the left for negative values, so that their lengths compare.
struct BarFigure {
  std::string caption;
  std::string quantity;             // what the bars measure, with its unit: "improvement over fine-tuning, %"
  std::vector<std::string> groups;  // "k = 5"
  std::vector<BarSeries> series;
  int decimals = 4;
};

// <figure> with the SVG and the caption. `number` (from 1) makes its ids unique in the page. The colours are
// the classes series-0 to series-5 of the page's style. A series with another number of values than there are
// groups is a BugError, a value that is not finite a DataError.
std::string BarFigureHtml(const BarFigure& figure, int number);

}  // namespace ppr::report
