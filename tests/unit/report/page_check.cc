#include "page_check.h"

#include <algorithm>
#include <regex>
#include <set>

namespace ppr::report {
namespace {

class PageReader {
 public:
  explicit PageReader(const std::string& html) : html_(html) {}

  Page Read() {
    const std::string doctype = "<!DOCTYPE html>\n";
    if (!html_.starts_with(doctype)) Problem("no doctype");
    at_ = doctype.size();
    while (at_ < html_.size()) html_[at_] == '<' ? ReadTag() : ReadText();
    for (const size_t open : open_) Problem("<" + page_.elements[open].name + "> is not closed");
    return std::move(page_);
  }

 private:
  void Problem(const std::string& what) { page_.problems.push_back(what + ", byte " + std::to_string(at_)); }

  void ReadText() {
    const size_t end = std::min(html_.find('<', at_), html_.size());
    const std::string text = html_.substr(at_, end - at_);
    const bool is_style = !open_.empty() && page_.elements[open_.back()].name == "style";
    if (!is_style) CheckText(text);
    if (!open_.empty()) page_.elements[open_.back()].text += text;
    at_ = end;
  }

  void CheckText(const std::string& text) {
    static const std::regex escape("&(amp|lt|gt|quot|#39);");
    if (std::regex_replace(text, escape, "").find_first_of("&>") != std::string::npos) {
      Problem("unescaped text '" + text + "'");
    }
  }

  void ReadTag() {
    const size_t end = html_.find('>', at_);
    if (end == std::string::npos) {
      Problem("a tag without end");
      at_ = html_.size();
      return;
    }
    const std::string tag = html_.substr(at_ + 1, end - at_ - 1);
    tag.starts_with('/') ? Close(tag.substr(1)) : Open(tag);
    at_ = end + 1;
  }

  void Close(const std::string& name) {
    if (open_.empty() || page_.elements[open_.back()].name != name) {
      Problem("</" + name + "> closes nothing");
      return;
    }
    open_.pop_back();
  }

  void Open(const std::string& tag) {
    Element element{.name = tag.substr(0, tag.find(' '))};
    static const std::regex form("[a-z][a-z0-9]*( [a-zA-Z0-9-]+=\"[^\"<]*\")*");
    static const std::regex attribute(" ([a-zA-Z0-9-]+)=\"([^\"]*)\"");
    if (!std::regex_match(tag, form)) Problem("malformed tag <" + tag + ">");
    for (std::sregex_iterator match(tag.begin(), tag.end(), attribute), end; match != end; ++match) {
      CheckText((*match)[2]);
      if (!element.attributes.emplace((*match)[1], (*match)[2]).second)
        Problem("an attribute twice in <" + tag + ">");
    }
    if (!open_.empty()) page_.elements[open_.back()].children.push_back(element.name);
    static const std::set<std::string> void_elements = {"meta", "br", "link", "img"};
    if (!void_elements.contains(element.name)) open_.push_back(page_.elements.size());
    page_.elements.push_back(std::move(element));
  }

  const std::string& html_;
  size_t at_ = 0;
  Page page_;
  std::vector<size_t> open_;  // places in page_.elements, outermost first
};

}  // namespace

std::vector<Element> Page::Named(const std::string& name) const {
  std::vector<Element> named;
  std::copy_if(elements.begin(), elements.end(), std::back_inserter(named),
               [&](const Element& element) { return element.name == name; });
  return named;
}

Page ReadPage(const std::string& html) { return PageReader(html).Read(); }

}  // namespace ppr::report
