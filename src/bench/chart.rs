//! The picture for the README: how much of the optimum each client reaches under a constant, unknown quota, and at what
//! price in 429s.

use std::fmt::Write;

use super::contest::Row;
use super::contestant::Contestant;

/// Who is drawn, in which colour (Okabe and Ito's palette, told apart by every kind of colour vision) and shape.
const MARKS: [(Contestant, &str, Shape); 6] = [
    (Contestant::Ours, "#0072b2", Shape::Dot),
    (Contestant::SdkAdaptive, "#d55e00", Shape::Square),
    (Contestant::Pacer, "#009e73", Shape::Diamond),
    (Contestant::Classic, "#cc79a7", Shape::Triangle),
    (Contestant::Gcra, "#e69f00", Shape::Cross),
    (Contestant::Standard, "#56b4e9", Shape::Ring),
];

/// What the picture alone would leave open.
const NOTES: [&str; 2] = [
    "The pacer and the GCRA pair are told the quota, the others are not. Fewer 429s than 0.03 % are drawn there.",
    "1 is the lesser of the optimum and of what was granted: a server that forgets at the minute gives more.",
];

#[derive(Clone, Copy)]
enum Shape {
    Dot,
    Square,
    Diamond,
    Triangle,
    Cross,
    Ring,
}

const WIDTH: f64 = 920.0;
const LABELS: f64 = 210.0;
const PANEL: f64 = 320.0;
const GAP: f64 = 40.0;
const TOP: f64 = 84.0;
const STEP: f64 = 20.0;
/// 429 shares from this to 1, on a logarithmic axis; less is drawn at the left end.
const LEAST_SHARE: f64 = 0.0003;
/// Goodput from 0 to at least this; further where somebody gets further, so that nobody's gain is cut off.
const LEAST_MOST_GOODPUT: f64 = 1.1;

/// The S1 rows without a configured quota, as SVG. Empty rows give an empty chart.
#[must_use]
pub fn svg(rows: &[Row]) -> String {
    let shown = |row: &&Row| row.cell.id == "S1" && !row.cell.configured;
    let mut cells: Vec<String> = Vec::new();
    for row in rows.iter().filter(shown) {
        let name = name(row);
        if !cells.contains(&name) {
            cells.push(name);
        }
    }
    let most = rows.iter().filter(shown).map(|row| row.goodput.median + 0.03).fold(LEAST_MOST_GOODPUT, f64::max);
    let goodput = |ratio: f64| PANEL * (ratio / most).clamp(0.0, 1.0);
    let bottom = TOP + STEP * cells.len() as f64;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#333\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        bottom + 68.0
    );
    let (left, right) = (LABELS, LABELS + PANEL + GAP);
    text(&mut svg, 16.0, 24.0, "start", 15, "A constant quota that nobody told the limiter");
    legend(&mut svg, |contestant| rows.iter().any(|row| shown(&row) && row.contestant == contestant));
    text(&mut svg, left, TOP - 12.0, "start", 12, "goodput, in times of the optimum");
    text(&mut svg, right, TOP - 12.0, "start", 12, "429s per attempt (logarithmic)");
    for quarter in 0..=(most * 4.0) as u32 {
        let tick = f64::from(quarter) / 4.0;
        axis(&mut svg, left + goodput(tick), bottom, &format!("{tick}"));
    }
    for (share, label) in [(LEAST_SHARE, "0.03 %"), (0.001, "0.1 %"), (0.01, "1 %"), (0.1, "10 %"), (1.0, "100 %")] {
        axis(&mut svg, right + throttles(share), bottom, label);
    }
    for (index, cell) in cells.iter().enumerate() {
        let y = TOP + STEP * (index as f64 + 0.5);
        if index % 2 == 1 {
            let _ = writeln!(
                svg,
                "<rect x=\"8\" y=\"{:.1}\" width=\"{:.0}\" height=\"{STEP}\" fill=\"#000\" fill-opacity=\"0.035\"/>",
                y - STEP / 2.0,
                WIDTH - 16.0
            );
        }
        text(&mut svg, LABELS - 14.0, y + 4.0, "end", 12, cell);
        // Ours last, so that nobody hides it.
        for (contestant, colour, shape) in MARKS.iter().rev() {
            let found = rows.iter().filter(shown).find(|row| row.contestant == *contestant && name(row) == *cell);
            if let Some(row) = found {
                mark(&mut svg, left + goodput(row.goodput.median), y, colour, *shape);
                mark(&mut svg, right + throttles(row.throttles.median), y, colour, *shape);
            }
        }
    }
    for (line, note) in NOTES.into_iter().enumerate() {
        text(&mut svg, 16.0, bottom + 40.0 + 16.0 * line as f64, "start", 11, note);
    }
    svg.push_str("</svg>\n");
    svg
}

fn name(row: &Row) -> String {
    format!("{}, {}", row.cell.what, row.cell.service.meter.name())
}

fn throttles(share: f64) -> f64 {
    PANEL * ((share / LEAST_SHARE).max(1.0).ln() / (1.0 / LEAST_SHARE).ln()).clamp(0.0, 1.0)
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, size: u32, words: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{words}</text>");
}

fn axis(svg: &mut String, x: f64, bottom: f64, label: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\" stroke=\"#000\" stroke-opacity=\"0.15\"/>",
        TOP - 4.0
    );
    text(svg, x, bottom + 16.0, "middle", 11, label);
}

/// Those who are in the picture.
fn legend(svg: &mut String, is_there: impl Fn(Contestant) -> bool) {
    let mut x = 22.0;
    for (contestant, colour, shape) in MARKS.into_iter().filter(|mark| is_there(mark.0)) {
        mark(svg, x, 46.0, colour, shape);
        text(svg, x + 10.0, 50.0, "start", 12, contestant.name());
        x += 30.0 + 7.2 * contestant.name().len() as f64;
    }
}

fn mark(svg: &mut String, x: f64, y: f64, colour: &str, shape: Shape) {
    let drawn = match shape {
        Shape::Dot => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>"),
        Shape::Ring => {
            format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            )
        }
        Shape::Square => {
            format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{colour}\"/>", x - 4.0, y - 4.0)
        }
        Shape::Diamond => format!("<path d=\"M{x:.1} {:.1}l5 5l-5 5l-5 -5z\" fill=\"{colour}\"/>", y - 5.0),
        Shape::Triangle => format!("<path d=\"M{x:.1} {:.1}l5 9h-10z\" fill=\"{colour}\"/>", y - 5.0),
        Shape::Cross => format!(
            "<path d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\" stroke=\"{colour}\" stroke-width=\"2\" fill=\"none\"/>",
            x - 4.0,
            y - 4.0
        ),
    };
    svg.push_str(&drawn);
    svg.push('\n');
}
