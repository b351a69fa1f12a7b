//! The result in words and figures: a text table, Markdown, JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::contest::Row;
use super::figure::Figure;

/// One line of the text table; widths that the longest names of today need.
fn line(scenario: &str, server: &str, policy: &str, figures: &[String; 7]) -> String {
    let [goodput, throttles, settles, p50, p99, jain, sent] = figures;
    let row = format!(
        "{scenario:<47} {server:<18} {policy:<15} {goodput:>19} {throttles:>21} {settles:>8} {p50:>9} {p99:>9} {jain:>6} \
         {sent:>6}"
    );
    row.trim_end().to_owned()
}

const HEADS: [&str; 7] = ["goodput/optimum", "429 share, %", "T90, s", "p50, ms", "p99, ms", "Jain", "sent"];

fn figures(row: &Row) -> [String; 7] {
    [
        format!("{:.3} [{:.3} {:.3}]", row.goodput.median, row.goodput.low, row.goodput.high),
        format!(
            "{:.2} [{:.2} {:.2}]",
            100.0 * row.throttles.median,
            100.0 * row.throttles.low,
            100.0 * row.throttles.high
        ),
        seconds(row.settles.median),
        millis(row.delay[0].median),
        millis(row.delay[1].median),
        format!("{:.3}", row.jain.median),
        format!("{:.2}", row.amplification.median),
    ]
}

fn seconds(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "never".into() }
}

fn millis(seconds: f64) -> String {
    format!("{:.0}", 1_000.0 * seconds)
}

/// For a terminal or a file. `sent`: attempts per admitted request.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let mut text = line("scenario", "server", "client", &HEADS.map(str::to_owned));
    let mut last = String::new();
    for row in rows {
        let cell = format!("{} {}", row.cell.name(), row.cell.service.meter.name());
        text.push('\n');
        if cell != last {
            text.push('\n');
            last = cell;
        }
        text.push_str(&line(&row.cell.name(), &row.cell.service.meter.name(), row.contestant.name(), &figures(row)));
    }
    text.push('\n');
    text
}

/// The same as a Markdown table.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut text = format!("| scenario | server | client | {} |\n", HEADS.join(" | "));
    text.push_str(&format!("|{}\n", "---|".repeat(HEADS.len() + 3)));
    for row in rows {
        let (cell, server, client) = (row.cell.name(), row.cell.service.meter.name(), row.contestant.name());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {cell} | {server} | {client} | {} |", figures(row).join(" | "));
    }
    text
}

/// The array that scripts read. A time that was never reached is null.
#[must_use]
pub fn json(rows: &[Row]) -> Value {
    let finite = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
    let interval = |figure: &Figure, scale: f64| json!([finite(figure.low * scale), finite(figure.high * scale)]);
    rows.iter()
        .map(|row| {
            json!({
                "scenario": row.cell.name(),
                "server": row.cell.service.meter.name(),
                "policy": row.contestant.name(),
                "quota": if row.cell.configured { "configured" } else { "unknown" },
                "seeds": row.seeds,
                "goodput_ratio": row.goodput.median,
                "throttle_share": row.throttles.median,
                "t90_s": finite(row.settles.median),
                "p50_queue_delay_ms": 1_000.0 * row.delay[0].median,
                "p99_queue_delay_ms": 1_000.0 * row.delay[1].median,
                "jain": row.jain.median,
                "wasted_tokens": row.wasted.median,
                "retry_amplification": row.amplification.median,
                "interval": {
                    "goodput_ratio": interval(&row.goodput, 1.0),
                    "throttle_share": interval(&row.throttles, 1.0),
                    "t90_s": interval(&row.settles, 1.0),
                    "p99_queue_delay_ms": interval(&row.delay[1], 1_000.0),
                },
            })
        })
        .collect()
}
