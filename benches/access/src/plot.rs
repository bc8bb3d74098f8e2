//! The plot, as SVG: times on a logarithmic scale.

use std::fmt::Write as _;

use crate::Fault;
use crate::findings::{Cell, Findings};
use crate::report::number;

const WIDTH: u32 = 860;
const LEFT: u32 = 220;
const RIGHT: u32 = 90;

/// From a nanosecond to ten milliseconds: this many powers of ten.
const DECADES: u32 = 7;

/// Two panels: a static check, and one with a condition.
pub(crate) fn svg(found: &Findings) -> Result<String, Fault> {
    let (mut body, mut top) = (String::new(), 30);
    let panels = [
        ("static check", "A static check: nanoseconds, each step ten times as long"),
        ("conditional check", "With a condition on a document"),
        ("static check, 500 roles", "A static check, 500 roles instead of 5"),
    ];
    for (name, title) in panels {
        if let Some(cell) = found.cell(name) {
            panel(&mut body, &mut top, title, cell)?;
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" height=\"{top}\" \
         role=\"img\" aria-label=\"Time of one decision, by who decides, on a logarithmic scale\"><style>{STYLE}</style>\
         <rect width=\"100%\" height=\"100%\" class=\"paper\"/>{body}</svg>\n"
    ))
}

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}\
    .small{font-size:11px;fill:#777}.paper{fill:#fff}.ours{fill:#1f6f8b}.theirs{fill:#b8bfc6}.line{stroke:#e3e6e9}\
    .number{font-variant-numeric:tabular-nums}";

fn panel(body: &mut String, top: &mut u32, title: &str, cell: &Cell) -> Result<(), Fault> {
    let shown: Vec<_> = cell.measured.iter().filter(|measured| measured.way != "the loop alone").collect();
    write!(body, "<text x=\"24\" y=\"{top}\" class=\"title\">{title}</text>")?;
    *top += 26;
    let bottom = *top + 28 * u32::try_from(shown.len())? - 6;
    for decade in 0..=DECADES {
        let (at, label) = (across(10_f64.powi(i32::try_from(decade)?)), LABELS[usize::try_from(decade)?]);
        write!(
            body,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\" class=\"line\"/>\
             <text x=\"{at:.1}\" y=\"{}\" class=\"small\" text-anchor=\"middle\">{label}</text>",
            bottom + 14
        )?;
    }
    for measured in shown {
        let end = across(measured.nanos);
        let (line, class) = (*top + 15, if measured.way == "tenantry" { "ours" } else { "theirs" });
        write!(
            body,
            "<text x=\"{}\" y=\"{line}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"20\" rx=\"2\" class=\"{class}\"/>\
             <text x=\"{:.1}\" y=\"{line}\" class=\"number\">{}</text>",
            LEFT - 12,
            measured.way,
            (end - f64::from(LEFT)).max(1.0),
            end + 8.0,
            number(measured.nanos)
        )?;
        *top += 28;
    }
    *top = bottom + 50;
    Ok(())
}

const LABELS: [&str; DECADES as usize + 1] = ["1 ns", "10", "100", "1 µs", "10", "100", "1 ms", "10"];

/// Where a time ends.
fn across(nanos: f64) -> f64 {
    let room = f64::from(WIDTH - LEFT - RIGHT);
    f64::from(LEFT) + room * nanos.log10().clamp(0.0, f64::from(DECADES)) / f64::from(DECADES)
}
