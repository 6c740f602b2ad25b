#include "evaluation/html_page.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <map>

namespace swipegym {
namespace {

constexpr const char* kStyle = R"(<style>
:root{--ink:#1d2330;--soft:#667085;--line:#e3e7ee;--page:#fbfcfe;--card:#fff;--c0:#3b6fd4;--c1:#e08a3c;--c2:#4a9d6e;--c3:#9a63c4;--c4:#b9475a;--c5:#3a9aa8;--c6:#8a7a3c;--c7:#7d8597}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaf0;--soft:#98a2b3;--line:#2c3444;--page:#12161f;--card:#1a202c;--c0:#7aa2f7;--c1:#f0a868;--c2:#7cc79a;--c3:#bf94e4;--c4:#e8818f;--c5:#6cc5d1;--c6:#c2b26a;--c7:#a9b1c0}}
body{margin:0 auto;padding:2rem 1.2rem 3rem;max-width:1120px;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}.lead,small,footer{color:var(--soft)}
.key span{display:inline-flex;align-items:center;gap:.4rem;margin-right:1.2rem}.key i{width:.9rem;height:.9rem;border-radius:3px}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:1rem}
figure{margin:0;padding:1rem 1rem .6rem;background:var(--card);border:1px solid var(--line);border-radius:10px}
figcaption{font-weight:600;margin-bottom:.5rem}svg{width:100%;height:auto;display:block}
svg text{fill:var(--ink);font-size:12px}svg .l,svg .v{text-anchor:end}svg .t{fill:var(--soft);text-anchor:middle;font-size:11px}
svg .grid{stroke:var(--line);fill:none}svg .ci{stroke:var(--ink);stroke-width:1.4;fill:none;opacity:.75}
.s0{fill:var(--c0);background:var(--c0)}.s1{fill:var(--c1);background:var(--c1)}.s2{fill:var(--c2);background:var(--c2)}.s3{fill:var(--c3);background:var(--c3)}.s4{fill:var(--c4);background:var(--c4)}.s5{fill:var(--c5);background:var(--c5)}.s6{fill:var(--c6);background:var(--c6)}.s7{fill:var(--c7);background:var(--c7)}
svg .c{fill:none;background:none;stroke-width:1.8}svg .dash{stroke-dasharray:6 4}.c.s0{stroke:var(--c0)}.c.s1{stroke:var(--c1)}.c.s2{stroke:var(--c2)}.c.s3{stroke:var(--c3)}.c.s4{stroke:var(--c4)}.c.s5{stroke:var(--c5)}.c.s6{stroke:var(--c6)}.c.s7{stroke:var(--c7)}
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{border-collapse:collapse;font-size:.82rem;font-variant-numeric:tabular-nums}th,td{padding:.4rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{font-weight:600;white-space:normal;min-width:5.5rem;vertical-align:bottom}tbody th{text-align:left;position:sticky;left:0;background:var(--card)}
footer{margin-top:2rem;font-size:.85rem}footer li{overflow-wrap:anywhere}
</style>)";

}  // namespace

std::string html_escape(std::string_view text) {
  static const std::map<char, std::string> kNamed = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
  std::string out;
  for (const char c : text) {
    const auto named = kNamed.find(c);
    out += named == kNamed.end() ? std::string(1, c) : named->second;
  }
  return out;
}

std::string html_head(const std::string& title) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>{0}</title>\n{1}</head><body>\n<h1>{0}</h1>\n",
      html_escape(title), kStyle);
}

std::string html_foot(const std::vector<std::string>& notes) {
  std::string html = "<footer><ul>\n";
  for (const std::string& note : notes) fmt::format_to(std::back_inserter(html), "<li>{}</li>\n", html_escape(note));
  return html + "</ul></footer>\n</body></html>\n";
}

double html_tick_step(double span) {
  const double raw = span / 4.0, power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double step : {1.0, 2.0, 5.0})
    if (step * power >= raw) return step * power;
  return 10.0 * power;
}

}  // namespace swipegym
