//! The plot, as SVG.

use std::fmt::Write as _;

use super::findings::Findings;
use super::pairs::Measured;
use super::question::{Question, Spread};
use super::way::{
    AUTOCOMMIT, ONE_STATEMENT, ONE_STRING, PEER_BEGIN, PEER_HOOKS, POOL, SEALED, TENANTRY, TX_DROPPED, Way,
};

const WIDTH: u32 = 860;
const LEFT: u32 = 250;
const RIGHT: u32 = 90;
const BAR: u32 = 22;
const STEP: u32 = 30;

/// What is drawn, from the reader's point of view: what there is without the library, the library, its peer, and what
/// was only tried.
const DRAWN: [Way; 9] =
    [AUTOCOMMIT, TX_DROPPED, POOL, TENANTRY, SEALED, PEER_BEGIN, PEER_HOOKS, ONE_STRING, ONE_STATEMENT];

/// Two panels: one read, and how it grows with the number of tenants.
pub(crate) fn svg(found: &Findings) -> String {
    let mut body = String::new();
    let mut top = 64;
    if let Some(read) = found.close.iter().find(|measured| measured.cell.question == Question::Read) {
        bars(&mut body, &mut top, read);
    }
    top += 46;
    let _ = write!(
        body,
        "<text x=\"24\" y=\"{top}\" class=\"title\">The same by number of tenants (µs, a random one each time)</text>"
    );
    top += 22;
    for way in [POOL, TX_DROPPED, TENANTRY, SEALED] {
        growth(&mut body, &mut top, way, found);
    }
    let height = top + 16;
    let (head, style) = (title(found), STYLE);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{head}\"><style>{style}</style>\
         <rect width=\"100%\" height=\"100%\" class=\"paper\"/>\
         <text x=\"24\" y=\"30\" class=\"title\">{head}</text>{body}</svg>\n"
    )
}

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}\
    .small{font-size:12px;fill:#555}.paper{fill:#fff}.ours{fill:#1f6f8b}.theirs{fill:#b8bfc6}.tried{fill:#e6d5a8}\
    .number{font-variant-numeric:tabular-nums}";

fn title(found: &Findings) -> String {
    format!("One row by its key, among {} tenants: microseconds until it is answered (median)", found.most())
}

#[expect(clippy::float_arithmetic, reason = "a drawing, not money")]
fn bars(body: &mut String, top: &mut u32, read: &Measured) {
    let drawn: Vec<_> = DRAWN.iter().filter_map(|way| Some((*way, read.median(*way)?))).collect();
    let longest = drawn.iter().map(|(_, took)| *took).fold(1.0, f64::max);
    let room = f64::from(WIDTH - LEFT - RIGHT);
    for (way, took) in drawn {
        let (width, micros) = (room * took / longest, took / 1_000.0);
        let class = if way.is_ours() {
            "ours"
        } else if matches!(way, ONE_STRING | ONE_STATEMENT) {
            "tried"
        } else {
            "theirs"
        };
        let (name, bar, line) = (way.name(), *top - 16, *top);
        let (label, end) = (LEFT - 12, f64::from(LEFT) + width + 8.0);
        let _ = write!(
            body,
            "<text x=\"{label}\" y=\"{line}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{bar}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\" class=\"{class}\"/>\
             <text x=\"{end:.1}\" y=\"{line}\" class=\"number\">{micros:.0}</text>"
        );
        *top += STEP;
    }
}

#[expect(clippy::float_arithmetic, reason = "a drawing, not money")]
fn growth(body: &mut String, top: &mut u32, way: Way, found: &Findings) {
    let (label, name, line) = (LEFT - 12, way.name(), *top);
    let _ = write!(body, "<text x=\"{label}\" y=\"{line}\" text-anchor=\"end\">{name}</text>");
    let mut left = LEFT;
    for measured in &found.cells {
        let cell = measured.cell;
        let is_drawn = cell.question == Question::Read
            && cell.at_once == 1
            && (cell.spread == Spread::Random || cell.tenants == 1);
        let Some(took) = measured.median(way).filter(|_| is_drawn) else { continue };
        let (micros, tenants) = (took / 1_000.0, cell.tenants);
        let _ = write!(
            body,
            "<text x=\"{left}\" y=\"{line}\" class=\"number\">{micros:.0}<tspan class=\"small\"> among {tenants}\
             </tspan></text>"
        );
        left += 170;
    }
    *top += 22;
}
