// The page: well-formed, self-contained, small, and readable by those who do not see it.
#include "report/html.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "base/errors.h"
#include "base/text_format.h"
#include "page_check.h"
#include "report/html_text.h"

namespace ppr::report {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr const char* kNasty = "</title><script>alert(\"1\" & '2')</script>\n\x01";

Table SampleTable(int rows, int columns) {
  Table table{.caption = "Table 3: few-shot & CIKM", .corner = "model", .note = "* p < 0.05"};
  for (int c = 0; c < columns; ++c) table.columns.push_back(Format("NDCG@%d", c));
  for (int r = 0; r < rows; ++r) {
    table.rows.push_back({.head = Format("PPR(full), k = %d", r)});
    for (int c = 0; c < columns; ++c) table.rows.back().cells.push_back({"0.1234 ± 0.0012 ▲***", r == c});
  }
  return table;
}

BarFigure SampleFigure() {
  return {.caption = "Figure 4",
          .quantity = "improvement, %",
          .groups = {"k = 1", "k = 5"},
          .series = {{"PPR(light)", {-12.5, std::nullopt}}, {"PPR(full)", {25.0, 0.25}}},
          .decimals = 2};
}

Report SampleReport() {
  return {.title = "All tables",
          .sections = {{.heading = "Few-shot", .paragraphs = {"One.", "Two."}, .tables = {SampleTable(3, 2)}},
                       {.heading = "Sparsity", .figures = {SampleFigure(), SampleFigure()}}}};
}

TEST(Html, IsWellFormed) {
  const Page page = ReadPage(ReportHtml(SampleReport()));
  EXPECT_THAT(page.problems, IsEmpty());
  EXPECT_THAT(page.Named("table"), SizeIs(1));
  EXPECT_THAT(page.Named("svg"), SizeIs(2));
  EXPECT_THAT(page.Named("p"), SizeIs(3));  // two paragraphs, one note
  EXPECT_EQ(page.Named("h1").at(0).text, "All tables");
  EXPECT_EQ(page.Named("html").at(0).attributes.at("lang"), "en");
}

// What scrolls is reached from the keyboard, and named apart where captions repeat.
TEST(Html, FramesAreNamedBySectionAndCaption) {
  Report report = SampleReport();
  report.sections[1].tables = {SampleTable(1, 1)};
  std::set<std::string> names;
  const Page page = ReadPage(ReportHtml(report));
  int frames = 0;
  for (const auto& frame : page.Named("div")) {
    ++frames;
    EXPECT_EQ(frame.attributes.at("tabindex"), "0");
    names.insert(frame.attributes.at("aria-labelledby"));
  }
  EXPECT_EQ(frames, 4);  // two tables, two figures
  EXPECT_EQ(names,
            (std::set<std::string>{"section-1-heading table-1-caption", "section-2-heading table-2-caption",
                                   "section-2-heading figure-1-title", "section-2-heading figure-2-title"}));
  EXPECT_EQ(page.Named("h2").at(1).attributes.at("id"), "section-2-heading");
  EXPECT_EQ(page.Named("caption").at(1).attributes.at("id"), "table-2-caption");
}

TEST(Html, TheCheckerFindsWhatIsMalformed) {
  const std::string head = "<!DOCTYPE html>\n";
  EXPECT_THAT(ReadPage(head + "<p>a &amp; b</p>").problems, IsEmpty());
  for (const char* wrong : {"<p>", "</p>", "<b><i></b></i>", "<p>a & b</p>", "<p>a > b</p>", "<p a=b></p>",
                            "<p", "<p a=\"1\" a=\"2\"></p>", "<p a=\"x & y\"></p>"}) {
    EXPECT_THAT(ReadPage(head + wrong).problems, Not(IsEmpty())) << wrong;
  }
}

TEST(Html, TextIsEscapedWhereverItStands) {
  Table table{.caption = kNasty,
              .corner = kNasty,
              .columns = {kNasty},
              .rows = {{kNasty, {{kNasty}}}},
              .note = kNasty};
  const BarFigure figure{kNasty, kNasty, {kNasty}, {{kNasty, {1.0}}}};
  const ReportSection section{kNasty, {kNasty}, {table}, {figure}};
  const std::string html =
      ReportHtml({.title = kNasty, .language = "\"><b>", .sections = {section, section}});
  const Page page = ReadPage(html);
  EXPECT_THAT(page.problems, IsEmpty());
  EXPECT_THAT(page.Named("script"), IsEmpty());
  EXPECT_THAT(page.Named("b"), IsEmpty());
  EXPECT_THAT(html, Not(HasSubstr("\x01")));
  EXPECT_EQ(HtmlEscaped("a<b>&\"'\n\x02ü"), "a&lt;b&gt;&amp;&quot;&#39; \uFFFDü");
}

TEST(Html, AsksNothingOfTheNetwork) {
  const std::string html = ReportHtml(SampleReport());
  EXPECT_THAT(html, HasSubstr("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
  for (const char* way_out : {"://", "url(", "@import", " src=", "<link", "<script"}) {
    EXPECT_THAT(html, Not(HasSubstr(way_out)));
  }
  for (const Element& link : ReadPage(html).Named("a"))
    EXPECT_THAT(link.attributes.at("href"), StartsWith("#"));
}

TEST(Html, FollowsTheReadersColourScheme) {
  const std::string html = ReportHtml(SampleReport());
  EXPECT_THAT(html, HasSubstr("color-scheme: light dark"));
  EXPECT_THAT(html, HasSubstr("@media (prefers-color-scheme: dark)"));
}

TEST(Html, TablesHaveCaptionsAndScopes) {
  const Page page = ReadPage(ReportHtml(SampleReport()));
  for (const Element& table : page.Named("table")) EXPECT_EQ(table.children.at(0), "caption");
  EXPECT_EQ(page.Named("caption").at(0).text, "Table 3: few-shot &amp; CIKM");
  int columns = 0, rows = 0;
  for (const Element& head : page.Named("th")) {
    columns += head.attributes.at("scope") == "col";
    rows += head.attributes.at("scope") == "row";
  }
  EXPECT_EQ(columns, 3);
  EXPECT_EQ(rows, 3);
  EXPECT_THAT(page.Named("strong"), SizeIs(2));
}

TEST(Html, FiguresSayInTextWhatTheyShow) {
  const Page page = ReadPage(ReportHtml(SampleReport()));
  std::set<std::string> ids;
  for (const Element& element : page.elements) {
    const auto id = element.attributes.find("id");
    if (id == element.attributes.end()) continue;
    EXPECT_TRUE(ids.insert(id->second).second) << id->second;
  }
  for (const Element& svg : page.Named("svg")) {
    EXPECT_EQ(svg.attributes.at("role"), "img");
    EXPECT_THAT(svg.children, Contains("title"));
    EXPECT_THAT(svg.children, Contains("desc"));
    const std::string& labels = svg.attributes.at("aria-labelledby");
    EXPECT_TRUE(ids.contains(labels.substr(0, labels.find(' '))));
    EXPECT_TRUE(ids.contains(labels.substr(labels.find(' ') + 1)));
  }
  EXPECT_EQ(page.Named("desc").at(0).text,
            "Bars of improvement, %. k = 1: PPR(light) -12.50, PPR(full) 25.00. k = 5: PPR(light) no result, "
            "PPR(full) 0.25.");
}

TEST(Html, BarsStartAtZeroAndAreAsLongAsTheirValues) {
  const Page page = ReadPage(BarFigureHtml(SampleFigure(), 1));
  const std::vector<Element> bars = page.Named("rect");
  const double zero = std::stod(page.Named("line").at(0).attributes.at("x1"));
  ASSERT_THAT(bars, SizeIs(3));  // -12.5, 25, 0.25
  const auto left = [&](size_t bar) { return std::stod(bars[bar].attributes.at("x")); };
  const auto width = [&](size_t bar) { return std::stod(bars[bar].attributes.at("width")); };
  constexpr double kRounding = 0.11;  // coordinates have one decimal, and two of them are added
  EXPECT_NEAR(left(0) + width(0), zero, kRounding);
  EXPECT_NEAR(left(1), zero, kRounding);
  EXPECT_NEAR(width(1), 2 * width(0), kRounding * 2);
  EXPECT_NEAR(width(2), width(1) / 100, kRounding);
}

TEST(Html, FiguresThatCannotBeDrawnAreRefused) {
  BarFigure figure = SampleFigure();
  figure.series[0].values[0] = std::nan("");
  EXPECT_THAT([&] { BarFigureHtml(figure, 1); }, ThrowsMessage<DataError>(HasSubstr("PPR(light)")));
  figure.series[0].values.pop_back();
  EXPECT_THROW(BarFigureHtml(figure, 1), BugError);
  Table table = SampleTable(2, 2);
  table.rows[1].cells.pop_back();
  EXPECT_THROW(ReportHtml({.title = "t", .sections = {{.heading = "h", .tables = {table}}}}), BugError);
}

TEST(Html, TwoHundredTablesStayUnderOneMegabyte) {
  Report report{.title = "All"};
  for (int i = 0; i < 200; ++i) {
    report.sections.push_back(
        {.heading = "Section", .tables = {SampleTable(8, 9)}, .figures = {SampleFigure()}});
  }
  const std::string html = ReportHtml(report);
  EXPECT_LE(html.size(), kMaxReportBytes);
  const Page page = ReadPage(html);
  EXPECT_THAT(page.problems, IsEmpty());
  EXPECT_THAT(page.Named("caption"), SizeIs(200));
  EXPECT_THAT(page.Named("desc"), SizeIs(200));
}

TEST(Html, LargerReportsAreRefused) {
  Report report{.title = "All",
                .sections = {{.heading = "h", .paragraphs = {std::string(kMaxReportBytes, 'x')}}}};
  EXPECT_THAT([&] { ReportHtml(report); }, ThrowsMessage<DataError>(HasSubstr("at most 1,000,000 bytes")));
}

}  // namespace
}  // namespace ppr::report
