// A small reader of our own pages: elements in order, with attributes and text, and everything that is
// malformed. It is stricter than a browser, which repairs in silence.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ppr::report {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<std::string> children;  // names, in order
  std::string text;                   // directly inside, escapes as they stand
};

struct Page {
  std::vector<Element> elements;      // in order of their start tags
  std::vector<std::string> problems;  // empty for a well-formed page

  std::vector<Element> Named(const std::string& name) const;
};

Page ReadPage(const std::string& html);

}  // namespace ppr::report
