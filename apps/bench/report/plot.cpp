// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "report/report.hpp"

namespace galena::bench {

namespace {

constexpr double margin = 24;
constexpr double column_width = 650;
constexpr double column_gap = 40;
constexpr double label_width = 130;
constexpr double bar_width = 300;
constexpr double value_right = label_width + bar_width + 78;
constexpr double second_right = value_right + 76;
constexpr double row_height = 18;
constexpr double bar_height = 11;
constexpr double title_height = 38;
constexpr double group_gap = 16;
constexpr double heading_height = 112;
constexpr double axis_height = 44;
/// More than this in one column would be a strip that nobody prints.
constexpr std::size_t most_in_one_column = 9;

constexpr const char* style = R"(<style>
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 11px; fill: #24292f; }
  .paper { fill: #ffffff; }
  .head { font-size: 19px; font-weight: 600; }
  .title { font-size: 12.5px; font-weight: 600; }
  .quiet { fill: #656d76; }
  .grid { stroke: #d8dee4; stroke-width: 1; }
  .whisker { stroke: #24292f; stroke-width: 1.2; }
  .galena { fill: #0a7f64; }
  .libzmq { fill: #d0761b; }
  .plain { fill: #6e7781; }
  .broker { fill: #9a4fb5; }
  .variant { fill: #4c8fd6; }
  .tail { opacity: 0.35; }
  .met { stroke: #1a7f37; stroke-width: 2.5; }
  .missed { stroke: #cf222e; stroke-width: 2.5; }
  .good { fill: #1a7f37; }
  .bad { fill: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .paper { fill: #0d1117; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #2b323b; }
    .whisker { stroke: #e6edf3; }
    .galena { fill: #2ebd97; }
    .libzmq { fill: #e59a4a; }
    .plain { fill: #8b949e; }
    .broker { fill: #c07fd6; }
    .variant { fill: #6cacf0; }
    .met { stroke: #3fb950; }
    .missed { stroke: #f85149; }
    .good { fill: #3fb950; }
    .bad { fill: #f85149; }
  }
</style>
)";

std::string escape_xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// How its bar is coloured.
const char* class_of(const std::string& lane) {
  if (lane == "galena") return "galena";
  if (lane == "raw" || lane == "pubsub") return "libzmq";
  if (lane == "tcp") return "plain";
  if (lane == "nats" || lane == "redis") return "broker";
  return "variant";
}

/// Elements, one after the other.
class Canvas {
 public:
  void text(double x, double y, const char* kind, const std::string& content, const char* anchor = "start") {
    fmt::format_to(out(), "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, kind,
                   anchor, escape_xml(content));
  }
  void bar(double x, double y, double width, double height, const std::string& kind) {
    fmt::format_to(out(),
                   "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"1.5\" class=\"{}\"/>\n", x,
                   y, std::max(width, 1.0), height, kind);
  }
  void line(double x1, double y1, double x2, double y2, const char* kind) {
    fmt::format_to(out(), "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2,
                   y2, kind);
  }
  const std::string& elements() const { return elements_; }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(elements_); }

  std::string elements_;
};

bool is_drawn(Quantity quantity) {
  return quantity == Quantity::rate || quantity == Quantity::p50 || quantity == Quantity::p99 ||
         quantity == Quantity::rss_mib;
}

/// Where on the first lane's bar a target is, in the quantity's unit.
double place_of(const WorkloadResult& result, const Verdict& verdict) {
  if (verdict.target.against.empty()) return verdict.target.bound;
  const double ours = result.lanes.front().median(verdict.target.quantity);
  return verdict.value > 0 ? ours / verdict.value * verdict.target.bound : 0;
}

/// What the whole width of a group's bars stands for.
double scale_of(const WorkloadResult& result) {
  double most = 0;
  for (const LaneResult& lane : result.lanes) {
    most = std::max({most, lane.most(result.main()), lane.median(Quantity::p99)});
  }
  for (const Verdict& verdict : result.verdicts()) {
    if (is_drawn(verdict.target.quantity)) most = std::max(most, place_of(result, verdict));
  }
  return most > 0 ? most : 1;
}

/// The numbers beside a bar, in two columns.
std::pair<std::string, std::string> value_texts(const WorkloadResult& result, const LaneResult& lane) {
  const double value = lane.median(result.main());
  switch (result.about.kind) {
    case WorkloadKind::throughput:
      return {short_number(value) + "/s", short_number(value * static_cast<double>(lane.lane.shape.bytes)) + "B/s"};
    case WorkloadKind::latency:
      return {fmt::format("{:.0f} µs", value), fmt::format("{:.0f} µs", lane.median(Quantity::p99))};
    case WorkloadKind::idle:
      break;
  }
  return {fmt::format("{:.1f} MiB", value), fmt::format("{:.2f} % CPU", lane.median(Quantity::core_percent))};
}

double height_of(const WorkloadResult& result) {
  return title_height + row_height * static_cast<double>(result.lanes.size()) + group_gap;
}

void draw_row(Canvas& canvas, const WorkloadResult& result, const LaneResult& lane, double x, double y, double scale) {
  const double bar_x = x + label_width;
  const double top = y + (row_height - bar_height) / 2;
  const auto width = [&](double value) { return bar_width * value / scale; };
  const char* kind = class_of(lane.lane.name);
  canvas.text(bar_x - 8, y + 13, "", lane_title(lane.lane.name), "end");
  const double length = width(lane.median(result.main()));
  if (result.about.kind == WorkloadKind::latency) {
    canvas.bar(bar_x, top, width(lane.median(Quantity::p99)), bar_height, std::string(kind) + " tail");
    canvas.bar(bar_x, top, length, bar_height, kind);
  } else {
    canvas.bar(bar_x, top, length, bar_height, kind);
    const double middle = top + bar_height / 2;
    if (lane.rounds.size() > 1) {
      canvas.line(bar_x + width(lane.least(result.main())), middle, bar_x + width(lane.most(result.main())), middle,
                  "whisker");
    }
  }
  const auto [value, second] = value_texts(result, lane);
  canvas.text(x + value_right, y + 13, "", value, "end");
  canvas.text(x + second_right, y + 13, "quiet", second, "end");
  if (&lane != &result.lanes.front()) {
    canvas.text(x + column_width, y + 13, "", fmt::format("{:.2f} x", result.ratio_to(lane)), "end");
    return;
  }
  for (const Verdict& verdict : result.verdicts()) {
    if (!is_drawn(verdict.target.quantity)) continue;
    const double at = bar_x + width(place_of(result, verdict));
    canvas.line(at, top - 3, at, top + bar_height + 3, verdict.met ? "met" : "missed");
  }
}

void draw_group(Canvas& canvas, const WorkloadResult& result, double x, double y) {
  canvas.text(x, y + 13, "title", workload_title(result.about));
  canvas.text(x, y + 29, "quiet", result.about.about);
  const std::vector<Verdict> verdicts = result.verdicts();
  const auto met = std::count_if(verdicts.begin(), verdicts.end(), [](const Verdict& one) { return one.met; });
  if (!verdicts.empty()) {
    const bool all = static_cast<std::size_t>(met) == verdicts.size();
    canvas.text(x + column_width, y + 13, all ? "good" : "bad",
                fmt::format("{} of {} target{} met", met, verdicts.size(), verdicts.size() == 1 ? "" : "s"), "end");
  }
  y += title_height;
  const double bottom = y + row_height * static_cast<double>(result.lanes.size());
  for (int quarter = 0; quarter <= 4; ++quarter) {
    const double at = x + label_width + bar_width * quarter / 4;
    canvas.line(at, y, at, bottom, "grid");
  }
  const double scale = scale_of(result);
  for (const LaneResult& lane : result.lanes) {
    draw_row(canvas, result, lane, x, y, scale);
    y += row_height;
  }
}

void draw_axis(Canvas& canvas, double x, double y) {
  for (int quarter = 0; quarter <= 4; ++quarter) {
    canvas.text(x + label_width + bar_width * quarter / 4, y + 12, "quiet", fmt::format("{} %", quarter * 25),
                "middle");
  }
  canvas.text(x + label_width + bar_width / 2, y + 28, "quiet", "of the highest number of the workload", "middle");
}

void draw_legend(Canvas& canvas, double x, double y) {
  constexpr std::pair<const char*, const char*> entries[] = {{"galena", "Galena"},
                                                             {"variant", "Galena, done otherwise"},
                                                             {"libzmq", "libzmq alone"},
                                                             {"plain", "a plain stream"},
                                                             {"broker", "a broker"}};
  for (const auto& [kind, text] : entries) {
    canvas.bar(x, y - 9, 11, 11, kind);
    canvas.text(x + 16, y, "", text);
    x += 34 + 6.2 * static_cast<double>(std::string_view(text).size());
  }
}

}  // namespace

std::string to_svg(const std::vector<WorkloadResult>& results) {
  double total = 0;
  for (const WorkloadResult& result : results) total += height_of(result);
  const std::size_t columns = results.size() > most_in_one_column ? 2 : 1;
  const double limit = total / static_cast<double>(columns);

  Canvas canvas;
  canvas.text(margin, margin + 18, "head", "galena bench");
  canvas.text(margin, margin + 38, "quiet",
              "Events a second: longer is better. Latency (dark p50, pale p99) and memory: shorter is better.");
  canvas.text(margin, margin + 54, "quiet",
              "Bars are medians, thin lines go from the least to the most of all rounds, upright marks are targets.");
  canvas.text(margin, margin + 70, "quiet", "The last number is how many times Galena's is that of the row.");
  draw_legend(canvas, margin, margin + 92);

  double x = margin;
  double y = margin + heading_height;
  double lowest = y;
  double used = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    draw_group(canvas, results[i], x, y);
    y += height_of(results[i]);
    used += height_of(results[i]);
    lowest = std::max(lowest, y);
    const bool column_ends = i + 1 == results.size() || (x == margin && used >= limit);
    if (!column_ends) continue;
    draw_axis(canvas, x, y - group_gap + 4);
    x += column_width + column_gap;
    y = margin + heading_height;
  }

  const double width =
      2 * margin + static_cast<double>(columns) * column_width + static_cast<double>(columns - 1) * column_gap;
  const double height = lowest + axis_height + margin;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\" role=\"img\" aria-label=\"Results of galena bench\">\n",
             width, height) +
         style + fmt::format("<rect class=\"paper\" width=\"{:.0f}\" height=\"{:.0f}\"/>\n", width, height) +
         canvas.elements() + "</svg>\n";
}

}  // namespace galena::bench
